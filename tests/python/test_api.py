"""What the public functions hand to the engine."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from loguru import logger

import metrana
import metrana.run
from metrana import StandardMetricScale, api, errors, git
from metrana import messages as own_messages
from recording_engine import Call, RecordingEngine

NAMES = {"workspace_name": "ws", "project_name": "p", "run_name": "r"}
EVALUATION = (("evaluation", "true"),)


@pytest.fixture
def messages() -> Iterator[list[str]]:
    """What metrana says in the test, as LEVEL text."""
    said: list[str] = []
    handler = logger.add(lambda line: said.append(line.rstrip()), format="{level} {message}")
    yield said
    logger.remove(handler)


@pytest.fixture
def start(
    monkeypatch: pytest.MonkeyPatch, messages: list[str]
) -> Iterator[Callable[..., RecordingEngine]]:
    engines: list[RecordingEngine] = []

    def make(options: dict[str, object]) -> RecordingEngine:
        engines.append(RecordingEngine(options))
        return engines[-1]

    def begin(**given: Any) -> RecordingEngine:
        metrana.init(**{**NAMES, "autoconfigure_loguru": False, **given})
        return engines[-1]

    monkeypatch.setattr(metrana.run, "Engine", make)
    monkeypatch.setattr(git, "commit_sha", lambda: "c0ffee")
    yield begin
    if metrana.is_initialized():
        engines[-1].interrupt_close = False
        metrana.close()


@pytest.fixture
def engine(start: Callable[..., RecordingEngine]) -> RecordingEngine:
    opened = start()
    opened.calls.clear()
    return opened


# Opening and closing


def test_the_creator_describes_the_run_in_order(start: Callable[..., RecordingEngine]) -> None:
    engine = start(config={"a": {"b": 1}}, tags=["t"], description="d")
    assert engine.calls == [
        ("attributes", (("config/a/b", "int", 1),)),
        ("attributes", (("git/commit_sha", "string", "c0ffee"),)),
        ("attributes", (("sys/tags", "string_set", ["t"]),)),
        ("attributes", (("sys/description", "string", "d"),)),
    ]


def test_whoever_continues_a_run_does_not_describe_it(
    start: Callable[..., RecordingEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RecordingEngine, "created", False)
    assert start(config={"a": 1}, tags=["t"], description="d").calls == []


def test_init_says_where_to_look(
    start: Callable[..., RecordingEngine], messages: list[str]
) -> None:
    start(run_name="run 1")
    assert messages == [
        "SUCCESS logging to the new run 'run 1': http://127.0.0.1:7420/ws/p/run%201"
    ]


@pytest.mark.parametrize("level", ["DEBUG", "error"])
def test_loguru_is_configured_only_where_it_may_be(
    start: Callable[..., RecordingEngine], monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(own_messages, "show", shown.append)
    start(autoconfigure_loguru=False, log_level=level)
    assert shown == []
    metrana.close()
    start(autoconfigure_loguru=True, log_level=level)
    assert shown == [level.upper()]


def test_the_orchestration_id_is_published_before_the_handshake(
    start: Callable[..., RecordingEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_engine: RecordingEngine) -> None:
        assert os.environ["METRANA_ORCHESTRATION_ID"] == "job-7"
        raise metrana.MetranaLoggerInitError("no")

    monkeypatch.setattr(RecordingEngine, "wait_ready", fail)
    with pytest.raises(metrana.MetranaLoggerInitError, match="no"):
        start(orchestration_id="job-7")
    assert not metrana.is_initialized()


def test_a_second_init_warns_once_and_is_ignored(
    start: Callable[..., RecordingEngine], messages: list[str]
) -> None:
    first = start()
    messages.clear()
    assert start(run_name="other") is first
    assert start(run_name="another") is first
    assert len(messages) == 1
    assert messages[0].startswith("WARNING metrana.init() is ignored: the run 'r' is open")


def test_after_close_a_new_init_works(start: Callable[..., RecordingEngine]) -> None:
    first = start()
    metrana.log("loss", 1.0)
    assert metrana.close().float_points_added == len(first.calls)
    assert not metrana.is_initialized()
    second = start()
    metrana.log("loss", 2.0)
    assert second is not first
    assert second.calls[-1] == ("points", (1, [2.0], None, None, None, None))


CALLS: list[Callable[[], object]] = [
    lambda: metrana.log("loss", 1.0),
    lambda: metrana.log({"loss": 1.0}),
    lambda: metrana.log_distributed("loss", 1.0, step=1),
    lambda: metrana.log_rl_episode("return", 1.0, rl_step=0),
    lambda: metrana.log_rl_environment_step("reward", 1.0, rl_step=0),
    lambda: metrana.log_config({}),
    lambda: metrana.log_attributes("a", 1),
    lambda: metrana.log_env_attributes("env", {}),
    lambda: metrana.set_tags([]),
    lambda: metrana.add_tags([]),
    lambda: metrana.remove_tags([]),
    lambda: metrana.set_description(""),
    lambda: metrana.get_last_step("loss"),
    lambda: metrana.get_env_last_rl_step_and_episode("env"),
    lambda: metrana.get_metrics(),
    lambda: metrana.check_sender_errors(),
    lambda: metrana.close(),
]


@pytest.mark.parametrize("call", CALLS)
def test_every_function_needs_an_open_run(
    start: Callable[..., RecordingEngine], call: Callable[[], object]
) -> None:
    with pytest.raises(metrana.MetranaNotInitializedError, match="init"):
        call()
    start()
    metrana.log("loss", 1.0)
    metrana.close()
    with pytest.raises(metrana.MetranaNotInitializedError, match="init"):
        call()


@pytest.mark.parametrize("call", CALLS)
def test_in_a_forked_child_nothing_reaches_the_parents_engine(
    engine: RecordingEngine, monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with contextlib.suppress(metrana.MetranaProcessForkError):
        call()
    assert engine.calls == []
    assert engine.closed_with == []


def test_an_interrupted_close_drops_what_is_left(
    engine: RecordingEngine, messages: list[str]
) -> None:
    engine.interrupt_close = True
    with pytest.raises(KeyboardInterrupt):
        metrana.close(close_timeout=30)
    assert engine.closed_with == [30, 0]
    assert not metrana.is_initialized()
    assert "dropped" in messages[-1]


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf")])
def test_close_refuses_an_impossible_timeout(engine: RecordingEngine, timeout: float) -> None:
    with pytest.raises(metrana.MetranaValidationError, match="close_timeout"):
        metrana.close(timeout)
    assert metrana.is_initialized()


def test_exit_without_close_warns_and_flushes(engine: RecordingEngine, messages: list[str]) -> None:
    api._close_at_exit()
    assert engine.closed_with == [15.0]
    assert messages[-1].startswith("WARNING metrana.close() was not called")
    assert not metrana.is_initialized()


def test_one_of_many_threads_opens_the_run(
    start: Callable[..., RecordingEngine], messages: list[str]
) -> None:
    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(message.startswith("SUCCESS") for message in messages) == 1


# Standard metrics


def test_the_first_point_of_a_series_makes_it_and_the_next_are_fast(
    engine: RecordingEngine,
) -> None:
    for value in (0.5, 1, 2.5):
        metrana.log("loss", value)
    assert engine.series_keys == [("loss", "ML_STEP", (), "ordered")]
    assert engine.calls == [
        ("points", (1, [0.5], None, None, None, None)),
        ("fast_log", ("loss", 1)),
        ("fast_log", ("loss", 2.5)),
    ]


@pytest.mark.parametrize("value", [np.float64(2), np.float32(2), np.int8(2), np.True_ + 1])
def test_numbers_of_numpy_are_nearly_as_fast(engine: RecordingEngine, value: object) -> None:
    metrana.log("loss", 0.5)
    metrana.log("loss", value)
    assert engine.calls[-1] == ("fast_log", ("loss", 2.0))


def test_what_the_ring_has_no_room_for_goes_the_ordinary_way(engine: RecordingEngine) -> None:
    metrana.log("loss", 0.5)
    engine.room_in_ring = False
    metrana.log("loss", 1.5)
    metrana.log({"loss": 2.5})
    assert [call[0] for call in engine.calls] == ["points"] * 3
    assert engine.calls[-1][1][:2] == (1, [2.5])


def test_a_mapping_is_a_call_for_each(engine: RecordingEngine) -> None:
    metrana.log({"a": 1.0, "b": [2.0, 3.0]}, step=5)
    metrana.log({"a": 4.0, "b": np.float32(5)})
    assert engine.calls == [
        ("points", (1, [1.0], 5, None, None, None)),
        ("points", (2, [2.0, 3.0], 5, None, None, None)),
        ("fast_log", ("a", 4.0)),
        ("fast_log", ("b", 5.0)),
    ]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({}, (None, None, None, None)),
        ({"step": 100}, (100, None, None, None)),
        ({"step": [10, 20, 30]}, (None, [10, 20, 30], None, None)),
        ({"timestamp": 1700}, (None, None, 1700, None)),
        ({"timestamp": [1, -2, 3]}, (None, None, None, [1, -2, 3])),
        ({"step": np.array(7), "timestamp": (1, 2, 3)}, (7, None, None, [1, 2, 3])),
    ],
)
def test_steps_and_timestamps(
    engine: RecordingEngine, given: dict[str, Any], place: tuple[object, ...]
) -> None:
    metrana.log("loss", [0.1, 0.2, 0.3], **given)
    assert engine.calls == [("points", (1, [0.1, 0.2, 0.3], *place))]


@pytest.mark.parametrize("error", [errors.MetranaSenderError, errors.MetranaEventQueueFullError])
def test_a_mapping_is_handed_over_whole_before_anything_is_raised(
    engine: RecordingEngine, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    take = engine.points

    def take_and_raise(*call: Any) -> None:
        take(*call)
        raise error(f"said by call {len(engine.calls)}")

    monkeypatch.setattr(engine, "points", take_and_raise)
    for _ in range(2):  # series that are new, and then known
        engine.room_in_ring = False
        engine.calls.clear()
        with pytest.raises(error, match="call 1"):
            metrana.log({"a": 1.0, "b": 2.0, "c": 3.0})
        assert [call[1][1][0] for call in engine.calls] == [1.0, 2.0, 3.0]


def test_an_int_beyond_floats_is_infinite_in_a_known_series_too(engine: RecordingEngine) -> None:
    engine.room_in_ring = False  # nor does the real one take it
    for _ in range(2):
        metrana.log("loss", 10**400)
    assert [call[1][1] for call in engine.calls if call[0] == "points"] == [[float("inf")]] * 2


def test_an_empty_array_is_nothing_whatever_its_step(engine: RecordingEngine) -> None:
    engine.calls.clear()
    metrana.log("loss", [], step=-1, timestamp="never")
    metrana.log({"loss": [], "accuracy": np.empty(0)}, step=[])
    assert engine.calls == []


def test_two_axes_of_steps_are_a_type_error(engine: RecordingEngine) -> None:
    engine.calls.clear()
    with pytest.raises(TypeError, match=r"step.*\(1, 2\)"):
        metrana.log("loss", [1.0, 2.0], step=[[1, 2]])
    with pytest.raises(TypeError, match=r"timestamp.*\(1, 2\)"):
        metrana.log("loss", [1.0, 2.0], timestamp=[[1, 2]])
    assert engine.calls == []


def test_a_list_of_environments_is_its_own_threads(engine: RecordingEngine) -> None:
    lists = [[f"{thread}-{i}" for i in range(50)] for thread in range(2)]

    def log_on(ids: list[str]) -> None:
        for _ in range(500):
            metrana.log_rl_environment_step(ids[0], np.ones(50), rl_step=0, env_id=ids)

    workers = [threading.Thread(target=log_on, args=(ids,)) for ids in lists]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    numbers: dict[int, set[tuple[int, ...]]] = {}
    for name, (series, environments, *_) in engine.calls:
        if name == "rl_env_steps":
            numbers.setdefault(series, set()).add(tuple(environments))
    assert sorted(map(len, numbers.values())) == [1, 1]


@pytest.mark.parametrize(
    ("given", "scale", "labels"),
    [
        ({}, "ML_STEP", ()),
        ({"scale": StandardMetricScale.EPISODE}, "EPISODE", ()),
        ({"scale": "my_scale"}, "my_scale", ()),
        ({"scale": ""}, "ML_STEP", ()),
        ({"labels": {}}, "ML_STEP", ()),
        ({"labels": {"b": "2", "a": "1"}}, "ML_STEP", (("a", "1"), ("b", "2"))),
        ({"evaluation": True}, "ML_STEP", EVALUATION),
        ({"evaluation": True, "labels": {"z": "1"}}, "ML_STEP", (*EVALUATION, ("z", "1"))),
        ({"evaluation": True, "labels": {"evaluation": "no"}}, "ML_STEP", (("evaluation", "no"),)),
    ],
)
def test_what_identifies_a_series(
    engine: RecordingEngine, given: dict[str, Any], scale: str, labels: tuple[Any, ...]
) -> None:
    metrana.log("m", 1.0, **given)
    metrana.log("m", 2.0, **given)
    assert engine.series_keys == [("m", scale, labels, "ordered")]
    assert metrana.get_last_step("m", **given) == 100
    assert metrana.get_last_step("other", **given) is None


def test_only_plain_series_are_fast(engine: RecordingEngine) -> None:
    metrana.log("m", 1.0, evaluation=True)
    metrana.log("m", 1.0, scale="EPISODE")
    metrana.log_distributed("m", 1.0, step=0)
    assert engine.fast_series == {}


def test_distributed_series_are_unordered_and_need_a_step(engine: RecordingEngine) -> None:
    metrana.log_distributed("loss", 1.0, step=3)
    metrana.log_distributed({"a": [1.0, 2.0]}, step=[4, 4])
    assert engine.series_keys == [
        ("loss", "ML_STEP", (), "unordered"),
        ("a", "ML_STEP", (), "unordered"),
    ]
    with pytest.raises(metrana.MetranaValidationError, match="needs a step"):
        metrana.log_distributed("loss", 1.0)


def test_empty_arrays_are_silently_nothing(engine: RecordingEngine) -> None:
    metrana.log("", [])
    metrana.log_rl_environment_step("", [], rl_step=0)
    metrana.log_rl_episode("", [], rl_step=0)
    assert engine.calls == []
    assert engine.series_keys == []


REFUSED: list[tuple[type[Exception], Callable[[], object]]] = [
    (TypeError, lambda: metrana.log("m", None)),
    (TypeError, lambda: metrana.log({"m": 1.0}, 2.0)),  # type: ignore[call-overload]
    (TypeError, lambda: metrana.log({"ok": 1.0, "m": None})),
    (TypeError, lambda: metrana.log({"ok": 1.0, 3: 1.0})),  # type: ignore[dict-item]
    (TypeError, lambda: metrana.log(3, 1.0)),  # type: ignore[call-overload]
    (TypeError, lambda: metrana.log("m", np.ones((2, 2)))),
    (TypeError, lambda: metrana.log("m", 1.0, labels={"a": 1})),  # type: ignore[dict-item]
    (TypeError, lambda: metrana.log("m", 1.0, labels=["a"])),  # type: ignore[call-overload]
    (TypeError, lambda: metrana.log("m", 1.0, scale=3)),  # type: ignore[call-overload]
    (ValueError, lambda: metrana.log("m", 1.0, step="third")),
    (TypeError, lambda: metrana.log("m", 1.0, step=True)),
    (ValueError, lambda: metrana.log("m", "six")),
    (ValueError, lambda: metrana.log("m", 1.0, step=-1)),
    (ValueError, lambda: metrana.log("m", [1.0, 2.0], step=[1])),
    (ValueError, lambda: metrana.log("m", [1.0, 2.0], step=[])),
    (ValueError, lambda: metrana.log("m", [1.0, 2.0], timestamp=[1])),
    (ValueError, lambda: metrana.log({"ok": 1.0, "m": [1.0, 2.0]}, step=[1])),
    (TypeError, lambda: metrana.log_rl_episode("m", 1.0, rl_step=None)),  # type: ignore[arg-type]
    (TypeError, lambda: metrana.log_rl_episode("m", 1.0, rl_step=0.5)),  # type: ignore[arg-type]
    (ValueError, lambda: metrana.log_rl_episode("m", 1.0, rl_step=-1)),
    (ValueError, lambda: metrana.log_rl_episode("m", 1.0, rl_step=0, episode=-1)),
    (ValueError, lambda: metrana.log_rl_episode("m", 1.0, rl_step=0, env_id=["a", "b"])),
    (TypeError, lambda: metrana.log_rl_episode("m", 1.0, rl_step=0, env_id=[])),
    (TypeError, lambda: metrana.log_rl_episode("m", 1.0, rl_step=0, env_id=3)),  # type: ignore[arg-type]
    (TypeError, lambda: metrana.log_rl_episode(3, 1.0, rl_step=0)),  # type: ignore[arg-type]
    (TypeError, lambda: metrana.log_config({"a": object()})),
    (TypeError, lambda: metrana.log_config({"ok": 1, "bad": b""})),
    (TypeError, lambda: metrana.log_attributes(3, 1)),  # type: ignore[arg-type]
    (ValueError, lambda: metrana.log_env_attributes("e", {"a": 1}, episode=-1)),
    (TypeError, lambda: metrana.set_tags("tag")),
    (TypeError, lambda: metrana.set_description(3)),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("kind", "call"), REFUSED)
def test_nothing_of_a_refused_call_is_logged(
    engine: RecordingEngine, kind: type[Exception], call: Callable[[], object]
) -> None:
    metrana.log("ok", 0.0)
    engine.calls.clear()
    with pytest.raises(kind):
        call()
    assert engine.calls == []


# RL metrics


def rl(function: str, value: Any, **given: Any) -> Call:
    """The one engine call that an RL call makes."""
    getattr(metrana, function)("m", value, rl_step=9, **given)
    run = api._run
    assert run is not None
    (call,) = run._engine.calls  # type: ignore[attr-defined]
    return call  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("function", "sent", "scale"),
    [
        ("log_rl_environment_step", "rl_env_steps", "ENVIRONMENT_STEP"),
        ("log_rl_episode", "rl_episodes", "EPISODE"),
    ],
)
@pytest.mark.parametrize(
    ("value", "given", "expected"),
    [
        (1.0, {}, ([1], [[1.0]], 9, None, None, None)),
        ([1, 2], {"env_id": "e"}, ([1], [[1.0, 2.0]], 9, None, None, None)),
        ([1, 2], {"episode": 5}, ([1], [[1.0, 2.0]], 9, 5, None, None)),
        ([1, 2], {"episode": [5, 6]}, ([1], [[1.0, 2.0]], 9, [[5, 6]], None, None)),
        ([1, 2], {"env_id": ["a", "b"]}, ([1, 2], [[1.0], [2.0]], 9, None, None, None)),
        ([1, 2], {"env_id": ("a", "b"), "episode": 5}, ([1, 2], [[1.0], [2.0]], 9, 5, None, None)),
        (
            [[1, 2, 3], [4, 5, 6]],
            {"env_id": np.array(["a", "b"]), "episode": [5, 6], "timestamp": 7},
            ([1, 2], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], 9, [5, 6], 7, None),
        ),
        (
            [[1, 2], [3, 4]],
            {"env_id": ["a", "b"], "episode": [[0, 1], [2, 2]], "timestamp": [7, 8]},
            ([1, 2], [[1.0, 2.0], [3.0, 4.0]], 9, [[0, 1], [2, 2]], None, [7, 8]),
        ),
        (
            [[1, 2], [3, 4]],
            {"env_id": ["a", "a"], "timestamp": [[7, 8], [9, 10]]},
            ([1, 1], [[1.0, 2.0], [3.0, 4.0]], 9, None, None, [[7, 8], [9, 10]]),
        ),
    ],
)
def test_blocks_of_environments(
    engine: RecordingEngine,
    function: str,
    sent: str,
    scale: str,
    value: Any,
    given: dict[str, Any],
    expected: tuple[Any, ...],
) -> None:
    assert rl(function, value, **given) == (sent, (1, *expected))
    assert engine.series_keys == [("m", scale, (), "ordered")]


def test_environment_lists_are_numbered_once_and_few_are_kept(engine: RecordingEngine) -> None:
    names = [f"env-{i}" for i in range(100)]
    numbered: list[str] = []
    original = engine.environment
    engine.environment = lambda one: numbered.append(one) or original(one)  # type: ignore[method-assign,func-returns-value]
    for _ in range(3):
        metrana.log_rl_environment_step("m", np.zeros(100), rl_step=0, env_id=names)
    assert numbered == names
    for count in range(1, 100):
        metrana.log_rl_environment_step("m", np.zeros(count), rl_step=0, env_id=names[:count])
    run = api._run
    assert run is not None
    assert len(run._environments) == metrana.run._KEPT_LISTS


def test_a_list_of_environments_may_change_in_place(engine: RecordingEngine) -> None:
    names = ["a", "b"]
    metrana.log_rl_episode("m", [1, 2], rl_step=0, env_id=names)
    names[1] = "c"
    metrana.log_rl_episode("m", [1, 2], rl_step=0, env_id=names)
    assert [call[1][1] for call in engine.calls] == [[1, 2], [1, 3]]


# Attributes and state


def test_attributes(engine: RecordingEngine) -> None:
    metrana.log_config({"lr": 0.1})
    metrana.log_attributes("data", {"rows": 3})
    metrana.log_env_attributes("env", {"size": 3})
    metrana.log_env_attributes("env", {"size": 3}, episode=0)
    metrana.set_tags([])
    metrana.add_tags(["a"])
    metrana.remove_tags(["b"])
    metrana.set_description("")
    assert engine.calls == [
        ("attributes", (("config/lr", "float", 0.1),)),
        ("attributes", (("data/rows", "int", 3),)),
        ("env_attributes", ("env", None, ("size", "int", 3))),
        ("env_attributes", ("env", 0, ("size", "int", 3))),
        ("attributes", (("sys/tags", "string_set", []),)),
        ("attributes", (("sys/tags", "string_set_delta", (["a"], [])),)),
        ("attributes", (("sys/tags", "string_set_delta", ([], ["b"])),)),
        ("attributes", (("sys/description", "string", ""),)),
    ]


def test_no_attributes_send_nothing(engine: RecordingEngine) -> None:
    metrana.log_config({})
    metrana.log_env_attributes("env", {})
    metrana.add_tags([])
    metrana.remove_tags([])
    assert engine.calls == []


def test_state(engine: RecordingEngine) -> None:
    assert metrana.get_metrics() == metrana.Metrics(float_points_added=0)
    assert metrana.check_sender_errors() == ["lost"]
    assert metrana.get_env_last_rl_step_and_episode("env") == (None, None)
