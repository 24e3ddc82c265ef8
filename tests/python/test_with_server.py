"""The package, its engine and a real server together."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import metrana
from conftest import ServerProcess
from read_back import Reader

TIMEOUT_SECS = 120


def python(script: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python of its own that runs `script`."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_everything_added_is_sent(begin: Callable[..., None]) -> None:
    begin(config={"lr": 0.1}, tags=["t"], description="d")
    for value in range(1000):
        metrana.log("loss", float(value))
    metrana.log({"a": np.ones(50), "b": 2.0}, step=7)
    metrana.log_distributed("shared", [1.0, 2.0], step=[5, 5])
    metrana.log_rl_environment_step(
        "reward",
        np.ones((3, 40)),
        rl_step=0,
        env_id=["x", "y", "z"],
        episode=np.zeros((3, 40), int),
    )
    metrana.log_rl_episode("return", [1.0, 2.0, 3.0], rl_step=0, env_id=["x", "y", "z"])
    metrana.log_config({"more": [1, 2, 3]})
    metrana.log_env_attributes("x", {"size": 3, "name": "cart"})
    added = metrana.get_metrics()
    assert added.float_points_added == 1000 + 51 + 2
    assert added.rl_float_points_added == 120 + 3
    assert added.env_attribute_updates_added == 2
    done = metrana.close(close_timeout=TIMEOUT_SECS)
    for kind in ("float_points", "rl_float_points", "attribute_updates", "env_attribute_updates"):
        assert getattr(done, f"{kind}_added") == getattr(added, f"{kind}_added")
        assert getattr(done, f"{kind}_sent") == getattr(done, f"{kind}_added")
        assert getattr(done, f"{kind}_dropped") == 0
    assert done.send_errors == 0
    assert done.connection_attempts == 1


def test_threads_lose_nothing_and_keep_the_order_of_each_series(
    begin: Callable[..., metrana.OpenRun], server: ServerProcess
) -> None:
    def work(thread: int) -> None:
        for i in range(300):
            value = thread * 1000.0 + i
            metrana.log(f"own-{thread}", value)
            metrana.log({"shared": value, "blocks": [value, value]})
            metrana.log_rl_environment_step(
                "reward", [value], rl_step=0, env_id=f"env-{thread}", episode=0
            )

    with begin(backpressure_strategy="block"):
        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(32)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    reader = Reader(server.url, "ws", "p", "r")
    everything = [thread * 1000.0 + i for thread in range(32) for i in range(300)]
    for thread in range(32):
        expected = list(enumerate(everything[thread * 300 : (thread + 1) * 300]))
        (points,) = reader.float_series(f"own-{thread}()").values()
        assert [(step, value) for step, value, _ in points] == expected
        assert (
            reader.rl_series(f"env-{thread}", episode=0)["reward", "ENVIRONMENT_STEP"] == expected
        )
    for name, times in (("shared", 1), ("blocks", 2)):
        (points,) = reader.float_series(f"{name}()").values()
        assert [step for step, _, _ in points] == list(range(times * len(everything)))
        assert sorted(value for _, value, _ in points) == sorted(everything * times)


def test_last_steps_are_known_at_once_and_after_a_resume(begin: Callable[..., None]) -> None:
    begin()
    assert metrana.get_last_step("loss") is None
    metrana.log("loss", [1.0, 2.0, 3.0])
    assert metrana.get_last_step("loss") == 2
    metrana.log("loss", 4.0)
    metrana.log("loss", 5.0, step=10)
    metrana.log("loss", 6.0)
    metrana.log("loss", 1.0, evaluation=True)
    metrana.log_rl_environment_step("reward", [1.0, 1.0], rl_step=4, env_id="x", episode=[8, 9])
    for _ in range(2):
        assert metrana.get_last_step("loss") == 11
        assert metrana.get_last_step("loss", evaluation=True) == 0
        assert metrana.get_last_step("loss", labels={"evaluation": "true"}) == 0
        assert metrana.get_last_step("loss", scale="EPISODE") is None
        assert metrana.get_env_last_rl_step_and_episode("x") == (4, 9)
        assert metrana.get_env_last_rl_step_and_episode("nobody") == (None, None)
        metrana.close(close_timeout=TIMEOUT_SECS)
        begin(resume_strategy="allow")


def test_a_forked_run_goes_on_behind_its_parent(
    begin: Callable[..., metrana.OpenRun], server: ServerProcess
) -> None:
    with begin(run_name="parent") as run:
        run.log("loss", np.arange(100.0))
        run.log("accuracy", [0.1, 0.2])
    with begin(run_name="child", fork_from_run="parent", fork_at_step=9) as run:
        assert run.get_last_step("loss") == 9
        assert run.get_last_step("accuracy") == 1
        run.log("loss", [-1.0, -2.0])
        run.log("accuracy", 0.9)
    reader = Reader(server.url, "ws", "p", "child")
    for name, own, inherited in (
        ("loss", [-1.0, -2.0], [float(value) for value in range(10)]),
        ("accuracy", [0.9], [0.1, 0.2]),
    ):
        (points,) = reader.float_series(f"{name}()", inherited=True).values()
        assert [value for _, value, _ in points] == inherited + own
        assert [step for step, _, _ in points] == list(range(len(points)))
        (points,) = reader.float_series(f"{name}()").values()
        assert [value for _, value, _ in points] == own


def test_compressed_points_are_stored_as_they_are(
    begin: Callable[..., metrana.OpenRun], server: ServerProcess
) -> None:
    values = np.random.default_rng(1).normal(size=10_000)
    with begin(compression="zstd", max_msg_size=20_000) as run:
        run.log("loss", values)
    (points,) = Reader(server.url, "ws", "p", "r").float_series("loss()").values()
    assert np.array_equal([value for _, value, _ in points], values)


def test_siblings_share_a_run_and_strangers_do_not(begin: Callable[..., None]) -> None:
    begin(orchestration_id="job-1", tags=["first"])
    metrana.close(close_timeout=TIMEOUT_SECS)
    begin(orchestration_id="job-1")
    metrana.close(close_timeout=TIMEOUT_SECS)
    with pytest.raises(metrana.MetranaOrchestrationIdMismatchError, match="job-1"):
        begin(orchestration_id="job-2")
    assert not metrana.is_initialized()
    begin(orchestration_id="job-2", resume_strategy="allow")


def test_a_late_point_is_dropped_counted_and_said_once(
    begin: Callable[..., None], messages: list[str]
) -> None:
    begin()
    metrana.log("loss", 1.0, step=10)
    for _ in range(3):
        metrana.log("loss", 2.0, step=10)
    metrana.log("loss", 2.0, step=11)
    done = metrana.close(close_timeout=TIMEOUT_SECS)
    assert (done.float_points_added, done.float_points_sent, done.float_points_dropped) == (5, 2, 3)
    warnings = [message for message in messages if message.startswith("WARNING")]
    assert len(warnings) == 1
    assert "loss" in warnings[0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrana.log("a b", 1.0),
        lambda: metrana.log("", 1.0),
        lambda: metrana.log({"ok": 1.0, "not ok": 2.0}),
        lambda: metrana.log("m", 1.0, labels={"a=b": "c"}),
        lambda: metrana.log("m", 1.0, scale="a b"),
        lambda: metrana.log("m", [1.0, 2.0], step=2**63 - 1),
        lambda: metrana.log_distributed("ok", 1.0, step=1),
        lambda: metrana.log_rl_episode("m", 1.0, rl_step=0, env_id="a/b"),
        lambda: metrana.log_rl_episode("m", 1.0, rl_step=0, env_id="Settings"),
        lambda: metrana.log_config({"a b": 1, "ok": 2}),
        lambda: metrana.log_attributes("sys/status", "DONE"),
        lambda: metrana.log_env_attributes("x", 3),
    ],
)
def test_what_cannot_be_is_refused_and_counts_nothing(
    begin: Callable[..., None], call: Callable[[], None]
) -> None:
    begin()
    metrana.log("ok", 0.0)
    before = metrana.get_metrics()
    with pytest.raises(metrana.MetranaValidationError):
        call()
    after = metrana.get_metrics()
    assert (before.added, before.dropped) == (after.added, after.dropped)


def test_without_a_server_init_fails_and_leaves_nothing(messages: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    threads = threading.active_count()
    with pytest.raises(metrana.MetranaLoggerInitError, match=str(port)):
        metrana.init(
            workspace_name="ws",
            project_name="p",
            run_name="r",
            ingestion_url=f"http://127.0.0.1:{port}",
            connect_timeout_secs=0.2,
            init_timeout_secs=1,
        )
    assert not metrana.is_initialized()
    assert threading.active_count() == threads
    said = [message for message in messages if "metrana server" in message]
    assert len(said) == 1
    assert "no server at" in said[0]


def test_close_in_time_or_not_at_all(begin: Callable[..., None], server: ServerProcess) -> None:
    begin()
    server.signal(signal.SIGSTOP)
    metrana.log("loss", np.ones(100))
    with pytest.raises(metrana.MetranaClosingError) as caught:
        metrana.close(close_timeout=0.5)
    left = caught.value.metrics
    assert left is not None
    assert left.float_points_dropped == left.float_points_added == 100
    assert not metrana.is_initialized()


def test_a_timeout_of_zero_abandons_without_an_error(
    begin: Callable[..., None], server: ServerProcess
) -> None:
    begin()
    server.signal(signal.SIGSTOP)
    metrana.log("loss", np.ones(100))
    left = metrana.close(close_timeout=0)
    assert left.float_points_dropped == left.float_points_added == 100


NO_CLOSE = """
import sys, metrana
metrana.init(workspace_name="ws", project_name="p", run_name="r", ingestion_url=sys.argv[1])
for value in range(10):
    metrana.log("loss", value)
"""


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "raise ValueError('a bug in the training')"])
def test_exit_without_close_warns_and_still_delivers(
    begin: Callable[..., None], server: ServerProcess, end: str
) -> None:
    process = python(NO_CLOSE + end, server.url)
    _, said = process.communicate(timeout=TIMEOUT_SECS)
    assert process.returncode == (1 if "raise" in end else 0), said
    assert "metrana.close() was not called" in said
    begin(resume_strategy="allow")
    assert metrana.get_last_step("loss") == 9


CLOSING = """
import sys, metrana
metrana.init(workspace_name="ws", project_name="p", run_name="r", ingestion_url=sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
metrana.log("loss", 1.0)
print("closing", flush=True)
metrana.close(close_timeout=1000)
"""


def test_ctrl_c_ends_the_waiting_for_a_server_that_is_silent(server: ServerProcess) -> None:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", CLOSING, server.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "open\n"
    server.signal(signal.SIGSTOP)
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "closing\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=TIMEOUT_SECS)
    assert "KeyboardInterrupt" in said
    assert process.returncode == -signal.SIGINT


def demo(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "metrana", "demo", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def check_demo_output(shown: str) -> None:
    first, last = re.findall(
        r"http://127\.0\.0\.1:\d+/demo/cartpole/cartpole-\w+Z-[0-9a-f]{4}", shown
    )
    assert first == last
    counts = re.search(r"delivered ([\d,]+) added / ([\d,]+) sent / ([\d,]+) dropped", shown)
    assert counts is not None, shown
    assert counts[1] == counts[2] != "0"
    assert counts[3] == "0"
    solved = re.search(r"mean return ([\d.]+) over 100 episodes: solved", shown)
    assert solved is not None, shown
    assert float(solved[1]) >= 475


def test_the_demo_twice_on_one_directory(tmp_path: Path) -> None:
    for _ in range(2):
        process = demo("--once", "--data-dir", str(tmp_path), "--listen", "127.0.0.1:0")
        shown, said = process.communicate(timeout=TIMEOUT_SECS)
        assert process.returncode == 0, said
        assert said == ""
        check_demo_output(shown)


def test_the_demo_serves_until_ctrl_c(tmp_path: Path) -> None:
    process = demo("--data-dir", str(tmp_path), "--listen", "127.0.0.1:0")
    assert process.stdout is not None
    shown = ""
    for line in process.stdout:
        shown += line
        if "serving until Ctrl-C" in line:
            break
    check_demo_output(shown)
    address = re.search(r"127\.0\.0\.1:(\d+)", shown)
    assert address is not None
    with socket.create_connection(("127.0.0.1", int(address[1]))):
        pass
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=TIMEOUT_SECS)
    assert process.returncode == 0, said
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address[1])))


def test_the_demo_names_who_has_its_directory(server: ServerProcess) -> None:
    process = demo("--once", "--data-dir", str(server.data_dir), "--listen", "127.0.0.1:0")
    _, said = process.communicate(timeout=TIMEOUT_SECS)
    assert process.returncode != 0
    assert str(server.data_dir) in said
    assert "Traceback" not in said


def test_the_demo_names_a_port_that_is_taken(server: ServerProcess, tmp_path: Path) -> None:
    listen = server.url.removeprefix("http://")
    process = demo("--once", "--data-dir", str(tmp_path / "other"), "--listen", listen)
    _, said = process.communicate(timeout=TIMEOUT_SECS)
    assert process.returncode != 0
    assert listen in said
    assert "Traceback" not in said
