"""The server program inside the package, and a server as a child process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NoReturn

_PROGRAM = "metrana-server.exe" if sys.platform == "win32" else "metrana-server"

# What the server says on stdout as soon as it answers.
_READY = "listening on "


class ServerError(RuntimeError):
    """The server could not be started or did not end well; the text says why."""


def program() -> Path:
    """Where the server program is.

    Raises:
        ServerError: The package was not built completely.
    """
    found = Path(__file__).parent / "_lib" / _PROGRAM
    if not found.is_file():
        raise ServerError(
            f"{found} is missing: install metrana again, or run "
            "`python build_scripts/native_build.py` in a checkout"
        )
    return found


def become(arguments: Sequence[str]) -> NoReturn:
    """Turns this process into the server, with these arguments.

    Raises:
        ServerError: The package was not built completely.
    """
    command = [str(program()), *arguments]
    sys.stdout.flush()
    sys.stderr.flush()
    if sys.platform == "win32":  # has no exec that keeps console and exit code
        raise SystemExit(subprocess.call(command))
    os.execv(command[0], command)  # noqa: S606 # no shell is wanted


class Server:
    """A server as a child process, from `with` to the end of its block.

    Ctrl-C in the terminal does not reach it: it ends when the block does.
    """

    def __init__(self, data_dir: str | None = None, listen: str | None = None) -> None:
        """Starts the server and waits until it answers.

        Args:
            data_dir: Where it keeps its data; its own default if None.
            listen: HOST:PORT; its own default if None.

        Raises:
            ServerError: It did not start, with what it said.
        """
        command = [str(program()), "serve"]
        if data_dir is not None:
            command += ["--data-dir", data_dir]
        if listen is not None:
            command += ["--listen", listen]
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 # closed when the process has ended
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            start_new_session=True,
        )
        self._ready = threading.Event()
        self.url = ""
        # Reads to the end, so that a full pipe never stops the server in its tracks.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self._ready.wait()
        except BaseException:
            self._stop()
            raise
        if not self.url:
            code, words = self._stop()
            raise ServerError(words or f"the server ended with exit code {code}")

    def _read(self) -> None:
        for line in self._process.stdout or ():
            if line.startswith(_READY):
                self.url = line.removeprefix(_READY).strip()
                self._ready.set()
        self._ready.set()

    def wait(self) -> NoReturn:
        """Waits for the server to end, which it only does when something is wrong.

        Raises:
            ServerError: It ended, with what it said.
        """
        self._process.wait()
        raise _ended(*self._stop())

    def _stop(self) -> tuple[int, str]:
        """Ends the process if it still runs; its exit code and its last words."""
        if self._process.poll() is None:
            self._process.terminate()
        code = self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        with self._said:
            self._said.seek(0)
            return code, self._said.read().decode(errors="replace").strip()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._said.closed:
            return  # ended and reported
        code, words = self._stop()
        if code != 0 and kind is None:
            raise _ended(code, words)


def _ended(code: int, words: str) -> ServerError:
    return ServerError(f"the server ended with exit code {code}: {words}")
