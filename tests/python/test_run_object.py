"""The run as an object: in a with statement, flushed, disabled, shown in a notebook."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import metrana
from conftest import ServerProcess
from metrana import errors
from read_back import Reader

Begin = Callable[..., metrana.OpenRun]


@pytest.fixture
def values(server: ServerProcess) -> Callable[[], list[float]]:
    def read() -> list[float]:
        (points,) = Reader(server.url, "ws", "p", "r").float_series("loss()").values()
        return [value for _, value, _ in points]

    return read


def test_leaving_the_block_closes_the_run(begin: Begin, values: Callable[[], list[float]]) -> None:
    with begin() as run:
        assert run.is_open
        run.log("loss", 1.0)
        metrana.log("loss", 2.0)
    assert not run.is_open
    assert not metrana.is_initialized()
    assert values() == [1.0, 2.0]


def test_a_run_closed_inside_the_block_stays_closed(begin: Begin) -> None:
    with begin() as run:
        metrana.close()
        assert not run.is_open
    assert not metrana.is_initialized()


def test_an_exception_goes_on_and_the_points_arrive(
    begin: Begin, values: Callable[[], list[float]]
) -> None:
    def fail() -> None:
        with begin() as run:
            run.log("loss", 1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not metrana.is_initialized()
    assert values() == [1.0]


def test_what_cannot_be_delivered_is_raised_or_said(
    begin: Begin, server: ServerProcess, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrana.api.close, "__defaults__", (0.2,))

    def lose(name: str, bug: Exception | None) -> None:
        with begin(run_name=name) as run:
            server.kill()
            run.log("loss", 1.0)
            if bug:
                raise bug

    with pytest.raises(metrana.MetranaClosingError):
        lose("r1", None)
    assert not [line for line in messages if line.startswith("ERROR")]
    server.restart()
    with pytest.raises(ZeroDivisionError):
        lose("r2", ZeroDivisionError())
    assert len([line for line in messages if line.startswith("ERROR close timed out")]) == 1


def test_an_earlier_run_does_not_log_to_a_later_one(begin: Begin) -> None:
    first = begin()
    first.close()
    with begin(run_name="r2") as second:
        with pytest.raises(errors.MetranaNotInitializedError, match="'r' is closed"):
            first.log("loss", 1.0)
        second.log("loss", 1.0)
        assert not first.is_open
        assert second.get_metrics().float_points_added == 1
        first.__exit__(None)
        assert second.is_open


def test_a_second_init_answers_with_the_open_run(begin: Begin) -> None:
    first = begin()
    again = begin(run_name="ignored")
    assert again.name == "r"
    assert again.url == first.url
    assert again.is_open


def test_it_has_every_function_that_needs_a_run(begin: Begin) -> None:
    run = begin()
    for name in metrana.__all__:
        function = getattr(metrana, name)
        if name in ("init", "is_initialized") or not callable(function) or name[0].isupper():
            continue
        assert getattr(run, name) is function


def test_a_notebook_shows_where_to_look(begin: Begin, server: ServerProcess) -> None:
    run = begin(run_name="<b>&")
    assert run.url == f"{server.url}/ws/p/%3Cb%3E%26"
    assert f'href="{run.url}"' in run._repr_html_()
    assert "&lt;b&gt;&amp;</a>" in run._repr_html_()
    assert run.url in repr(run)


def test_flush_returns_when_everything_is_acknowledged(
    begin: Begin, values: Callable[[], list[float]]
) -> None:
    begin(batch_max_age_secs=1000)
    for value in range(100):
        metrana.log("loss", float(value))
    metrana.log("loss", np.arange(100.0, 1000.0))
    assert metrana.flush()
    done = metrana.get_metrics()
    assert done.float_points_sent == done.float_points_added == 1000
    assert values() == [float(value) for value in range(1000)]


def test_flush_gives_up_in_time_and_everything_stays_on_its_way(
    begin: Begin, server: ServerProcess
) -> None:
    begin(max_send_retries=None)
    server.kill()
    metrana.log("loss", 1.0)
    assert metrana.flush(0.05) is False
    server.restart()
    assert metrana.flush(60)
    assert metrana.get_metrics().float_points_sent == 1


def test_flush_says_when_something_was_dropped(begin: Begin, server: ServerProcess) -> None:
    begin(max_send_retries=1, error_strategy="silent", init_timeout_secs=5)
    assert metrana.flush()
    server.kill()
    metrana.log("loss", 1.0)
    assert metrana.flush(60) is False
    assert metrana.get_metrics().float_points_dropped == 1


@pytest.mark.parametrize("timeout", [-1, float("nan"), "soon"])
def test_flush_refuses_an_impossible_timeout(begin: Begin, timeout: Any) -> None:
    begin()
    with pytest.raises((errors.MetranaValidationError, TypeError), match="timeout"):
        metrana.flush(timeout)


@pytest.fixture
def disabled() -> Any:
    with metrana.init(workspace_name="w", project_name="p", run_name="r", mode="disabled") as run:
        yield run


def test_a_disabled_run_does_nothing(disabled: metrana.OpenRun) -> None:
    assert metrana.is_initialized()
    assert disabled.is_open
    metrana.log("loss", 1.0)
    metrana.log({"loss": object()}, step=5)
    metrana.log_distributed("loss", 1.0)
    metrana.log_rl_episode("return", 1.0, rl_step=0)
    metrana.log_rl_environment_step("reward", [1.0], rl_step=0, env_id=["a"])
    metrana.log_config({"lr": 1})
    metrana.log_attributes("a", object())
    metrana.log_env_attributes("a", {"b": 1})
    metrana.set_tags(["a"])
    metrana.add_tags(["a"])
    metrana.remove_tags(["a"])
    metrana.set_description("d")
    assert metrana.get_last_step("loss") is None
    assert metrana.get_env_last_rl_step_and_episode("a") == (None, None)
    assert metrana.get_metrics() == metrana.Metrics()
    assert metrana.check_sender_errors() == []
    assert metrana.flush()
    assert metrana.close() == metrana.Metrics()
    assert not metrana.is_initialized()
    with pytest.raises(errors.MetranaNotInitializedError):
        metrana.log("loss", 1.0)


def test_a_disabled_run_has_no_address(disabled: metrana.OpenRun) -> None:
    assert disabled.url is None
    assert "disabled" in repr(disabled)
    assert "disabled" in disabled._repr_html_()


def test_the_environment_may_disable_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRANA_MODE", "Disabled")
    with metrana.init(workspace_name="w", project_name="p", run_name="r") as run:
        assert run.url is None
    monkeypatch.setenv("METRANA_MODE", "sometimes")
    with pytest.raises(errors.MetranaValidationError, match=r"METRANA_MODE.*sometimes"):
        metrana.init(workspace_name="w", project_name="p", run_name="r")


def test_after_a_disabled_run_a_real_one_can_be_opened(begin: Begin) -> None:
    begin(mode=metrana.RunMode.DISABLED)
    metrana.close()
    begin()
    metrana.log("loss", 1.0)
    assert metrana.close().float_points_sent == 1


def test_a_disabled_run_loads_no_engine() -> None:
    script = """
import sys, metrana
with metrana.init(workspace_name="w", project_name="p", run_name="r", mode="disabled"):
    metrana.log("loss", 1.0)
assert "libmetrana" not in open("/proc/self/maps").read()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)
