"""How a process lives with the engine and ends: signals, threads, exits, many runs."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import metrana
from conftest import ServerProcess
from metrana import errors
from read_back import Reader

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

TIMEOUT_SECS = 120

PRELUDE = """
import os, signal, sys, threading, time
import metrana
URL = sys.argv[1]
def begin(**given):
    metrana.init(workspace_name="ws", project_name="p", run_name="r", ingestion_url=URL, **given)
def wait_for_points(count):
    while metrana.get_metrics().float_points_added < count:
        time.sleep(0)
"""


class Ended(NamedTuple):
    code: int
    shown: str
    said: str


Program = Callable[[str], Ended]


@pytest.fixture
def program(server: ServerProcess) -> Program:
    def run(script: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", PRELUDE + script, server.url],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECS,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


class Footprint(NamedTuple):
    files: int
    threads: int
    resident_kb: int


def footprint() -> Footprint:
    status = dict(
        line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines()
    )
    files = len([*Path("/proc/self/fd").iterdir()])
    return Footprint(files, int(status["Threads"]), int(status["VmRSS"].split()[0]))


def log_a_run(begin: Callable[..., metrana.OpenRun], number: int) -> None:
    with begin(run_name=f"r{number % 10}", resume_strategy="allow", log_level="ERROR") as run:
        run.log("loss", 1.0)
        run.log_rl_environment_step(
            "reward", [1.0] * 3, rl_step=number, env_id=["e0", "e1", "e2"], episode=number
        )


def test_a_thousand_runs_leave_nothing_behind(begin: Callable[..., metrana.OpenRun]) -> None:
    for number in range(100):
        log_a_run(begin, number)
    before = footprint()
    for number in range(100, 1000):
        log_a_run(begin, number)
    after = footprint()
    assert after.files == before.files
    assert after.threads <= before.threads + 1  # Go may add a thread when it likes
    # 900 runs that kept but a page each would be over it.
    assert after.resident_kb < before.resident_kb + 3 * 1024


def test_an_init_that_fails_leaves_nothing_behind(
    begin: Callable[..., metrana.OpenRun], server: ServerProcess
) -> None:
    log_a_run(begin, 0)
    server.kill()

    def fail() -> None:
        with pytest.raises(errors.MetranaLoggerInitError):
            begin(init_timeout_secs=0.05, connect_timeout_secs=0.05)
        assert not metrana.is_initialized()

    for _ in range(3):
        fail()
    before = footprint()
    for _ in range(30):
        fail()
    after = footprint()
    assert after.files == before.files
    assert after.threads <= before.threads + 1
    assert threading.active_count() == 1


def test_daemon_threads_that_log_until_the_end_do_not_disturb_it(program: Program) -> None:
    ended = program("""
begin()
def log_on(name):
    try:
        while True:
            metrana.log(name, 1.0)
            metrana.log(name + "_block", [1.0] * 100)
    except metrana.MetranaNotInitializedError:
        pass  # closed at exit
for i in range(4):
    threading.Thread(target=log_on, args=(f"m{i}",), daemon=True).start()
wait_for_points(20_000)
""")
    assert ended.code == 0, ended.said
    assert "Fatal" not in ended.said
    assert "metrana.close() was not called" in ended.said


def test_threads_may_log_after_the_main_thread_has_ended(
    program: Program, server: ServerProcess
) -> None:
    ended = program("""
begin()
def log_on():
    threading.main_thread().join()
    for value in range(1000):
        metrana.log("loss", float(value))
threading.Thread(target=log_on).start()
""")
    assert ended.code == 0, ended.said
    (points,) = Reader(server.url, "ws", "p", "r").float_series("loss()").values()
    assert [value for _, value, _ in points] == [float(value) for value in range(1000)]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(3)", 3),
        ("os._exit(4)", 4),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", -signal.SIGTERM),
        ("os.kill(os.getpid(), signal.SIGINT); time.sleep(60)", -signal.SIGINT),
        ("os.abort()", -signal.SIGABRT),
        ("raise RuntimeError", 1),
    ],
)
def test_exit_codes_are_those_of_the_program(program: Program, end: str, code: int) -> None:
    assert program("begin()\nmetrana.log('loss', 1.0)\n" + end).code == code


def test_an_exit_is_bounded_though_the_server_is_gone(
    program: Program, server: ServerProcess
) -> None:
    ended = program(f"""
import metrana.run
metrana.run._EXIT_TIMEOUT_SECS = 0.5
begin(max_send_retries=None)
os.kill({server.process.pid}, signal.SIGKILL)
metrana.log("loss", 1.0)
""")
    assert ended.code == 0
    assert "close timed out" in ended.said


def test_signal_handlers_stay_as_they_are(program: Program) -> None:
    ended = program("""
def ours(number, frame):
    print("ours", signal.Signals(number).name)
signals = [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
           signal.SIGHUP, signal.SIGPROF, signal.SIGVTALRM]
for number in signals:
    signal.signal(number, ours)
begin()
for number in signals:
    assert signal.getsignal(number) is ours
    os.kill(os.getpid(), number)
assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()
metrana.close()
""")
    assert ended.code == 0, ended.said
    assert len(ended.shown.splitlines()) == 8


def test_ctrl_c_interrupts_a_training_loop_at_once(program: Program) -> None:
    ended = program("""
begin()
def interrupt():
    wait_for_points(20_000)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    while True:
        metrana.log("loss", 1.0)
        metrana.log("many", [1.0] * 1000)
except KeyboardInterrupt:
    print("interrupted")
done = metrana.close(60)
assert done.float_points_added == done.float_points_sent + done.float_points_dropped
""")
    assert ended.code == 0, ended.said
    assert ended.shown == "interrupted\n"


def test_a_crash_is_shown_by_faulthandler_as_ever(program: Program) -> None:
    ended = program("""
import ctypes, faulthandler
faulthandler.enable()
begin()
ctypes.string_at(0)
""")
    assert ended.code == -signal.SIGSEGV
    assert "Segmentation fault" in ended.said
    assert "string_at" in ended.said
    assert "goroutine" not in ended.said
