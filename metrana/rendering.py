"""Frames of environments into one H.264 video for each (environment, episode).

    log_rendering()  ->  frames waiting, by environment  ->  one thread  ->  files
    copies the frame     bounded by rendering_queue_max_size  encodes   |
                                                                   the server, with rendering_upload

A video is written beside its place, under a name that ends in `.part`, and gets its
own name when it is whole. Nothing is ever overwritten: where a video of that name is
there already, the next one is called `…-2.mp4`.

At most `rendering_max_concurrent_encoders` videos are open at a time. Frames of other
environments wait meanwhile; an open video gives up its place when its environment goes
on to another episode, when it got no frame while another environment got many, or
when the queue is full of frames that wait for a place. Should its episode go on
after that, its rest becomes a video of its own, `…-2.mp4`.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import threading
from collections import deque
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from metrana.enums import BackpressureStrategy, ErrorStrategy
from metrana.errors import (
    MetranaEventQueueFullError,
    MetranaRenderingUnavailableError,
    MetranaSenderError,
    MetranaValidationError,
)
from metrana.messages import logger
from metrana.settings import Settings

if TYPE_CHECKING:
    from metrana.rendering_upload import Uploader

Image = NDArray[np.uint8]

# As many frames of another environment, and none of its own, end a video's turn.
_IDLE_FRAMES = 30

# Problems that are remembered until they surface; more of them say nothing new.
_KEPT_PROBLEMS = 32

_RAISING = (ErrorStrategy.RAISE_ON_LOG, ErrorStrategy.RAISE_ON_CLOSE)

# How long closing the open files may take once the rest is given up.
_SETTLE_SECS = 5.0

# A component of a path may be 255 bytes long on most systems.
_LONGEST_NAME = 200

_CODEC_OPTIONS = {
    "preset": "veryfast",
    "crf": "23",
    # One thread, the rest of the machine is the training's. The colours are said,
    # or players would guess them by the size of the picture.
    "x264-params": "threads=1:colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m",
}


# Held while libraries of the encoder run. A fork waits for that, a frame's time: what
# they lock for themselves would stay locked in the child for ever.
_encoding = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_encoding.acquire,
        after_in_parent=_encoding.release,
        after_in_child=_encoding.release,
    )


class Frame(NamedTuple):
    """A picture and where it belongs."""

    number: int
    """Of all frames of the run, in the order of the calls."""
    environment: str
    episode: int
    rl_step: int
    image: Image


class FinishedVideo(NamedTuple):
    """A file that is whole, and what it shows."""

    path: Path
    environment: str
    episode: int
    first_rl_step: int
    last_rl_step: int
    fps: float
    frames: int


class Renderer:
    """The videos of a run. Its thread starts with the first frame."""

    def __init__(self, settings: Settings, run_id: str) -> None:
        """Renders for the run with this id, in base64."""
        self._settings = settings
        self._changed = threading.Condition()
        self._uploader: Uploader | None = None
        if settings.rendering_upload:
            from metrana.rendering_upload import Uploader  # HTTP is slow to import

            self._uploader = Uploader(settings, run_id, self._not_uploaded)
        self._waiting: dict[str, deque[Frame]] = {}
        self._count = 0  # frames waiting
        self._numbers = itertools.count()
        self._sizes: dict[str, tuple[int, tuple[int, ...]]] = {}  # of each environment's episode
        self._videos: dict[str, Video] = {}
        self._given_up: dict[str, int] = {}  # episodes whose video is lost, by environment
        self._thread: threading.Thread | None = None
        self._in_vain = False  # a call waited for room as long as it may, and there was none since
        self._closing = False
        self._dropped = 0
        self._problems: list[str] = []
        self._warned_of_alpha = False

    # The caller's side

    def add(self, frame: object, rl_step: int, episode: int, environment: str) -> None:
        """Queues a copy of a frame.

        Raises:
            TypeError: It is no array.
            MetranaValidationError: It is no picture, or of another size than its video.
            MetranaRenderingUnavailableError: PyAV is not installed.
            MetranaEventQueueFullError: The queue stayed full, under the strategy `raise`.
            MetranaSenderError: A video was lost earlier, under the strategy
                `raise_on_log`. The frame is queued all the same.
        """
        av_module()
        image = self._image(frame)
        with self._changed:
            self._check_size(environment, episode, image)
            if self._has_room():
                taken = Frame(next(self._numbers), environment, episode, rl_step, image.copy())
                self._waiting.setdefault(environment, deque()).append(taken)
                self._count += 1
                self._start()
                self._changed.notify_all()
            else:
                self._shed()
        lost = self._surface(closing=False)
        if lost:
            raise MetranaSenderError("\n".join(lost))

    def _image(self, frame: object) -> Image:
        if not isinstance(frame, np.ndarray):
            hint = ': was the environment made with render_mode="rgb_array"?'
            raise TypeError(
                f"a frame must be a NumPy array, not {type(frame).__name__}"
                + (hint if frame is None else "")
            )
        shape = frame.shape
        if frame.dtype != np.uint8:
            raise MetranaValidationError(f"a frame must be of uint8, not {frame.dtype}")
        if frame.ndim not in (2, 3) or (frame.ndim == 3 and shape[2] not in (1, 3, 4)):
            raise MetranaValidationError(
                "a frame must be (H, W, 3) RGB, (H, W, 4) RGBA, (H, W) or (H, W, 1) gray, "
                f"not {shape}"
            )
        if not frame.size or shape[0] % 2 or shape[1] % 2:
            raise MetranaValidationError(
                f"height and width of a frame must be even and above 0, not {shape[0]} x {shape[1]}"
            )
        if frame.ndim == 3 and shape[2] == 4:
            self._warn_of_alpha()
            return frame[:, :, :3]
        return frame[:, :, 0] if frame.ndim == 3 and shape[2] == 1 else frame

    def _warn_of_alpha(self) -> None:
        if not self._warned_of_alpha:
            self._warned_of_alpha = True
            logger.warning("frames have an alpha channel, which videos do without")

    def _check_size(self, environment: str, episode: int, image: Image) -> None:
        known, size = self._sizes.get(environment, (None, None))
        if known == episode and size != image.shape:
            raise MetranaValidationError(
                f"a frame of episode {episode} of {environment!r} has the shape {image.shape}, "
                f"the ones before it {size}"
            )
        self._sizes[environment] = episode, image.shape

    def _has_room(self) -> bool:
        if not self._is_full():
            return True
        strategy, timeout = self._settings.backpressure_strategy, None
        if strategy is not BackpressureStrategy.BLOCK:
            if self._in_vain:
                return False
            timeout = self._settings.enqueue_timeout_secs
        self._changed.notify_all()  # a full queue is a reason to give up a place
        if not self._changed.wait_for(lambda: not self._is_full(), timeout):
            self._in_vain = True
            return False
        return True

    def _is_full(self) -> bool:
        limit = self._settings.rendering_queue_max_size
        return limit is not None and self._count >= limit

    def _shed(self) -> None:
        self._dropped += 1
        if self._settings.backpressure_strategy is BackpressureStrategy.RAISE:
            raise MetranaEventQueueFullError(
                f"{self._count} frames wait for encoding, which rendering_queue_max_size allows"
            )
        if self._dropped == 1:
            self._note("frames are dropped: they come faster than they are encoded")

    def _surface(self, *, closing: bool) -> list[str]:
        """Says what went wrong, as the error strategy wants it; what is left is to be raised."""
        strategy = self._settings.error_strategy
        if not self._problems or (strategy is ErrorStrategy.RAISE_ON_CLOSE and not closing):
            return []
        problems = self._take_problems()
        if strategy is ErrorStrategy.WARN:
            for problem in problems:
                logger.warning("{}", problem)
        return problems if strategy in _RAISING else []

    def _take_problems(self) -> list[str]:
        with self._changed:
            problems, self._problems = self._problems, []
        return problems

    def _note(self, problem: str) -> None:
        if len(self._problems) < _KEPT_PROBLEMS:
            self._problems.append(problem)

    # Closing

    def begin_close(self) -> None:
        """Lets the thread end once everything that waits is encoded."""
        with self._changed:
            self._closing = True
            if self._settings.skip_drain_render_on_close:
                self._drop_waiting()
            self._changed.notify_all()

    def finish(self, timeout: float | None, upload_timeout: float | None) -> list[str]:
        """Waits for the thread, after `begin_close`; what it returns is to be raised.

        What is not encoded in time is dropped; the videos it would have gone on with are
        closed properly. Then uploads are waited for; None abandons them.
        """
        self._finish_encoding(timeout)
        lost = self._uploader.finish(upload_timeout) if self._uploader is not None else 0
        # However many problems were noted, what they come to is among them.
        if lost > 1:
            folder = self._settings.rendering_output_dir
            self._problems.append(f"{lost:,} videos were not uploaded; they lie in {folder}")
        if self._dropped:
            self._problems.append(f"{self._dropped:,} frames were dropped")
        return self._surface(closing=True)

    def _finish_encoding(self, timeout: float | None) -> None:
        thread = self._thread
        if thread is not None:
            try:
                thread.join(timeout)
            finally:
                if thread.is_alive():
                    self._abandon()
                    thread.join(_SETTLE_SECS)

    def _abandon(self) -> None:
        with self._changed:
            if self._count:
                self._note(f"{self._drop_waiting():,} frames were not encoded in time")
            self._changed.notify_all()

    def _drop_waiting(self) -> int:
        count, self._count = self._count, 0
        self._waiting.clear()
        return count

    # The thread's side

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="metrana-rendering", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work)
                finished = self._over()
                frame = None if finished else self._next_frame()
            with _encoding:
                for video in finished:
                    self._finish_video(video)
                if frame is not None:
                    self._encode(frame)
            if frame is None and not finished:
                return  # closing, and nothing is left

    def _has_work(self) -> bool:
        return self._closing or bool(self._over()) or self._next_environment() is not None

    def _over(self) -> list[Video]:
        """Videos that get no more frames, or have to give up their place."""
        videos = self._videos.values()
        over = [video for video in videos if self._has_ended(video)]
        if over or self._has_place():
            return over
        over = [video for video in videos if self._is_idle(video)]
        if not over and self._count and self._is_full() and self._next_environment() is None:
            over = [min(videos, key=lambda video: video.last)]
        return over

    def _has_ended(self, video: Video) -> bool:
        waiting = self._waiting.get(video.environment)
        return waiting[0].episode != video.episode if waiting else self._closing

    def _is_idle(self, video: Video) -> bool:
        return video.environment not in self._waiting and any(
            len(others) >= _IDLE_FRAMES and others[-_IDLE_FRAMES].number > video.last
            for others in self._waiting.values()
        )

    def _has_place(self) -> bool:
        return len(self._videos) < self._settings.rendering_max_concurrent_encoders

    def _next_environment(self) -> str | None:
        """Whose frame is the oldest of those that can be encoded now."""
        place = self._has_place()
        ready = [e for e in self._waiting if place or e in self._videos]
        return min(ready, key=lambda e: self._waiting[e][0].number, default=None)

    def _next_frame(self) -> Frame | None:
        environment = self._next_environment()
        if environment is None:
            return None
        waiting = self._waiting[environment]
        frame = waiting.popleft()
        if not waiting:
            del self._waiting[environment]
        self._count -= 1
        self._in_vain = False
        self._changed.notify_all()
        return frame

    def _encode(self, frame: Frame) -> None:
        if self._given_up.get(frame.environment) == frame.episode:
            return  # which has been said
        video = self._videos.get(frame.environment)
        try:
            if video is None:
                video = Video(self._settings, frame)
                with self._changed:
                    self._videos[frame.environment] = video
            video.encode(frame)
        except Exception as error:  # noqa: BLE001 # one broken video must not stop the others
            self._give_up(frame, video, error)

    def _give_up(self, frame: Frame, video: Video | None, error: Exception) -> None:
        self._given_up[frame.environment] = frame.episode
        with self._changed:
            self._videos.pop(frame.environment, None)
        if video is not None:
            video.abandon()
        self._lost(frame.environment, frame.episode, error)

    def _finish_video(self, video: Video) -> None:
        with self._changed:
            del self._videos[video.environment]
        try:
            finished = video.finish()
        except Exception as error:  # noqa: BLE001 # as above
            self._lost(video.environment, video.episode, error)
            return
        if self._uploader is not None:
            self._uploader.add(finished)

    def _lost(self, environment: str, episode: int, error: Exception) -> None:
        with self._changed:
            self._note(
                f"the video of episode {episode} of {environment!r} is lost: "
                f"{type(error).__name__}: {error}"
            )

    def _not_uploaded(self, problem: str) -> None:
        with self._changed:
            self._note(problem)


class Video:
    """One file, from its first frame to its last. Used by the thread alone."""

    def __init__(self, settings: Settings, first: Frame) -> None:
        self.environment, self.episode, self.last = first.environment, first.episode, first.number
        self._rate = Fraction(settings.rendering_fps).limit_denominator(1_000_000)
        self._count = 0
        self._rl_steps = first.rl_step, first.rl_step  # lowest, highest
        folder = settings.rendering_output_dir / _component(settings.run_name)
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{_component(first.environment)}_{first.episode}"
        self._path, self._part = _free_place(folder, stem)
        av: Any = av_module()
        # Faststart: a browser can play it before it has all of it.
        options = {"movflags": "+faststart"}
        self._container = av.open(str(self._part), "w", format="mp4", options=options)
        self._container.metadata.update(_metadata(settings.run_name, first))
        self._stream = self._container.add_stream("libx264", rate=self._rate)
        self._stream.height, self._stream.width = first.image.shape[:2]
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = _CODEC_OPTIONS

    def encode(self, frame: Frame) -> None:
        """Adds a frame."""
        av: Any = av_module()
        layout = "gray" if frame.image.ndim == 2 else "rgb24"
        picture = av.VideoFrame.from_ndarray(frame.image, format=layout)
        picture.pts, picture.time_base = self._count, 1 / self._rate
        self._container.mux(self._stream.encode(picture))
        self._count += 1
        self.last = frame.number
        lowest, highest = self._rl_steps
        self._rl_steps = min(lowest, frame.rl_step), max(highest, frame.rl_step)

    def finish(self) -> FinishedVideo:
        """Writes what the encoder still holds and gives the file its name."""
        try:
            self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()
        self._part.rename(self._path)
        place = self.environment, self.episode, *self._rl_steps
        return FinishedVideo(self._path, *place, float(self._rate), self._count)

    def abandon(self) -> None:
        """Takes the unfinished file away."""
        with contextlib.suppress(Exception):  # it is broken already
            self._container.close()
        self._part.unlink(missing_ok=True)


def _metadata(run: str, first: Frame) -> dict[str, str]:
    """What a player shows of a video, and what a program may read of it."""
    place = {
        "run": run,
        "environment": first.environment,
        "episode": first.episode,
        "rl_step": first.rl_step,
    }
    title = f"{run}, {first.environment}, episode {first.episode}"
    return {"title": title, "comment": json.dumps(place)}


def av_module() -> ModuleType:
    """PyAV, imported when the first frame is logged.

    Raises:
        MetranaRenderingUnavailableError: It is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MetranaRenderingUnavailableError(
            "videos need PyAV: pip install 'metrana[rendering]'"
        ) from error
    module: ModuleType = av
    return module


def _component(name: str) -> str:
    """A name as one component of a path, which cannot lead out of its folder."""
    encoded = quote(name, safe="")
    if encoded.startswith("."):
        encoded = "%2E" + encoded[1:]
    if len(encoded) > _LONGEST_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        encoded = f"{encoded[: _LONGEST_NAME - 17]}~{digest}"
    return encoded


def _free_place(folder: Path, stem: str) -> tuple[Path, Path]:
    """Where a video goes, and where it is written until it is whole."""
    for number in itertools.count(1):
        path = folder / (f"{stem}.mp4" if number == 1 else f"{stem}-{number}.mp4")
        part = path.with_name(path.name + ".part")
        if path.exists():
            continue
        try:
            part.touch(exist_ok=False)
        except FileExistsError:
            continue
        return path, part
    raise AssertionError("counted to the end of all numbers")
