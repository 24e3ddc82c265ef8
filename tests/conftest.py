"""What every test may use: a clean environment and a server of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

import metrana
from metrana.server import program

_STOP_TIMEOUT_SECS = 60


class ServerProcess:
    """The real server on a port that the system picks, with a directory of its own."""

    def __init__(self, data_dir: Path, log: Path | None = None) -> None:
        """`log` is the file that gets what the server says on stderr; else the test's own."""
        self.data_dir = data_dir
        self.further: tuple[str, ...] = ()  # arguments of the next start
        self._log = log
        self._start("127.0.0.1:0")

    def _start(self, listen: str) -> None:
        command = [str(program()), "serve", "--data-dir", str(self.data_dir), "--listen", listen]
        command += self.further
        with contextlib.ExitStack() as stack:
            log = None if self._log is None else stack.enter_context(self._log.open("a"))
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("listening on http://"):
            self.kill()
            raise AssertionError(f"the server did not start: {line!r}, see its stderr")
        self.url = line.removeprefix("listening on ").strip()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal; returns from SIGSTOP when every thread stands still."""
        self.process.send_signal(number)
        if number == signal.SIGSTOP:
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def kill(self) -> None:
        """SIGKILL, and waits for the end."""
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self._reap()

    def restart(self) -> None:
        """Starts again on the same directory and port, after `kill` or `stop`."""
        self._start(self.url.removeprefix("http://"))

    def _reap(self) -> int:
        code = self.process.wait(_STOP_TIMEOUT_SECS)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def end(self) -> None:
        """Whatever state the test left it in, it is gone afterwards."""
        if self.process.poll() is None:
            self.process.kill()
        self._reap()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A running server; the test may kill, stop and restart it."""
    process = ServerProcess(tmp_path / "data")
    try:
        yield process
    finally:
        process.end()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the developer's or of an earlier test's leaks into a test."""
    foreign = ("TORCHELASTIC_RUN_ID", "SLURM_JOB_ID", "RAY_JOB_ID")
    for name in [*os.environ]:
        if name.startswith("METRANA_") or name in foreign:
            monkeypatch.delenv(name)
    # Set once, so that monkeypatch takes away what init() publishes in the test.
    monkeypatch.setenv("METRANA_ORCHESTRATION_ID", "")


@pytest.fixture
def begin(server: ServerProcess) -> Iterator[Callable[..., metrana.OpenRun]]:
    """init() towards the test's server; what a test leaves open is abandoned."""

    def init(**given: Any) -> metrana.OpenRun:
        defaults = {"workspace_name": "ws", "project_name": "p", "run_name": "r"}
        return metrana.init(**{**defaults, "ingestion_url": server.url, **given})

    yield init
    if metrana.is_initialized():
        metrana.close(close_timeout=0)


@pytest.fixture
def messages() -> Iterator[list[str]]:
    """What metrana says, as lines of level and message."""
    said: list[str] = []
    handler = logger.add(lambda line: said.append(line.rstrip()), format="{level} {message}")
    yield said
    logger.remove(handler)
