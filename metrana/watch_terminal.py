"""A terminal taken over for a while: its other screen, keys one by one, its size as it changes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from types import FrameType

_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"


class Terminal:
    """Draws whole screens and waits for keys; made by `taken_over`."""

    def __init__(self, keys: int | None, resized: int) -> None:
        self._keys, self._resized = keys, resized

    def size(self) -> tuple[int, int]:
        """Columns and rows of this moment; 80 and 24 when the terminal does not tell."""
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        return columns or 80, rows or 24

    def draw(self, lines: Sequence[str]) -> None:
        """Puts the lines on the screen without a moment of emptiness."""
        body = "\r\n".join(f"{line}\x1b[K" for line in lines)
        sys.stdout.write(f"\x1b[H{body}\x1b[J")
        sys.stdout.flush()

    def wait(self, seconds: float) -> str:
        """Waits for a key or a resize: "quit", "resized", or "" when the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            sources = [self._resized] + ([] if self._keys is None else [self._keys])
            ready, _, _ = select.select(sources, [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                return ""
            if self._keys in ready and self._keys is not None:
                pressed = os.read(self._keys, 64)
                if not pressed:
                    self._keys = None  # the input has ended
                if b"q" in pressed or b"\x03" in pressed:
                    return "quit"
            if self._resized in ready:
                os.read(self._resized, 64)
                return "resized"


@contextlib.contextmanager
def taken_over() -> Iterator[Terminal]:
    """Takes the terminal over, and leaves it as it was, whatever happens."""
    with contextlib.ExitStack() as stack:
        resized = stack.enter_context(_told_of_resizes())
        keys = stack.enter_context(_single_keys())
        stack.enter_context(_ended_by_sigterm())
        stack.callback(_write, _LEAVE)
        _write(_ENTER)
        yield Terminal(keys, resized)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


@contextlib.contextmanager
def _single_keys() -> Iterator[int | None]:
    """Keys come without Enter and are not shown; None when the input is no terminal."""
    if not sys.stdin.isatty():
        yield None
        return
    import termios
    import tty

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    try:
        tty.setcbreak(fd, termios.TCSANOW)
        yield fd
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _told_of_resizes() -> Iterator[int]:
    """A file that can be read once the terminal has another size."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    before = signal.signal(signal.SIGWINCH, _nothing)
    woken = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    try:
        yield read
    finally:
        signal.set_wakeup_fd(woken)
        signal.signal(signal.SIGWINCH, before)
        os.close(read)
        os.close(write)


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _nothing(_number: int, _frame: FrameType | None) -> None: ...


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
