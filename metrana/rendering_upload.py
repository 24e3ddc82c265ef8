"""Videos of episodes on their way to the server, piece by piece.

    a video is whole  ->  paths waiting  ->  one thread  ->  POST, then PATCH after PATCH
                          at most 10,000     tries again

What waits are names of files, which stay where they are; of a file as much as one
piece is in memory. An upload goes on where the server says it stands, so a lost
connection or a restarted server costs a piece at most. Of a video that is not
delivered the caller is told, with what the server said.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import random
import socket
import threading
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple
from urllib.parse import urlsplit

from metrana._version import __version__
from metrana.messages import logger
from metrana.settings import Settings

if TYPE_CHECKING:
    from metrana.rendering import FinishedVideo

_PATH = "/renderings/uploads"

# How many videos may wait for a server that does not answer.
_WAITING = 10_000

# Bytes that are sent, and read, at a time.
_PIECE = 4 << 20

# How long the server may take to answer. It reads a video back before it says that
# it has it.
_ANSWER_SECS = 60.0

# How often a video is sent whole that arrives as something else.
_WHOLE_TRIES = 3

# The least time between two tries, whatever the settings say.
_LEAST_BACKOFF_SECS = 0.01

# How long an interrupted thread may take to end. One that is connecting may take
# longer, and is left to it: what it had to do has been reported.
_SETTLE_SECS = 0.2

# Answers of a server that is from before there were uploads, or that takes none.
_TAKES_NONE = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)

# Answers after which another try may succeed; so may one after any other 5xx.
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class _Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def says(self) -> str:
        return f"HTTP {self.status}: {self.text.strip() or 'no reason given'}"


class _AgainError(Exception):
    """It did not work now, and may later."""


class _WrongContentError(Exception):
    """The server got other bytes than were announced."""


class _RefusedError(Exception):
    """The server will not take this video."""


class _TakesNoneError(Exception):
    """The server takes no videos at all."""


class _StoppedError(Exception):
    """Nobody waits for it any more."""


class Uploader:
    """Uploads of a run. Its thread starts with the first video."""

    def __init__(self, settings: Settings, run_id: str, report: Callable[[str], None]) -> None:
        """Takes videos of the run with this id, in base64; `report` is told of losses."""
        self._settings = settings
        self._run_id = run_id
        self._report = report
        self._changed = threading.Condition()
        self._waiting: deque[FinishedVideo] = deque()  # the first is under way
        self._thread: threading.Thread | None = None
        self._closing = False  # nothing more comes
        self._stopped = False  # nobody waits any more
        self._off = False  # the server takes none
        self._lost = 0
        self._connection: http.client.HTTPConnection | None = None
        self._sent = 0  # bytes that the server has taken
        self.failures = 0
        """Tries that did not work and were, or are to be, made again."""
        self.last_failure = ""

    # The caller's side

    def add(self, video: FinishedVideo) -> None:
        """Queues a video; never waits."""
        with self._changed:
            if self._off:
                return
            if self._closing:  # by an encoder that could not be stopped in time
                logger.warning("{} was finished after close: it is not uploaded", video.path)
                return
            if len(self._waiting) < _WAITING:
                self._waiting.append(video)
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._run, name="metrana-rendering-upload", daemon=True
                    )
                    self._thread.start()
                self._changed.notify_all()
                return
        self._lose(video, f"{_WAITING:,} others wait")

    def finish(self, timeout: float | None) -> int:
        """Waits until all is delivered or reported, for so long at most.

        None: what is not delivered is abandoned, which is said but is no loss to report.

        Returns:
            How many videos were reported, since the first.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        thread = self._thread
        if thread is not None:
            try:
                thread.join(min(timeout or 0, threading.TIMEOUT_MAX))
            finally:
                self._stop(thread, abandon=timeout is None)
        return self._lost

    @property
    def _folder(self) -> Path:
        return self._settings.rendering_output_dir

    def _stop(self, thread: threading.Thread, *, abandon: bool) -> None:
        with self._changed:
            self._stopped = True
            left = [*self._waiting]
            self._waiting.clear()
            self._interrupt()
            self._changed.notify_all()
        if abandon and left:
            logger.warning("{:,} videos are not uploaded; they lie in {}", len(left), self._folder)
        else:
            reason = "the time to close ran out"
            if self.last_failure:
                reason += f"; the last failure was {self.last_failure}"
            for video in left:
                self._lose(video, reason)
        thread.join(_SETTLE_SECS)

    def _interrupt(self) -> None:
        """Ends what the thread waits for on its connection."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):  # it is closed already
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _lose(self, video: FinishedVideo, reason: object) -> None:
        with self._changed:
            self._lost += 1
        self._report(
            f"the video of episode {video.episode} of {video.environment!r} was not uploaded, "
            f"it lies in {video.path}: {reason}"
        )

    # The thread's side

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing or self._stopped)
                if not self._waiting:
                    return
                video = self._waiting[0]
            try:
                lost = self._deliver(video)
            except _StoppedError:
                return  # whoever stopped it reports all that is left
            except _TakesNoneError as answer:
                self._switch_off(answer)
                return
            except Exception as error:  # noqa: BLE001 # one broken video must not stop the others
                lost = _words(error)
            with self._changed:
                if self._stopped:
                    return
                self._waiting.popleft()
            if lost is not None:
                self._lose(video, lost)

    def _switch_off(self, answer: _TakesNoneError) -> None:
        with self._changed:
            if self._stopped:
                return
            self._off = True
            self._waiting.clear()
        self._report(
            f"{self._settings.ingestion_url} takes no videos ({answer}): "
            f"none is uploaded from here on, all stay in {self._folder}"
        )

    def _deliver(self, video: FinishedVideo) -> str | None:
        """Sends a video until the server has it; else the reason why it is lost."""
        tries, wrong = 0, 0
        while True:
            sent = self._sent
            try:
                self._send(video)
            except _RefusedError as error:
                return str(error)
            except _WrongContentError as error:
                wrong += 1
                if wrong == _WHOLE_TRIES:
                    return str(error)
                continue
            except (_AgainError, http.client.HTTPException, OSError) as error:
                self.failures, self.last_failure = self.failures + 1, _words(error)
                self._check_stop()
                if not video.path.is_file():
                    return f"the file is gone ({error})"
                tries = 1 if self._sent > sent else tries + 1
                limit = self._settings.max_send_retries
                if limit is not None and tries > limit:
                    return self.last_failure
                self._rest(tries)
            else:
                logger.debug("uploaded {}", video.path)
                return None
            finally:
                self._disconnect()  # until the next video the server may hang up

    def _rest(self, tries: int) -> None:
        first = self._settings.send_retry_initial_backoff_secs
        most = self._settings.send_retry_max_backoff_secs
        seconds = min(first * 2.0 ** min(tries - 1, 60), most) * random.uniform(0.75, 1.25)  # noqa: S311 # spreads
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, max(seconds, _LEAST_BACKOFF_SECS))
        self._check_stop()

    def _check_stop(self) -> None:
        with self._changed:
            if self._stopped:
                raise _StoppedError

    def _send(self, video: FinishedVideo) -> None:
        """Goes on with the upload where the server says it stands."""
        with video.path.open("rb") as file:
            answer = self._ask("POST", _PATH, self._description(video, file), "application/json")
            if answer.status in _TAKES_NONE:
                raise _TakesNoneError(answer.says)
            _raise_unless(answer, HTTPStatus.OK, HTTPStatus.CREATED)
            place = answer.headers.get("Location")
            if place is None or not place.startswith(_PATH + "/"):
                raise _TakesNoneError(f"it answers {answer.status} without the place of an upload")
            while "Content-Location" not in answer.headers:
                offset = _offset(answer)
                file.seek(offset)
                answer = self._patch(place, offset, file.read(_PIECE))

    def _patch(self, place: str, offset: int, piece: bytes) -> _Answer:
        kind = "application/offset+octet-stream"
        answer = self._ask("PATCH", place, piece, kind, {"Upload-Offset": str(offset)})
        if answer.status == HTTPStatus.NOT_FOUND:
            raise _AgainError("the server knows the upload no more")
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise _WrongContentError(answer.says)
        _raise_unless(answer, HTTPStatus.NO_CONTENT, HTTPStatus.CONFLICT)
        if answer.status == HTTPStatus.NO_CONTENT:
            self._sent += len(piece)
            if not piece and "Content-Location" not in answer.headers:
                raise _AgainError("the file is shorter than it was")
        return answer

    def _description(self, video: FinishedVideo, file: BinaryIO) -> bytes:
        digest, size = hashlib.sha256(), 0
        while piece := file.read(_PIECE):
            self._check_stop()
            digest.update(piece)
            size += len(piece)
        return json.dumps(
            {
                "run_id": self._run_id,
                "environment": video.environment,
                "episode": video.episode,
                "first_rl_step": video.first_rl_step,
                "last_rl_step": video.last_rl_step,
                "fps": video.fps,
                "frames": video.frames,
                "size": size,
                "sha256": digest.hexdigest(),
            }
        ).encode()

    def _ask(
        self, method: str, path: str, body: bytes, kind: str, further: dict[str, str] | None = None
    ) -> _Answer:
        connection = self._connected()
        headers = {
            "Authorization": f"Bearer {self._settings.api_key}",
            "Content-Type": kind,
            "User-Agent": f"metrana/{__version__}",
            **(further or {}),
        }
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
        return _Answer(response.status, response.headers, text)

    def _connected(self) -> http.client.HTTPConnection:
        """The connection, opened where there is none; not once it was stopped."""
        opened = self._connection
        if opened is None:
            parts = urlsplit(self._settings.ingestion_url)
            secure = parts.scheme == "https"
            kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
            opened = kind(
                parts.hostname or "", parts.port, timeout=self._settings.connect_timeout_secs
            )
            opened.connect()
            opened.sock.settimeout(_ANSWER_SECS)
            with self._changed:  # where `_stop` finds it, or it was stopped before
                self._connection = opened
        self._check_stop()
        return opened

    def _disconnect(self) -> None:
        with self._changed:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, _AgainError) else f"{type(error).__name__}: {error}"


def _raise_unless(answer: _Answer, *wanted: HTTPStatus) -> None:
    if answer.status in wanted:
        return
    lasting = answer.status < HTTPStatus.INTERNAL_SERVER_ERROR and answer.status not in _PASSING
    if lasting or answer.status == HTTPStatus.INSUFFICIENT_STORAGE:
        raise _RefusedError(answer.says)
    raise _AgainError(answer.says)


def _offset(answer: _Answer) -> int:
    text = answer.headers.get("Upload-Offset", "")
    if not text.isdecimal():
        raise _AgainError(f"the server gives {text!r} as the offset of an upload")
    return int(text)
