"""`metrana watch` with a real server, on a pipe and on a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import metrana
from conftest import ServerProcess
from metrana import watch
from metrana.errors import MetranaQueryRpcError
from metrana.watch_picture import Picture

TIMEOUT = 60.0
QUIT_TIMEOUT = 10.0  # below the 30 s after which a call is given up
COMMAND = [sys.executable, "-m", "metrana", "watch"]


@pytest.fixture
def run(begin: Callable[..., metrana.OpenRun]) -> Callable[..., metrana.OpenRun]:
    begin(run_name="r")
    metrana.log("loss", np.linspace(1, 0, 1000))
    metrana.log("lr", 0.25)
    metrana.log_rl_episode("return", [3.0, 5.0], rl_step=4, env_id=["env-a", "env-b"], episode=0)
    metrana.flush()
    return begin


class Screen:
    """A program on a pseudo-terminal, and what it wrote."""

    def __init__(self, master: int, slave: int, process: subprocess.Popen[bytes]) -> None:
        self.master, self.slave, self.process, self.written = master, slave, process, ""

    def until(self, text: str, after: int = 0) -> None:
        deadline = time.monotonic() + TIMEOUT
        while text not in self.written[after:]:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} never came: {self.written[-2000:]!r}"
            if select.select([self.master], [], [], min(left, 1))[0]:
                self.written += os.read(self.master, 65536).decode(errors="replace")

    def until_quiet(self) -> None:
        """Until nothing is drawn for many intervals: an answer is waited for."""
        while select.select([self.master], [], [], 1)[0]:
            self.written += os.read(self.master, 65536).decode(errors="replace")

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)


@contextmanager
def on_a_terminal(*arguments: str, **variables: str) -> Iterator[Screen]:
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    env = {**os.environ, "TERM": "xterm", **variables}
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdin=slave, stdout=slave, stderr=slave, env=env,
        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    try:
        yield Screen(master, slave, process)
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def once(server: ServerProcess, *arguments: str) -> str:
    command = [*COMMAND, "ws/p/r", "--url", server.url, "--once", *arguments]
    ended = subprocess.run(
        command, check=True, capture_output=True, timeout=TIMEOUT,
        env={**os.environ, "COLUMNS": "140"},
    )  # fmt: skip
    return ended.stdout.decode()


def test_once_on_a_pipe(server: ServerProcess, run: Callable[..., metrana.OpenRun]) -> None:
    shown = once(server).splitlines()
    assert shown[0] == "ws/p/r"
    assert shown[1].startswith("RUNNING")
    assert shown[1].endswith("1,003 points in 3 series")
    table = [line.split() for line in shown[-3:]]
    assert [row[0] for row in table] == ["return(scale=EPISODE)", "loss", "lr"]
    assert table[0][-4:] == ["4", "3", "5", "4"]  # the last is the mean of both environments
    assert table[1][-4:] == ["0", "0", "1", "999"]
    assert table[2][-4:] == ["0.25", "0.25", "0.25", "0"]
    assert "\x1b" not in "".join(shown)
    assert "loss" not in once(server, "--metric", "^l?r")


def test_delivery_is_shown_and_the_end_ends_it(
    server: ServerProcess, run: Callable[..., metrana.OpenRun]
) -> None:
    metrana.close()
    command = [*COMMAND, "ws/p/r", "--url", server.url]
    shown = subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT).stdout
    assert b"added 1,003, delivered 1,003, dropped 0" in shown


@pytest.mark.parametrize("ending", [b"q", b"\x03", signal.SIGTERM])
def test_a_terminal_is_left_as_it_was(
    server: ServerProcess, run: Callable[..., metrana.OpenRun], ending: bytes | signal.Signals
) -> None:
    with on_a_terminal("ws/p/r", "--url", server.url, "--interval", "0.1") as screen:
        before = termios.tcgetattr(screen.slave)
        screen.until("loss")
        assert "\x1b[?1049h\x1b[?25l" in screen.written
        assert termios.tcgetattr(screen.slave) != before

        metrana.log("accuracy", 0.5)
        screen.until("accuracy")

        at = len(screen.written)
        screen.resize(30, 8)
        screen.until("more; --metric", at)

        if isinstance(ending, bytes):
            os.write(screen.master, ending)
        else:
            screen.process.send_signal(ending)
        screen.until("\x1b[?25h\x1b[?1049l")
        code = screen.process.wait(TIMEOUT)
        assert code == (0 if isinstance(ending, bytes) else 128 + signal.SIGTERM)
        assert termios.tcgetattr(screen.slave) == before


def test_a_server_that_is_gone_is_said_and_waited_for(
    server: ServerProcess, run: Callable[..., metrana.OpenRun]
) -> None:
    with on_a_terminal("ws/p/r", "--url", server.url, "--interval", "0.1") as screen:
        screen.until("loss")
        server.kill()
        screen.until("not up to date")
        server.restart()
        metrana.log("accuracy", 0.5)
        screen.until("accuracy")


def test_a_server_that_does_not_answer_holds_no_key_up(
    server: ServerProcess, run: Callable[..., metrana.OpenRun]
) -> None:
    with on_a_terminal("ws/p/r", "--url", server.url, "--interval", "0.1") as screen:
        screen.until("loss")
        server.signal(signal.SIGSTOP)
        screen.until_quiet()
        at = len(screen.written)
        screen.resize(30, 7)
        screen.until("more; --metric", at)
        os.write(screen.master, b"q")
        assert screen.process.wait(QUIT_TIMEOUT) == 0
        server.signal(signal.SIGCONT)


def test_a_server_that_takes_too_long_is_asked_again(
    server: ServerProcess,
    run: Callable[..., metrana.OpenRun],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    looks = 0
    really = watch._Watched.look

    def look(self: watch._Watched, *given: Any) -> Picture:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise MetranaQueryRpcError("DEADLINE_EXCEEDED: context deadline exceeded")
        if looks == 3:
            metrana.close()
        return really(self, *given)

    monkeypatch.setattr(watch._Watched, "look", look)
    assert watch.watch(["ws/p/r", "--url", server.url, "--interval", "0.1"]) == 0
    shown = capsys.readouterr().out
    assert "not up to date: DEADLINE_EXCEEDED" in shown
    assert "not up to date" not in shown[shown.rindex("ws/p/r") :]


def test_plain_output_goes_on_when_the_server_is_back(
    server: ServerProcess, run: Callable[..., metrana.OpenRun]
) -> None:
    watched = ("ws/p/r", "--url", server.url, "--interval", "0.1")
    with on_a_terminal(*watched, NO_COLOR="1") as screen:
        screen.until("loss")
        server.kill()
        screen.until("not up to date")
        server.restart()
        metrana.log("accuracy", 0.5)
        screen.until("accuracy")


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_plain_output_on_a_terminal(
    server: ServerProcess, run: Callable[..., metrana.OpenRun], variables: dict[str, str]
) -> None:
    metrana.close()
    with on_a_terminal("ws/p/r", "--url", server.url, **variables) as screen:
        screen.until("lr")
        assert screen.process.wait(TIMEOUT) == 0
        assert "\x1b" not in screen.written


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ws/p"], "'ws/p' is not WORKSPACE/PROJECT/RUN"),
        (["ws/p/r", "--interval", "0"], "must be from 0.1 to 3600 seconds, not '0'"),
        (["ws/p/r", "--metric", "("], "'(' is no regular expression"),
        (["ws/p/none", "--once"], "there is no run 'none' in ws/p"),
    ],
)
def test_what_cannot_be_watched(
    server: ServerProcess, run: Callable[..., metrana.OpenRun], arguments: list[str], said: str
) -> None:
    command = [*COMMAND, *arguments, "--url", server.url]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert ended.returncode != 0
    assert said in ended.stderr
