"""The boundary: the fast path does what the ordinary one does, errors arrive as what they are."""

from __future__ import annotations

import enum
import os
import signal
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from conftest import ServerProcess
from metrana import _engine, errors
from metrana._engine import Engine


def options(server: ServerProcess | str, **others: object) -> dict[str, object]:
    url = server if isinstance(server, str) else server.url
    given: dict[str, object] = {
        "api_key": "local",
        "ingestion_url": url,
        "workspace_name": "w",
        "project_name": "p",
        "run_name": "r",
        "experiment_name": None,
        "fork_from_run": None,
        "fork_at_step": None,
        "create_project_if_missing": True,
        "resume_strategy": "never",
        "orchestration_id": "job",
        "logger_id": 2**64 - 1,
        "backpressure_strategy": "block",
        "compression": "none",
        "error_strategy": "warn",
        "queue_capacity": 10_000,
        "enqueue_timeout_secs": 0.1,
        "init_timeout_secs": 60,
        "connect_timeout_secs": 5,
        "max_pending_requests": 30,
        "max_send_retries": None,
        "send_retry_initial_backoff_secs": 0.05,
        "send_retry_max_backoff_secs": 15,
        "batch_max_age_secs": 0.05,
        "max_msg_size": 2**20,
    }
    return {**given, **others}


@pytest.fixture(params=["builtin", "ctypes"])
def engine(
    server: ServerProcess, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    """An engine with either kind of fast path."""
    monkeypatch.setenv(_engine.FAST_PATH_VARIABLE, request.param)
    made = Engine(options(server))
    made.wait_ready()
    is_builtin = type(made.fast_log).__name__ == "builtin_function_or_method"
    assert is_builtin == (request.param == "builtin")
    yield made
    made.close(0)


def series(engine: Engine, name: str = "loss") -> int:
    number = engine.series(name, "ML_STEP", (), "ordered")
    engine.fast_series[name] = number
    return number


def log_array(engine: Engine, number: int, *values: float, first: int | None = None) -> None:
    engine.points(number, np.array(values, np.float64), first, None, None, None)


class Text(str):
    __slots__ = ()


class Number(enum.IntEnum):
    ONE = 1


def test_the_fast_path_takes_exact_floats_and_ints_only(engine: Engine) -> None:
    number = series(engine)
    assert engine.fast_log("loss", 0.5) is True
    assert engine.fast_log("loss", 3) is True
    assert engine.fast_log("loss", float("nan")) is True
    refused = [True, np.float64(1), np.float32(1), Number.ONE, "1", None, [1.0], {}, 10**400]
    for value in refused:
        assert engine.fast_log("loss", value) is False
    for name in ["other", Text("loss"), 1, None, ["loss"], {"loss": 1.0}, b"loss"]:
        assert engine.fast_log(name, 1.0) is False
    assert engine.last_step(number) == 2
    assert engine.stats()["float_points_added"] == 3


def test_both_paths_share_steps_and_counters(engine: Engine) -> None:
    number = series(engine)
    assert engine.last_step(number) is None
    assert engine.fast_log("loss", 1.0)
    log_array(engine, number, 2.0, 3.0)
    assert engine.fast_log("loss", 4.0)
    log_array(engine, number, 5.0, first=100)
    assert engine.fast_log("loss", 6.0)
    assert engine.last_step(number) == 101
    stats = engine.close(30)
    assert stats["float_points_added"] == stats["float_points_sent"] == 6
    assert stats["float_points_dropped"] == 0


def test_no_path_logs_beyond_the_last_step_that_can_be(engine: Engine) -> None:
    number = series(engine)
    log_array(engine, number, 1.0, first=2**63 - 1)
    assert engine.fast_log("loss", 1.0) is False
    with pytest.raises(errors.MetranaValidationError, match="step"):
        log_array(engine, number, 1.0)
    with pytest.raises(errors.MetranaValidationError, match="step"):
        log_array(engine, number, 1.0, first=2**63)
    assert engine.stats()["float_points_added"] == 1


def test_threads_lose_nothing(engine: Engine) -> None:
    number = series(engine)

    def work() -> None:
        for i in range(1250):
            if i % 50 == 0:
                log_array(engine, number, 1.0, 2.0)
            elif not engine.fast_log("loss", 1.0):
                log_array(engine, number, 1.0)

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    logged = 32 * (1250 + 25)
    assert engine.last_step(number) == logged - 1
    stats = engine.close(60)
    assert stats["float_points_added"] == stats["float_points_sent"] == logged
    assert stats["float_points_dropped"] == 0  # late ones, had the order been broken


def test_after_close_nothing_is_taken(engine: Engine) -> None:
    number = series(engine)
    assert engine.fast_log("loss", 1.0)
    engine.close(30)
    assert engine.fast_log("loss", 1.0) is False
    with pytest.raises(errors.MetranaNotInitializedError):
        log_array(engine, number, 1.0)
    assert engine.close(1) == dict.fromkeys(_engine._STATS, 0)


def test_a_second_engine_does_not_take_the_handles_of_the_first(server: ServerProcess) -> None:
    first = Engine(options(server))
    first.wait_ready()
    number = series(first)
    first.close(30)
    second = Engine(options(server, run_name="second"))
    second.wait_ready()
    second.fast_series["loss"] = number
    assert second.fast_log("loss", 1.0) is False
    with pytest.raises(errors.MetranaNotInitializedError):
        log_array(second, number, 1.0)
    second.close(0)


def test_validation_errors_name_the_value(engine: Engine) -> None:
    with pytest.raises(errors.MetranaValidationError, match=r"metric name \"a b\""):
        engine.series("a b", "ML_STEP", (), "ordered")
    with pytest.raises(errors.MetranaValidationError, match="metric name"):
        engine.series("\ud800", "ML_STEP", (), "ordered")
    with pytest.raises(errors.MetranaValidationError, match="settings"):
        engine.environment("settings")
    with pytest.raises(errors.MetranaValidationError, match="sys/status"):
        engine.attributes([("fine", "int", 1), ("sys/status", "string", "x")])
    number = series(engine)
    with pytest.raises(errors.MetranaValidationError, match="log_distributed"):
        engine.series("loss", "ML_STEP", (), "unordered")
    with pytest.raises(errors.MetranaValidationError, match="2 steps for 1 values"):
        engine.points(number, np.zeros(1), None, np.zeros(2, np.uint64), None, None)
    assert engine.find_series("\ud800", "ML_STEP", ()) is None
    assert engine.find_series("unknown", "ML_STEP", ()) is None
    assert all(count == 0 for name, count in engine.stats().items() if name.endswith("_added"))


def test_names_are_what_they_were(engine: Engine) -> None:
    labels = (("b", "x y"), ("a", ""))
    number = engine.series("m\u00e9trique/\u2764", "MY_SCALE", labels, "ordered")
    assert engine.find_series("m\u00e9trique/\u2764", "MY_SCALE", tuple(reversed(labels))) == number
    assert engine.find_series("m\u00e9trique/\u2764", "MY_SCALE", ()) is None


def test_rl_calls_take_every_shape(engine: Engine) -> None:
    number = engine.series("reward", "ENVIRONMENT_STEP", (), "ordered")
    envs = np.array([engine.environment("a"), engine.environment("b")], np.uint32)
    values = np.arange(6.0).reshape(2, 3)
    for episodes in (None, 0, np.zeros(2, np.uint64), np.zeros((2, 3), np.uint64)):
        for times in (None, np.zeros(2, np.int64), np.zeros((2, 3), np.int64)):
            engine.rl_env_steps(number, envs, values, 4, episodes, None, times)
    with pytest.raises(errors.MetranaValidationError, match="episode"):
        engine.rl_env_steps(number, envs, values, 4, np.zeros((2, 1), np.uint64), 1, None)
    with pytest.raises(errors.MetranaValidationError, match="3 environments"):
        engine.rl_env_steps(number, np.zeros(3, np.uint32), values, 4, None, 1, None)
    assert engine.env_last("a") == (4, 0)
    assert engine.env_last("nobody") == (None, None)
    assert engine.close(30)["rl_float_points_sent"] == 12 * 6


def test_the_caller_may_overwrite_its_buffer(engine: Engine, server: ServerProcess) -> None:
    number = series(engine)
    values = np.ones(1000)
    for _ in range(10):
        engine.points(number, values, None, None, None, None)
        values[:] = np.nan
    assert engine.flush(30)
    assert engine.stats()["float_points_sent"] == 10_000


def test_attributes_of_every_kind_arrive(engine: Engine) -> None:
    engine.attributes(
        [
            ("null", "null", None),
            ("bool", "bool", True),
            ("int", "int", -(2**63)),
            ("float", "float", float("nan")),
            ("text", "string", 'quoted "\u2764"'),
            ("set", "string_set", ["a", ""]),
            ("sys/tags", "string_set_delta", (["a"], ["b"])),
            ("time", "timestamp", 1_700_000_000_123_456_789),
        ]
    )
    engine.env_attributes("env", 3, [("x", "float", 0.1)])
    stats = engine.close(30)
    assert stats["attribute_updates_sent"] == 8
    assert stats["env_attribute_updates_sent"] == 1


def test_a_refused_run_is_told_from_others(server: ServerProcess) -> None:
    first = Engine(options(server))
    answer = first.wait_ready()
    assert answer.created
    assert answer.orchestration_id == "job"
    other = Engine(options(server, orchestration_id="another"))
    with pytest.raises(errors.MetranaOrchestrationIdMismatchError, match="another"):
        other.wait_ready()
    with pytest.raises(errors.MetranaNotInitializedError):
        other.series("loss", "ML_STEP", (), "ordered")
    other.close(0)
    sibling = Engine(options(server))
    assert not sibling.wait_ready().created
    sibling.close(0)
    first.close(0)


def test_ctrl_c_ends_waiting_for_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(options("http://127.0.0.1:1"))
    waiting = _engine.load().mt_wait_ready
    calls = []

    def interrupted(*arguments: object) -> int:
        calls.append(arguments)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        status: int = waiting(*arguments)
        return status

    monkeypatch.setattr(engine._library, "mt_wait_ready", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.wait_ready()
    assert len(calls) == 2
    engine.close(0)


def test_closing_without_a_server_ends_in_time_and_says_what_was_lost(
    server: ServerProcess,
) -> None:
    engine = Engine(options(server))
    engine.wait_ready()
    server.kill()
    number = series(engine)
    for _ in range(100):
        assert engine.fast_log("loss", 1.0)
    log_array(engine, number, 1.0, 2.0)
    begin = time.monotonic()
    with pytest.raises(errors.MetranaClosingError, match="102 points") as raised:
        engine.close(0.5)
    assert time.monotonic() - begin < 5
    metrics = raised.value.metrics
    assert metrics is not None
    assert metrics.float_points_dropped == 102


def test_losses_surface_as_the_error_strategy_says(server: ServerProcess) -> None:
    engine = Engine(options(server, error_strategy="raise_on_log"))
    engine.wait_ready()
    number = series(engine)
    log_array(engine, number, 1.0, first=10)
    with pytest.raises(errors.MetranaSenderError, match="loss came at or below its last step"):
        log_array(engine, number, 1.0, first=3)
    assert engine.fast_log("loss", 1.0)
    assert engine.check_errors() == []
    assert engine.close(30)["float_points_dropped"] == 1


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = _engine.library_path().with_name("nothing.so")
    monkeypatch.setattr(_engine, "_library", None)
    monkeypatch.setattr(_engine, "library_path", lambda: missing)
    with pytest.raises(errors.MetranaLoggerInitError, match=r"nothing\.so"):
        _engine.load()


def test_a_library_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _engine.load()
    monkeypatch.setattr(_engine, "_library", None)
    monkeypatch.setattr(_engine, "__version__", "9.9.9")
    with pytest.raises(errors.MetranaLoggerInitError, match=r"9\.9\.9"):
        _engine.load()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_gets_an_engine_of_its_own(server: ServerProcess) -> None:
    parent = Engine(options(server))
    parent.wait_ready()
    series(parent)
    assert parent.fast_log("loss", 1.0)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            assert parent.fast_log("loss", 1.0) is False
            with pytest.raises(errors.MetranaProcessForkError):
                parent.stats()
            child = Engine(options(server))
            assert not child.wait_ready().created
            series(child, "of the child".replace(" ", "_"))
            assert child.fast_log("of_the_child", 1.0)
            assert child.close(30)["float_points_sent"] == 1
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert parent.fast_log("loss", 2.0)
    assert parent.close(30)["float_points_sent"] == 2
