from __future__ import annotations

import datetime
import inspect
import json
import math
from pathlib import Path

import numpy as np
import pytest

import metrana
from metrana import BackpressureStrategy, Compression, ErrorStrategy, LogLevel, ResumeStrategy
from metrana.settings import Settings, resolve


class BytesPath:
    def __fspath__(self) -> bytes:
        return b"/videos"


NAMES = {"workspace_name": "ws", "project_name": "p", "run_name": "r"}


def settings(**given: object) -> Settings:
    """What init(**given) would open a run with."""
    parameters = inspect.signature(metrana.init).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    assert given.keys() <= defaults.keys()
    return resolve({**defaults, **NAMES, **given})


def test_defaults() -> None:
    resolved = settings()
    assert resolved.api_key == "local"
    assert resolved.ingestion_url == "http://127.0.0.1:7420"
    assert resolved.experiment_name is None
    assert resolved.resume_strategy is ResumeStrategy.NEVER
    assert resolved.backpressure_strategy is BackpressureStrategy.DROP_NEW
    assert resolved.compression is Compression.NONE
    assert resolved.error_strategy is ErrorStrategy.WARN
    assert resolved.log_level is LogLevel.SUCCESS
    assert resolved.autoconfigure_loguru is True
    assert resolved.create_project_if_missing is True
    assert (resolved.fork_from_run, resolved.fork_at_step) == (None, None)
    assert (resolved.tags, resolved.description, resolved.config) == (None, None, [])
    assert resolved.queue_capacity == 10_000
    assert resolved.enqueue_timeout_secs == 0.1
    assert (resolved.init_timeout_secs, resolved.connect_timeout_secs) == (120, 5)
    assert resolved.max_pending_requests == 30
    assert resolved.max_send_retries == 60
    assert resolved.send_retry_initial_backoff_secs == 0.05
    assert resolved.send_retry_max_backoff_secs == 15
    assert (resolved.batch_max_age_secs, resolved.max_msg_size) == (1.0, 2**20)
    assert resolved.rendering_output_dir == Path.home() / ".metrana" / "renderings"
    assert (resolved.rendering_fps, resolved.rendering_max_concurrent_encoders) == (30, 1)
    assert resolved.rendering_queue_max_size is None
    assert resolved.skip_drain_render_on_close is False
    assert resolved.rendering_close_timeout is None


@pytest.mark.parametrize(
    ("variable", "text", "argument", "value"),
    [
        ("METRANA_API_KEY", "secret", "api_key", "secret"),
        ("METRANA_INGESTION_URL", "https://m.example", "ingestion_url", "https://m.example"),
        ("METRANA_ORCHESTRATION_ID", "job-1", "orchestration_id", "job-1"),
        ("METRANA_BACKPRESSURE_STRATEGY", "Block", "backpressure_strategy", "block"),
        ("METRANA_ERROR_MODES", "RaiseOnLog", "error_strategy", "raise_on_log"),
        ("METRANA_RESUME_STRATEGY", "ALLOW", "resume_strategy", "allow"),
        ("METRANA_LOG_LEVEL", "warning", "log_level", "WARNING"),
        ("METRANA_EVENT_QUEUE_MAX_SIZE", "17", "queue_capacity", 17),
        ("METRANA_SKIP_DRAIN_RENDER_ON_CLOSE", "true", "skip_drain_render_on_close", True),
        ("METRANA_RENDERING_CLOSE_TIMEOUT", "2.5", "rendering_close_timeout", 2.5),
        ("METRANA_RENDERING_UPLOAD", "on", "rendering_upload", True),
    ],
)
def test_a_variable_stands_in_for_an_argument(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, argument: str, value: object
) -> None:
    key = {} if argument == "api_key" else {"api_key": "k"}
    default = getattr(settings(**key), argument)
    monkeypatch.setenv(variable, text)
    assert getattr(settings(**key), argument) == value
    assert value != default
    monkeypatch.setenv(variable, "")  # as good as none
    if argument != "orchestration_id":  # random
        assert getattr(settings(**key), argument) == default


@pytest.mark.parametrize(
    ("variable", "text", "argument", "value"),
    [
        ("METRANA_API_KEY", "theirs", "api_key", "mine"),
        ("METRANA_INGESTION_URL", "https://theirs", "ingestion_url", "http://localhost:1"),
        ("METRANA_INGESTION_URL", "nonsense", "ingestion_url", "http://localhost:1"),
        ("METRANA_ORCHESTRATION_ID", "theirs", "orchestration_id", "mine"),
        ("METRANA_BACKPRESSURE_STRATEGY", "nonsense", "backpressure_strategy", "block"),
        ("METRANA_ERROR_MODES", "nonsense", "error_strategy", "silent"),
        ("METRANA_RESUME_STRATEGY", "nonsense", "resume_strategy", "allow"),
        ("METRANA_LOG_LEVEL", "nonsense", "log_level", "DEBUG"),
        ("METRANA_SKIP_DRAIN_RENDER_ON_CLOSE", "nonsense", "skip_drain_render_on_close", True),
        ("METRANA_EVENT_QUEUE_MAX_SIZE", "nonsense", "queue_capacity", 3),
        ("METRANA_SKIP_DRAIN_RENDER_ON_CLOSE", "1", "skip_drain_render_on_close", False),
        ("METRANA_RENDERING_CLOSE_TIMEOUT", "nonsense", "rendering_close_timeout", 1.0),
        ("METRANA_RENDERING_UPLOAD", "true", "rendering_upload", False),
    ],
)
def test_an_argument_wins_over_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, argument: str, value: object
) -> None:
    monkeypatch.setenv(variable, text)
    assert getattr(settings(**{argument: value}), argument) == value


def test_a_server_elsewhere_needs_a_key() -> None:
    with pytest.raises(metrana.NoMetranaApiKeyError, match="METRANA_API_KEY"):
        settings(ingestion_url="https://metrana.example")
    with pytest.raises(metrana.NoMetranaApiKeyError):
        settings(ingestion_url="http://127.example:7420")
    assert settings(ingestion_url="https://metrana.example", api_key="k").api_key == "k"


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:1",
        "http://m.localhost:1",
        "http://127.0.0.1",
        "http://127.1.2.3:9",
        "https://127.0.0.1:9",
        "http://[::1]:7420",
        "http://[0:0:0:0:0:0:0:1]:7420",
    ],
)
def test_a_server_on_this_machine_needs_none(url: str) -> None:
    assert settings(ingestion_url=url).api_key == "local"
    assert settings(ingestion_url=url).ingestion_url == url


@pytest.mark.parametrize("host", ["localhost.example", "127.0.0.1.example", "[::2]", "10.0.0.1"])
def test_a_name_like_that_of_this_machine_is_not_enough(host: str) -> None:
    with pytest.raises(metrana.NoMetranaApiKeyError, match="no API key for"):
        settings(ingestion_url=f"http://{host}:7420")


@pytest.mark.parametrize("key", ["abc\n", "\0", "a\x7f", "key\r", "\x1b[0m"])
def test_a_key_with_a_control_character_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    with pytest.raises(metrana.MetranaLoggerInitError, match="api_key contains a control") as no:
        settings(api_key=key)
    assert key not in str(no.value)
    if "\0" not in key:  # which no variable can hold
        monkeypatch.setenv("METRANA_API_KEY", key)
        with pytest.raises(metrana.MetranaLoggerInitError, match="METRANA_API_KEY contains"):
            settings()


def test_a_key_that_no_header_can_carry_is_refused_at_once() -> None:
    with pytest.raises(metrana.MetranaLoggerInitError, match=r"api_key .* not ASCII"):
        settings(api_key="schl\u00fcssel")
    assert settings(api_key=" with spaces ").api_key == " with spaces "


@pytest.mark.parametrize(
    "url",
    [
        *("127.0.0.1:7420", "localhost", "//localhost", "ftp://x", "grpc://x:1", "http:/x"),
        *("http://", "http://:7420", "http://x:port", "http://x:0", "http://x:65536"),
        *("http://[::1", "http://[:::]:1", "http://a b:1", "http://a\n:1", "http://x:1 "),
        *("http://me:secret@x:1", "http://b\u00fccher:1", "http://a,b:1"),
    ],
)
def test_an_impossible_url_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(metrana.MetranaValidationError, match="ingestion_url"):
        settings(ingestion_url=url)
    monkeypatch.setenv("METRANA_INGESTION_URL", url)
    with pytest.raises(metrana.MetranaValidationError, match="METRANA_INGESTION_URL"):
        settings()


def test_a_path_behind_the_url_is_ignored() -> None:
    assert settings(ingestion_url="HTTP://LOCALHOST:7420/a/?b").ingestion_url == (
        "http://localhost:7420"
    )


def test_the_dashboard_address_is_encoded() -> None:
    address = settings(project_name="a/b c", run_name="ü?").dashboard_address
    assert address == "http://127.0.0.1:7420/ws/a%2Fb%20c/%C3%BC%3F"


IMPOSSIBLE: list[tuple[str, list[object]]] = [
    ("queue_capacity", [0, -1, 2**31]),
    ("max_pending_requests", [0, -5, 2**31]),
    ("max_msg_size", [0, -1, 2**31]),
    ("max_send_retries", [-1, 2**63]),
    ("logger_id", [0, -1, 2**64]),
    ("enqueue_timeout_secs", [-0.1, math.nan, math.inf]),
    ("init_timeout_secs", [0, -1, math.nan]),
    ("connect_timeout_secs", [0, -1, math.nan]),
    ("batch_max_age_secs", [-1, math.nan, math.inf, 10**400]),
    ("send_retry_initial_backoff_secs", [-1, math.nan]),
    ("send_retry_max_backoff_secs", [-1, math.nan]),
    ("rendering_fps", [0, -1, math.nan]),
    ("rendering_max_concurrent_encoders", [0]),
    ("rendering_queue_max_size", [0, -1]),
    ("rendering_close_timeout", [-1, math.nan]),
    ("workspace_name", ["", "\ud800"]),
    ("project_name", ["", "\ud800"]),
    ("run_name", ["", "\ud800"]),
    ("experiment_name", ["\ud800"]),
    ("orchestration_id", ["\ud800"]),
    ("description", ["\ud800"]),
    ("compression", ["gzip", 3, "", ErrorStrategy.WARN]),
    ("error_strategy", ["shout", 3, ""]),
    ("resume_strategy", ["sometimes", True, ""]),
    ("backpressure_strategy", ["drop_old", 0, ""]),
    ("log_level", ["LOUD", 10, ""]),
    ("rendering_output_dir", ["", "~nobody-of-that-name/videos"]),
    ("tags", [["a", ""], ["\ud800"]]),
    ("config", [{"": 1}, {"\ud800": 1}, {"a": "\ud800"}, {"a": 2**64}]),
]


@pytest.mark.parametrize(
    ("argument", "value"), [(name, value) for name, values in IMPOSSIBLE for value in values]
)
def test_an_impossible_value_is_refused_by_name(argument: str, value: object) -> None:
    name = "tag" if argument == "tags" else argument
    with pytest.raises(metrana.MetranaValidationError, match=name) as refused:
        settings(**{argument: value})
    if value != "" and isinstance(value, (int, float, str)):
        assert repr(value) in str(refused.value)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("workspace_name", None),
        ("project_name", b"p"),
        ("run_name", None),
        ("run_name", 3),
        ("experiment_name", 3),
        ("ingestion_url", 7420),
        ("orchestration_id", 7),
        ("api_key", 3),
        ("fork_from_run", 3),
        ("description", 3),
        ("queue_capacity", 1.5),
        ("queue_capacity", True),
        ("max_pending_requests", "30"),
        ("max_pending_requests", None),
        ("max_msg_size", 1e6),
        ("max_send_retries", True),
        ("max_send_retries", "for ever"),
        ("logger_id", True),
        ("logger_id", "7"),
        ("enqueue_timeout_secs", "1"),
        ("enqueue_timeout_secs", None),
        ("init_timeout_secs", True),
        ("connect_timeout_secs", b"1"),
        ("batch_max_age_secs", datetime.timedelta(seconds=1)),
        ("send_retry_initial_backoff_secs", 1j),
        ("send_retry_max_backoff_secs", np.ones(1)),
        ("create_project_if_missing", "no"),
        ("autoconfigure_loguru", 1),
        ("skip_drain_render_on_close", "yes"),
        ("rendering_fps", "30"),
        ("rendering_max_concurrent_encoders", 1.5),
        ("rendering_queue_max_size", True),
        ("rendering_close_timeout", "1"),
        ("rendering_output_dir", 3),
        ("rendering_output_dir", BytesPath()),
        ("tags", "baseline"),
        ("tags", [1]),
        ("config", {1: 2}),
        ("config", {"a": b""}),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(argument: str, value: object) -> None:
    with pytest.raises(TypeError, match=argument):
        settings(**{argument: value})


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("METRANA_EVENT_QUEUE_MAX_SIZE", "many"),
        ("METRANA_EVENT_QUEUE_MAX_SIZE", "1.5"),
        ("METRANA_EVENT_QUEUE_MAX_SIZE", "0"),
        ("METRANA_EVENT_QUEUE_MAX_SIZE", "-1"),
        ("METRANA_EVENT_QUEUE_MAX_SIZE", "99999999999"),
        ("METRANA_ERROR_MODES", "shout"),
        ("METRANA_BACKPRESSURE_STRATEGY", "drop_old"),
        ("METRANA_RESUME_STRATEGY", "sometimes"),
        ("METRANA_LOG_LEVEL", "LOUD"),
        ("METRANA_SKIP_DRAIN_RENDER_ON_CLOSE", "perhaps"),
        ("METRANA_RENDERING_CLOSE_TIMEOUT", "soon"),
        ("METRANA_RENDERING_UPLOAD", "perhaps"),
        ("METRANA_RENDERING_CLOSE_TIMEOUT", "-1"),
        ("METRANA_RENDERING_CLOSE_TIMEOUT", "nan"),
    ],
)
def test_an_impossible_variable_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(metrana.MetranaValidationError, match=variable) as refused:
        settings()
    assert text in str(refused.value)


@pytest.mark.parametrize("text", ["1", "true", "True", "YES", "on"])
def test_a_variable_may_say_yes_in_many_ways(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("METRANA_SKIP_DRAIN_RENDER_ON_CLOSE", text)
    assert settings().skip_drain_render_on_close is True


@pytest.mark.parametrize("text", ["0", "false", "No", "OFF"])
def test_a_variable_may_say_no_in_many_ways(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("METRANA_SKIP_DRAIN_RENDER_ON_CLOSE", text)
    assert settings().skip_drain_render_on_close is False


@pytest.mark.parametrize(
    ("argument", "kind"),
    [
        ("resume_strategy", ResumeStrategy),
        ("backpressure_strategy", BackpressureStrategy),
        ("compression", Compression),
        ("error_strategy", ErrorStrategy),
        ("log_level", LogLevel),
    ],
)
def test_every_choice_in_every_spelling(argument: str, kind: type[Compression]) -> None:
    for member in kind:
        camel = "".join(part.capitalize() for part in member.value.split("_"))
        for given in (member, member.value, member.value.upper(), member.value.lower(), camel):
            assert getattr(settings(**{argument: given}), argument) is member


def test_numbers_of_numpy_are_numbers() -> None:
    assert settings(queue_capacity=np.int32(5)).queue_capacity == 5
    assert settings(logger_id=np.uint64(2**64 - 1)).logger_id == 2**64 - 1
    assert settings(enqueue_timeout_secs=np.float32(0.5)).enqueue_timeout_secs == 0.5
    json.dumps(settings(queue_capacity=np.int32(5)).engine_options())


def test_a_home_directory_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    assert settings().rendering_output_dir == Path(".metrana", "renderings")


def test_the_rendering_directory_may_be_in_ones_home() -> None:
    assert settings(rendering_output_dir="~/videos").rendering_output_dir == Path.home() / "videos"
    assert settings(rendering_output_dir=Path("a") / "b").rendering_output_dir == Path("a/b")


def test_a_fork_point_is_whole_or_not_there() -> None:
    forked = settings(fork_from_run="parent", fork_at_step=0)
    assert (forked.fork_from_run, forked.fork_at_step) == ("parent", 0)
    for half in ({"fork_from_run": "parent"}, {"fork_at_step": 3}):
        with pytest.raises(metrana.MetranaValidationError, match="belong together"):
            settings(**half)
    for step in (-1, 2**63):
        with pytest.raises(metrana.MetranaValidationError, match="fork_at_step must be"):
            settings(fork_from_run="parent", fork_at_step=step)
    with pytest.raises(TypeError, match="fork_at_step must be"):
        settings(fork_from_run="parent", fork_at_step=1.5)


def test_logger_ids_are_random_and_never_zero() -> None:
    ids = {settings().logger_id for _ in range(100)}
    assert len(ids) == 100
    assert all(0 < one < 2**64 for one in ids)
    assert settings(logger_id=2**64 - 1).logger_id == 2**64 - 1


def test_retries_may_go_on_for_ever() -> None:
    assert settings(max_send_retries=None).max_send_retries is None


def test_config_is_flattened_before_anything_is_opened() -> None:
    assert settings(config={"lr": 0.1}).config == [("config/lr", "float", 0.1)]


def test_engine_options_are_json() -> None:
    options = settings(compression=Compression.ZSTD).engine_options()
    assert json.loads(json.dumps(options)) == options
    assert options["compression"] == "zstd"
    assert type(options["compression"]) is str
