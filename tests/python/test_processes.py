"""Runs that several processes log to: forked, spawned, pooled, nested.

Each test runs a program of its own, with a process group that is killed should it
hang, and reads back what the server stored.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import read_back
from conftest import ServerProcess
from read_back import Reader

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

WATCHDOG_SECS = 60
READ_BACK = str(Path(read_back.__file__).parent)

PRELUDE = """
import multiprocessing, os, sys, time
import metrana

URL, SERVER = sys.argv[1], int(sys.argv[2])
sys.path.append(sys.argv[3])  # where read_back is

def begin(**given):
    defaults = {"workspace_name": "ws", "project_name": "p", "run_name": "r"}
    return metrana.init(**{**defaults, "ingestion_url": URL, **given})

def fork(work, *arguments):
    "Runs `work` in a forked child; its pid."
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work(*arguments)
        metrana.close(60)
        code = 0
    finally:
        os._exit(code)

def reap(pid):
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code == 0, f"the child {pid} ended with {code}"

"""

Run = Callable[[str], str]


@pytest.fixture
def run(server: ServerProcess, tmp_path: Path) -> Run:
    """Runs a program to its end; what it said on stderr."""

    def run_program(program: str) -> str:
        file = tmp_path / "program.py"
        file.write_text(PRELUDE + program)
        # Python 3.12 warns of any fork with threads about, which an engine always has.
        ignored = "ignore:This process:DeprecationWarning"
        process = subprocess.Popen(
            [
                sys.executable,
                "-W",
                "error",
                "-W",
                ignored,
                str(file),
                server.url,
                str(server.process.pid),
                READ_BACK,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=WATCHDOG_SECS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
            raise AssertionError(f"a process hung; until then: {said}") from None
        assert process.returncode == 0, said
        return said

    return run_program


@pytest.fixture
def stored(server: ServerProcess) -> Callable[[str], list[tuple[int, float]]]:
    """(step, value) of a metric, as the server has them."""

    def read(metric: str) -> list[tuple[int, float]]:
        reader = Reader(server.url, "ws", "p", "r")
        (points,) = reader.float_series(f"{metric}()").values()
        return [(step, value) for step, value, _ in points]

    return read


Stored = Callable[[str], list[tuple[int, float]]]


def test_a_forked_child_is_a_writer_of_its_own(run: Run, stored: Stored) -> None:
    said = run("""
begin()
metrana.log("loss", 1.0)
metrana.flush()
def child():
    assert metrana.is_initialized()
    assert metrana.get_last_step("loss") == 0
    metrana.log("of_the_child", [1.0, 2.0, 3.0])
    metrana.log("of_the_child", 4.0)
    assert metrana.get_metrics().float_points_added == 4
reap(fork(child))
metrana.log("loss", 2.0)
m = metrana.close()
assert (m.added, m.sent, m.dropped) == (2 + m.attribute_updates_added,) * 2 + (0,), m
""")
    assert stored("loss") == [(0, 1.0), (1, 2.0)]
    assert stored("of_the_child") == [(0, 1.0), (1, 2.0), (2, 3.0), (3, 4.0)]
    # A child is quiet: the user knows where to look already.
    assert said.count("run 'r'") == 1, said


def test_a_series_that_a_child_goes_on_with_starts_from_the_servers_last_step(
    run: Run, stored: Stored
) -> None:
    run("""
begin()
metrana.log("loss", [0.0, 1.0, 2.0])
metrana.flush()
reap(fork(metrana.log, "loss", [3.0, 4.0]))
metrana.log("other", 1.0)
metrana.close()
""")
    assert stored("loss") == [(step, float(step)) for step in range(5)]


def test_the_run_goes_on_when_a_child_has_ended(run: Run) -> None:
    run("""
begin()
reap(fork(metrana.log, "loss", 1.0))
from read_back import Reader
reader = Reader(URL, "ws", "p", "r")
assert reader.attributes()["sys/status"] == "RUNNING"
metrana.close()
assert reader.attributes()["sys/status"] == "CLOSED"
""")


def test_a_child_that_does_not_log_pays_and_disturbs_nothing(run: Run, stored: Stored) -> None:
    run("""
begin()
metrana.log("loss", 1.0)
def idle():
    assert metrana.close() == metrana.Metrics()  # the parent's run is the parent's to close
    assert not metrana.is_initialized()
    assert "libmetrana" not in "".join(os.readlink(f"/proc/self/fd/{fd}")
        for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}"))
pid = os.fork()
if pid == 0:
    try:
        idle()
    except BaseException:
        os._exit(1)
    os._exit(0)
reap(pid)
metrana.log("loss", 2.0)
assert metrana.close().float_points_sent == 2
""")
    assert stored("loss") == [(0, 1.0), (1, 2.0)]


def test_a_child_may_open_a_run_of_its_own(run: Run, stored: Stored, server: ServerProcess) -> None:
    run("""
begin()
metrana.log("loss", 1.0)
def child():
    begin(run_name="another")
    metrana.log("loss", 7.0)
reap(fork(child))
metrana.close()
""")
    assert stored("loss") == [(0, 1.0)]
    (other,) = Reader(server.url, "ws", "p", "another").float_series("loss()").values()
    assert [value for _, value, _ in other] == [7.0]


def test_grandchildren_four_deep(run: Run, stored: Stored) -> None:
    run("""
def grow(depth):
    metrana.log(f"depth_{depth}", float(depth))
    if depth < 4:
        reap(fork(grow, depth + 1))
    metrana.log(f"depth_{depth}", float(-depth))
begin()
grow(0)
metrana.close()
""")
    for depth in range(5):
        assert stored(f"depth_{depth}") == [(0, float(depth)), (1, float(-depth))]


def test_two_hundred_forks(run: Run, stored: Stored) -> None:
    run("""
import threading
begin(queue_capacity=1000, backpressure_strategy="block")
running = True
def log_on():
    while running:
        metrana.log("parent", 1.0)
        time.sleep(0)
logging = threading.Thread(target=log_on)
logging.start()
def child(i):
    metrana.log_distributed("shared", float(i), step=i)
for first in range(0, 200, 8):
    for pid in [fork(child, i) for i in range(first, first + 8)]:
        reap(pid)
running = False
logging.join()
m = metrana.close(60)
assert m.float_points_sent == m.float_points_added
""")
    assert stored("shared") == [(i, float(i)) for i in range(200)]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_multiprocessing(run: Run, stored: Stored, method: str) -> None:
    run(f"""
def work(rank):
    if not metrana.is_initialized():
        begin()
    metrana.log(f"rank_{{rank}}", [float(rank)] * 10)
    # No close(): multiprocessing's children end without atexit.
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    begin()
    workers = [context.Process(target=work, args=(rank,)) for rank in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    metrana.close()
""")
    for rank in range(3):
        assert stored(f"rank_{rank}") == [(step, float(rank)) for step in range(10)]


def test_workers_that_load_data(run: Run, stored: Stored) -> None:
    """As PyTorch's DataLoader does it: new workers each epoch, fed and read by queues."""
    run("""
def work(worker, tasks, results):
    for task in iter(tasks.get, None):
        metrana.log_distributed("read", float(task), step=task)
        results.put(task * task)
context = multiprocessing.get_context("fork")
begin()
for epoch in range(5):
    tasks, results = context.Queue(), context.Queue()
    workers = [context.Process(target=work, args=(i, tasks, results)) for i in range(3)]
    for worker in workers:
        worker.start()
    for task in range(epoch * 20, epoch * 20 + 20):
        tasks.put(task)
    got = sorted(results.get() for _ in range(20))
    assert got == [task * task for task in range(epoch * 20, epoch * 20 + 20)]
    metrana.log("epoch", float(epoch))
    for _ in workers:
        tasks.put(None)
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
metrana.close()
""")
    assert stored("read") == [(task, float(task)) for task in range(100)]
    assert stored("epoch") == [(epoch, float(epoch)) for epoch in range(5)]


def test_environments_in_processes_of_gymnasium(run: Run, server: ServerProcess) -> None:
    run("""
import gymnasium

class Logged(gymnasium.Wrapper):
    def __init__(self, env, number):
        super().__init__(env)
        self.id, self.episode = f"cart-{number}", -1
    def reset(self, **given):
        self.episode += 1
        return super().reset(**given)
    def step(self, action):
        answer = super().step(action)
        metrana.log_rl_environment_step(
            "reward", answer[1], rl_step=0, env_id=self.id, episode=self.episode)
        return answer

begin()
envs = gymnasium.vector.AsyncVectorEnv(
    [lambda i=i: Logged(gymnasium.make("CartPole-v1"), i) for i in range(3)])
envs.reset(seed=1)
for _ in range(50):
    envs.step(envs.action_space.sample())
envs.close()
metrana.log("loss", 1.0)
metrana.close()
""")
    reader = Reader(server.url, "ws", "p", "r")
    assert reader.rl_info().number_of_environments == 3
    for number in range(3):
        ((_, points),) = reader.rl_series(f"cart-{number}", episode=0).items()
        assert [step for step, _ in points] == list(range(len(points)))
        assert len(points) > 5


def test_without_memory_files_the_copy_is_loaded_from_a_temporary_one(
    run: Run, stored: Stored, tmp_path: Path
) -> None:
    run(f"""
import tempfile
tempfile.tempdir = {str(tmp_path)!r}
begin()
def child():
    del os.memfd_create
    metrana.log("loss", 1.0)
    assert not [name for name in os.listdir(tempfile.tempdir) if "libmetrana" in name]
    reap(fork(metrana.log, "deeper", 2.0))
reap(fork(child))
metrana.close()
""")
    assert stored("loss") == [(0, 1.0)]
    assert stored("deeper") == [(0, 2.0)]


def test_when_no_second_engine_can_be_loaded_one_error_says_so(run: Run, stored: Stored) -> None:
    run("""
from metrana import errors
begin()
metrana.log("loss", 1.0)
import tempfile
def child():
    def refuse(*given, **options):
        raise OSError("no place to load it from")
    os.memfd_create = tempfile.NamedTemporaryFile = refuse
    texts = []
    for _ in range(2):
        try:
            metrana.log("loss", 2.0)
        except errors.MetranaProcessForkError as error:
            texts.append(str(error))
    assert len(texts) == 2 and texts[0] == texts[1]
    assert "no place to load it from" in texts[0] and "spawn" in texts[0], texts[0]
reap(fork(child))
metrana.close()
""")
    assert stored("loss") == [(0, 1.0)]


def test_a_child_whose_server_is_gone_fails_once_and_then_at_once(run: Run) -> None:
    run("""
import signal
from metrana import errors
begin(init_timeout_secs=2, error_strategy="silent")
def child():
    raised = []
    for _ in range(3):
        try:
            metrana.log("loss", 2.0)
        except errors.MetranaLoggerInitError as error:
            raised.append(error)
    assert len(raised) == 3 and len(set(map(id, raised))) == 1, raised
os.kill(SERVER, signal.SIGKILL)
reap(fork(child))
metrana.close(0)
""")
