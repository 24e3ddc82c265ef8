"""Frames become videos: encoded for real, and read back with PyAV."""

from __future__ import annotations

import builtins
import json
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import metrana
from metrana import errors, rendering

Image = NDArray[np.uint8]
Begin = Callable[..., metrana.OpenRun]

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "videos"


@pytest.fixture
def start(begin: Begin, folder: Path) -> Begin:
    """init() with videos in `folder`."""
    return lambda **given: begin(**{"rendering_output_dir": folder, "log_level": "ERROR", **given})


def plain(colour: tuple[int, ...], height: int = 64, width: int = 96) -> Image:
    return np.full((height, width, len(colour)), colour, np.uint8)


def videos(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def decoded(path: Path) -> list[Image]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def looks_like(image: Image, colour: tuple[int, ...]) -> bool:
    """Whether it has one colour, within what 8-bit YUV loses."""
    return bool((np.abs(image.astype(int) - colour).max(axis=(0, 1)) < 12).all())


def boxes(path: Path) -> list[bytes]:
    """The top-level boxes of an MP4 file, in order."""
    data, found = path.read_bytes(), []
    while data:
        size, kind = struct.unpack(">I4s", data[:8])
        found.append(kind)
        data = data[size:]
    return found


class Gate:
    """Stands before the encoder: nothing is encoded until it opens."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._open = threading.Event()
        encode = rendering.Video.encode

        def wait_and_encode(video: rendering.Video, frame: rendering.Frame) -> None:
            self._open.wait()
            encode(video, frame)

        monkeypatch.setattr(rendering.Video, "encode", wait_and_encode)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    closed = Gate(monkeypatch)
    yield closed
    closed.open()


def fill_queue(image: Image) -> None:
    """One frame is taken by the thread, which waits at the gate; one waits behind it."""
    renderer = metrana.api._open_run()._renderer
    metrana.log_rendering(image, rl_step=0, episode=0)
    with renderer._changed:
        assert renderer._changed.wait_for(lambda: renderer._count == 0, 60)
    metrana.log_rendering(image, rl_step=0, episode=0)


def test_each_episode_of_each_environment_is_a_video(start: Begin, folder: Path) -> None:
    with start(rendering_fps=24) as run:
        for episode, colour in enumerate([RED, GREEN]):
            for _ in range(10 + episode):
                run.log_rendering(plain(colour), rl_step=3, episode=episode, env_id="env-0")
                run.log_rendering(plain(BLUE, 32, 48), rl_step=3, episode=episode)
    names = ["default_0.mp4", "default_1.mp4", "env-0_0.mp4", "env-0_1.mp4"]
    assert videos(folder) == [f"r/{name}" for name in names]
    for episode, colour in enumerate([RED, GREEN]):
        path = folder / "r" / f"env-0_{episode}.mp4"
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert (stream.width, stream.height) == (96, 64)
            assert stream.average_rate == 24
            assert stream.codec_context.name == "h264"
            assert stream.codec_context.pix_fmt == "yuv420p"
            comment = json.loads(container.metadata["comment"])
        assert comment == {"run": "r", "environment": "env-0", "episode": episode, "rl_step": 3}
        images = decoded(path)
        assert len(images) == 10 + episode
        assert all(looks_like(image, colour) for image in images)
        kinds = boxes(path)
        assert kinds.index(b"moov") < kinds.index(b"mdat"), "players have to read it all first"


def test_frames_come_in_their_order(start: Begin, folder: Path) -> None:
    shades = [(shade, shade, shade) for shade in range(16, 240, 8)]
    with start() as run:
        for shade in shades:
            run.log_rendering(plain(shade), rl_step=0, episode=0)
    images = decoded(folder / "r" / "default_0.mp4")
    assert len(images) == len(shades)
    assert all(looks_like(image, shade) for image, shade in zip(images, shades, strict=True))


def test_the_frame_may_be_overwritten_after_the_call(
    start: Begin, folder: Path, gate: Gate
) -> None:
    with start() as run:
        frame = plain(RED)
        run.log_rendering(frame, rl_step=0, episode=0)
        frame[:] = 0
        gate.open()
    assert looks_like(decoded(folder / "r" / "default_0.mp4")[0], RED)


@pytest.mark.parametrize(
    ("frame", "colour"),
    [
        (plain(RED)[:, :, :3], RED),
        (plain((*GREEN, 128)), GREEN),
        (plain((77,)), (77, 77, 77)),
        (plain((77,))[:, :, 0], (77, 77, 77)),
        (plain(BLUE, 128, 192)[::2, ::-2], BLUE),
        (np.asfortranarray(plain(RED)), RED),
    ],
    ids=["rgb", "rgba", "gray with an axis", "gray", "strided", "fortran"],
)
def test_pictures_of_all_kinds(
    start: Begin, folder: Path, frame: Image, colour: tuple[int, ...]
) -> None:
    with start() as run:
        run.log_rendering(frame, rl_step=0, episode=0)
    (image,) = decoded(folder / "r" / "default_0.mp4")
    assert image.shape == (64, 96, 3)
    assert looks_like(image, colour)


def test_the_alpha_channel_is_missed_once(start: Begin, messages: list[str]) -> None:
    with start(log_level="WARNING") as run:
        for _ in range(3):
            run.log_rendering(plain((*RED, 255)), rl_step=0, episode=0)
    assert len([line for line in messages if "alpha" in line]) == 1


@pytest.mark.parametrize(
    ("frame", "kind", "text"),
    [
        (None, TypeError, 'not NoneType: was the environment made with render_mode="rgb_array"'),
        ([[1, 2], [3, 4]], TypeError, "not list"),
        (np.zeros((64, 96, 3)), errors.MetranaValidationError, "uint8, not float64"),
        (np.zeros((64, 96, 2), np.uint8), errors.MetranaValidationError, r"not \(64, 96, 2\)"),
        (np.zeros(64, np.uint8), errors.MetranaValidationError, r"not \(64,\)"),
        (np.zeros((63, 96, 3), np.uint8), errors.MetranaValidationError, "not 63 x 96"),
        (np.zeros((64, 95, 3), np.uint8), errors.MetranaValidationError, "not 64 x 95"),
        (np.zeros((0, 96, 3), np.uint8), errors.MetranaValidationError, "not 0 x 96"),
    ],
)
def test_what_is_no_picture_is_refused(
    start: Begin, folder: Path, frame: Any, kind: type[Exception], text: str
) -> None:
    with start() as run, pytest.raises(kind, match=text):
        run.log_rendering(frame, rl_step=0, episode=0)
    assert not folder.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        {"rl_step": -1},
        {"episode": -1},
        {"episode": 1.5},
        {"env_id": "a/b"},
        {"env_id": "settings"},
        {"rl_step": None},
    ],
)
def test_what_has_no_place_is_refused(
    start: Begin, folder: Path, arguments: dict[str, Any]
) -> None:
    place = {"rl_step": 0, "episode": 0, **arguments}
    with start() as run, pytest.raises((errors.MetranaValidationError, TypeError)):
        run.log_rendering(plain(RED), **place)
    assert not folder.exists()


def test_a_video_has_one_size(start: Begin, folder: Path) -> None:
    with start() as run:
        run.log_rendering(plain(RED), rl_step=0, episode=0)
        with pytest.raises(errors.MetranaValidationError, match=r"\(32, 32, 3\).*\(64, 96, 3\)"):
            run.log_rendering(plain(RED, 32, 32), rl_step=0, episode=0)
        run.log_rendering(plain(RED), rl_step=0, episode=0)
        run.log_rendering(plain(RED, 32, 32), rl_step=0, episode=1)
    assert len(decoded(folder / "r" / "default_0.mp4")) == 2
    assert decoded(folder / "r" / "default_1.mp4")[0].shape == (32, 32, 3)


@pytest.mark.parametrize("name", ["..", "../../etc", "a/b", ".", "é" * 300, "a\x00b", "COM:1"])
def test_no_name_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    component = rendering._component(name)
    assert len(component.encode()) <= 200
    path = (tmp_path / component / "x").resolve()
    assert path.parent.parent == tmp_path
    assert not {*component} & {"/", "\\", "\x00", ":"}


def test_names_that_differ_stay_different() -> None:
    names = ["a", "a%", "%61", ".a", "%2Ea", "é" * 300, "é" * 301]
    assert len({rendering._component(name) for name in names}) == len(names)


def test_runs_of_one_name_overwrite_nothing(start: Begin, folder: Path) -> None:
    for colour in (RED, GREEN, BLUE):
        with start(resume_strategy="allow") as run:
            run.log_rendering(plain(colour), rl_step=0, episode=0)
    names = ["default_0-2.mp4", "default_0-3.mp4", "default_0.mp4"]
    assert videos(folder) == [f"r/{name}" for name in names]
    for name, colour in zip(names, (GREEN, BLUE, RED), strict=True):
        assert looks_like(decoded(folder / "r" / name)[0], colour)


@pytest.mark.parametrize("encoders", [1, 2, 3])
def test_environments_in_step_share_the_encoders(
    start: Begin, folder: Path, monkeypatch: pytest.MonkeyPatch, encoders: int
) -> None:
    opened: list[int] = []
    encode = rendering.Video.encode

    def count_and_encode(video: rendering.Video, frame: rendering.Frame) -> None:
        opened.append(len([*folder.rglob("*.part")]))
        encode(video, frame)

    monkeypatch.setattr(rendering.Video, "encode", count_and_encode)
    with start(rendering_max_concurrent_encoders=encoders) as run:
        for episode in range(3):
            for _ in range(rendering._IDLE_FRAMES * 2):
                for env in range(3):
                    run.log_rendering(
                        plain(RED, 16, 16), rl_step=0, episode=episode, env_id=f"e{env}"
                    )
    assert max(opened) == encoders
    expected = [f"r/e{env}_{episode}.mp4" for env in range(3) for episode in range(3)]
    assert videos(folder) == expected
    for path in expected:
        assert len(decoded(folder / path)) == rendering._IDLE_FRAMES * 2


def test_an_environment_that_got_no_frames_gives_up_its_place(start: Begin, folder: Path) -> None:
    done = folder / "r" / "first_0.mp4"
    with start() as run:
        run.log_rendering(plain(RED), rl_step=0, episode=0, env_id="first")
        while not done.exists():  # or pytest's watchdog: the place is never given up
            run.log_rendering(plain(GREEN), rl_step=0, episode=0, env_id="second")
        run.log_rendering(plain(BLUE), rl_step=0, episode=0, env_id="first")
    assert len(decoded(done)) == 1
    (rest,) = decoded(folder / "r" / "first_0-2.mp4")
    assert looks_like(rest, BLUE)


def test_a_full_queue_of_frames_without_a_place_is_no_dead_end(start: Begin, folder: Path) -> None:
    with start(rendering_queue_max_size=2, backpressure_strategy="block") as run:
        for _ in range(5):
            for env in range(4):
                run.log_rendering(plain(RED, 16, 16), rl_step=0, episode=0, env_id=f"e{env}")
    frames = sum(len(decoded(folder / path)) for path in videos(folder))
    assert frames == 20


def test_drop_new_drops_says_so_once_and_counts(
    start: Begin, folder: Path, gate: Gate, messages: list[str]
) -> None:
    with start(rendering_queue_max_size=1, enqueue_timeout_secs=0.01, log_level="WARNING") as run:
        fill_queue(plain(RED))
        for _ in range(50):
            run.log_rendering(plain(GREEN), rl_step=0, episode=0)
        gate.open()
    assert len(decoded(folder / "r" / "default_0.mp4")) == 2
    said = [line for line in messages if "frames" in line]
    assert len(said) == 2
    assert "50 frames were dropped" in said[1]


def test_raise_raises(start: Begin, gate: Gate) -> None:
    with start(
        rendering_queue_max_size=1,
        enqueue_timeout_secs=0.01,
        backpressure_strategy="raise",
        error_strategy="silent",
    ) as run:
        fill_queue(plain(RED))
        with pytest.raises(errors.MetranaEventQueueFullError, match="1 frames wait"):
            run.log_rendering(plain(GREEN), rl_step=0, episode=0)
        gate.open()


def test_block_waits_and_loses_nothing(start: Begin, folder: Path, gate: Gate) -> None:
    with start(
        rendering_queue_max_size=1, backpressure_strategy="block", enqueue_timeout_secs=0
    ) as run:
        fill_queue(plain(RED))
        renderer = metrana.api._open_run()._renderer

        def open_once_somebody_waits() -> None:
            while not renderer._changed._waiters:  # type: ignore[attr-defined]
                time.sleep(0)
            gate.open()

        opener = threading.Thread(target=open_once_somebody_waits)
        opener.start()
        for _ in range(20):
            run.log_rendering(plain(RED), rl_step=0, episode=0)
        opener.join()
    assert len(decoded(folder / "r" / "default_0.mp4")) == 22


@pytest.fixture
def unwritable(folder: Path) -> Path:
    """A file stands where the run's folder should be."""
    folder.mkdir()
    (folder / "r").write_text("in the way")
    return folder


def lose_a_video(run: metrana.OpenRun) -> None:
    """Returns when the loss is known."""
    renderer = metrana.api._open_run()._renderer
    run.log_rendering(plain(RED), rl_step=0, episode=0)
    with renderer._changed:
        while not renderer._given_up:
            renderer._changed.wait(0.01)


def test_warn_says_what_is_lost(start: Begin, unwritable: Path, messages: list[str]) -> None:
    with start(log_level="WARNING", error_strategy="warn") as run:
        lose_a_video(run)
        for _ in range(5):
            run.log_rendering(plain(RED), rl_step=0, episode=0)
    said = [line for line in messages if "is lost" in line]
    assert len(said) == 1
    assert "WARNING the video of episode 0 of 'default' is lost: FileExistsError" in said[0]


def test_silent_says_nothing(start: Begin, unwritable: Path, messages: list[str]) -> None:
    with start(log_level="WARNING", error_strategy="silent") as run:
        lose_a_video(run)
        run.log_rendering(plain(RED), rl_step=0, episode=0)
    assert not [line for line in messages if "lost" in line]


def test_raise_on_log_raises_at_the_next_frame(start: Begin, unwritable: Path) -> None:
    with start(error_strategy="raise_on_log") as run:
        lose_a_video(run)
        run.log("loss", 1.0)  # a metric is not to blame
        (unwritable / "r").unlink()  # or else the frame of the call that raises is lost as well
        with pytest.raises(errors.MetranaSenderError, match="episode 0 of 'default' is lost"):
            run.log_rendering(plain(RED), rl_step=0, episode=1)
        run.log_rendering(plain(RED), rl_step=0, episode=2)


def test_raise_on_close_raises_there_with_the_counters(start: Begin, unwritable: Path) -> None:
    run = start(error_strategy="raise_on_close")
    run.log("loss", 1.0)
    lose_a_video(run)
    run.log_rendering(plain(RED), rl_step=0, episode=0)
    with pytest.raises(errors.MetranaClosingError, match="is lost") as raised:
        run.close()
    assert raised.value.metrics.float_points_sent == 1
    assert not metrana.is_initialized()


def test_a_broken_encoder_leaves_no_file_and_the_other_videos(
    start: Begin, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = rendering.Video.encode

    def break_episode_1(video: rendering.Video, frame: rendering.Frame) -> None:
        encode(video, frame)
        if frame.episode == 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(rendering.Video, "encode", break_episode_1)
    run = start(error_strategy="raise_on_close")
    for episode in range(3):
        for _ in range(3):
            run.log_rendering(plain(RED), rl_step=0, episode=episode)
    with pytest.raises(errors.MetranaClosingError, match="No space left") as raised:
        run.close()
    assert str(raised.value).count("is lost") == 1
    assert videos(folder) == ["r/default_0.mp4", "r/default_2.mp4"]


def test_closing_waits_for_the_encoder(start: Begin, folder: Path) -> None:
    with start() as run:
        for _ in range(300):
            run.log_rendering(plain(RED), rl_step=0, episode=0)
    assert len(decoded(folder / "r" / "default_0.mp4")) == 300
    assert not [t for t in threading.enumerate() if t.name == "metrana-rendering"]


def test_closing_may_drop_what_waits_but_finishes_the_file(
    start: Begin, folder: Path, gate: Gate
) -> None:
    run = start(skip_drain_render_on_close=True)
    fill_queue(plain(RED))
    run.log_rendering(plain(RED), rl_step=0, episode=1)
    closing = threading.Thread(target=run.close)
    renderer = metrana.api._open_run()._renderer
    closing.start()
    with renderer._changed:
        while not renderer._closing:
            renderer._changed.wait(0.01)
    gate.open()
    closing.join()
    assert videos(folder) == ["r/default_0.mp4"]
    assert len(decoded(folder / "r" / "default_0.mp4")) == 1


def test_closing_gives_up_in_time(
    start: Begin, folder: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "_SETTLE_SECS", 0.1)
    run = start(rendering_close_timeout=0.05, error_strategy="raise_on_close")
    fill_queue(plain(RED))
    with pytest.raises(errors.MetranaClosingError, match="1 frames were not encoded in time"):
        run.close()


def test_without_the_extra_one_error_says_what_to_install(
    start: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without_av(name: str, *given: Any, **options: Any) -> Any:
        if name == "av":
            raise ModuleNotFoundError("No module named 'av'", name="av")
        return real(name, *given, **options)

    monkeypatch.setattr(builtins, "__import__", without_av)
    text = r"pip install 'metrana\[rendering\]'"
    with start() as run, pytest.raises(errors.MetranaRenderingUnavailableError, match=text):
        run.log_rendering(plain(RED), rl_step=0, episode=0)


def test_a_run_without_frames_starts_no_thread(start: Begin) -> None:
    with start() as run:
        run.log("loss", 1.0)
        assert not [t for t in threading.enumerate() if t.name == "metrana-rendering"]
