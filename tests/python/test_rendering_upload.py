"""Videos on their way to the server: a real server, real files, real failures."""

from __future__ import annotations

import http.server
import inspect
import json
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

import metrana
from conftest import ServerProcess
from metrana import api, errors, rendering, rendering_upload, settings
from test_operations import run_metrana

Image = NDArray[np.uint8]
Begin = Callable[..., metrana.OpenRun]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "videos"


@pytest.fixture
def start(begin: Begin, folder: Path) -> Begin:
    """init() with videos in `folder` that are uploaded."""
    defaults = {"rendering_output_dir": folder, "rendering_upload": True, "log_level": "ERROR"}
    return lambda **given: begin(**{**defaults, **given})


class DrawnCartPole(gymnasium.Wrapper[Any, Any, Any, Any]):
    """CartPole with pictures that need no graphics library."""

    def render(self) -> Any:
        """The cart and where its pole leans."""
        position, _, angle, _ = self.unwrapped.state  # type: ignore[attr-defined]
        picture = np.full((64, 96, 3), 255, np.uint8)
        cart = int(np.clip(48 + position * 18, 8, 87))
        picture[50:56, cart - 8 : cart + 8] = (40, 40, 40)
        for length in range(30):
            x, y = cart + length * np.sin(angle), 50 - length * np.cos(angle)
            picture[int(y), int(np.clip(x, 0, 95))] = (200, 80, 0)
        return picture


def noise(count: int, height: int = 256, width: int = 256) -> Iterator[Image]:
    """Pictures that no codec makes small."""
    random = np.random.default_rng(0)
    for _ in range(count):
        yield random.integers(0, 256, (height, width, 3), np.uint8)


def listed(server: ServerProcess, **question: Any) -> list[dict[str, Any]]:
    asked = {"run": {"workspace": "ws", "project": "p", "run": "r"}, **question}
    request = urllib.request.Request(
        f"{server.url}/metrana.views.v1.ViewsService/ListRenderings",
        data=json.dumps(asked).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return list(json.load(answer).get("renderings", []))


def fetched(server: ServerProcess, url: str) -> bytes:
    with urllib.request.urlopen(server.url + url, timeout=60) as answer:
        assert answer.headers["Content-Type"] == "video/mp4"
        return bytes(answer.read())


def frames_of(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_episodes_of_an_environment_are_on_the_server(
    start: Begin, server: ServerProcess, folder: Path
) -> None:
    env = DrawnCartPole(gymnasium.make("CartPole-v1"))
    lengths: list[int] = []
    with start(rendering_fps=25) as run:
        for episode in range(4):
            env.reset(seed=episode)
            done, steps = False, 0
            while not done:
                rl_step = 10 * episode + steps // 4
                run.log_rendering(env.render(), rl_step=rl_step, episode=episode, env_id="cart")
                _, _, terminated, truncated, _ = env.step(steps % 2)
                done, steps = terminated or truncated, steps + 1
            lengths.append(steps)
    videos = listed(server)
    assert [video["environment"] for video in videos] == ["cart"] * 4
    for episode, (video, steps) in enumerate(zip(videos, lengths, strict=True)):
        path = folder / "r" / f"cart_{episode}.mp4"
        assert int(video.get("episode", 0)) == episode
        assert int(video.get("firstRlStep", 0)) == 10 * episode
        assert int(video["lastRlStep"]) == 10 * episode + (steps - 1) // 4
        assert (int(video["frames"]), video["fps"]) == (steps, 25)
        assert int(video["bytes"]) == path.stat().st_size
        assert fetched(server, video["url"]) == path.read_bytes()
        assert frames_of(path) == steps
    part = urllib.request.Request(server.url + videos[0]["url"], headers={"Range": "bytes=4-7"})
    with urllib.request.urlopen(part, timeout=60) as answer:
        assert (answer.status, answer.read()) == (206, b"ftyp")
    server.stop()
    checked = run_metrana("check", str(server.data_dir))
    assert ", 4 renderings; no fault found" in checked.stdout, checked.stderr


def test_without_the_setting_nothing_is_sent(
    begin: Begin, server: ServerProcess, folder: Path
) -> None:
    with begin(rendering_output_dir=folder, log_level="ERROR") as run:
        run.log_rendering(next(noise(1)), rl_step=0, episode=0)
    assert listed(server) == []
    assert len([*folder.rglob("*.mp4")]) == 1


class Pieces:
    """Small pieces, and something that happens before one of them is sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offsets: list[int] = []
        self.before: Callable[[int], object] = int
        monkeypatch.setattr(rendering_upload, "_PIECE", 64 << 10)
        patch = rendering_upload.Uploader._patch

        def note_and_patch(
            uploader: rendering_upload.Uploader, place: str, offset: int, piece: bytes
        ) -> Any:
            self.offsets.append(offset)
            self.before(len(self.offsets))
            return patch(uploader, place, offset, piece)

        monkeypatch.setattr(rendering_upload.Uploader, "_patch", note_and_patch)


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> Pieces:
    return Pieces(monkeypatch)


def test_a_killed_server_costs_a_piece(
    start: Begin, server: ServerProcess, folder: Path, pieces: Pieces
) -> None:
    killed, restarted = threading.Event(), threading.Event()

    def kill(number: int) -> None:
        if number == 6:
            server.kill()
            killed.set()
            assert restarted.wait(60)

    pieces.before = kill
    run = start(send_retry_initial_backoff_secs=0.01, error_strategy="raise_on_close")
    for frame in noise(20):
        run.log_rendering(frame, rl_step=0, episode=0)
    run.log_rendering(next(noise(1)), rl_step=0, episode=1)  # ends the one before
    assert killed.wait(60)
    began = time.perf_counter()
    run.log("loss", 1.0)
    run.log_rendering(next(noise(1)), rl_step=0, episode=1)
    assert time.perf_counter() - began < 1, "training waits for the server"
    server.restart()
    restarted.set()
    run.close(close_timeout=60)
    path = folder / "r" / "default_0.mp4"
    first, second = listed(server)
    assert fetched(server, first["url"]) == path.read_bytes()
    assert int(second["episode"]) == 1
    # Five pieces had come; the sixth was in the hands of a server that died.
    assert path.stat().st_size > 6 * (64 << 10)
    assert pieces.offsets[5] == pieces.offsets[6] == 5 * (64 << 10)
    assert len([*(server.data_dir / "uploads").iterdir()]) == 0


def test_a_server_that_is_killed_again_and_again_has_every_video_whole(
    start: Begin,
    server: ServerProcess,
    folder: Path,
    pieces: Pieces,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rendering_upload, "_PIECE", 8 << 10)
    killed = 0
    kills = threading.Semaphore(0)
    over = threading.Event()

    def kill() -> None:
        nonlocal killed
        while kills.acquire() and not over.is_set():
            server.kill()  # with requests in its hands
            server.restart()
            killed += 1

    pieces.before = lambda number: kills.release() if number % 13 == 0 else None
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        run = start(send_retry_initial_backoff_secs=0.01, error_strategy="raise_on_close")
        for episode in range(12):
            for frame in noise(4):
                run.log_rendering(frame, rl_step=episode, episode=episode)
        run.close(close_timeout=60)
    finally:
        over.set()
        kills.release()
        killer.join()
    assert killed > 5
    videos = listed(server)
    assert [int(video.get("episode", 0)) for video in videos] == [*range(12)]
    for episode, video in enumerate(videos):
        path = folder / "r" / f"default_{episode}.mp4"
        assert fetched(server, video["url"]) == path.read_bytes()
    server.stop()
    checked = run_metrana("check", str(server.data_dir))
    assert ", 12 renderings; no fault found" in checked.stdout, checked.stderr


def test_close_waits_no_longer_than_it_may_and_says_what_is_missing(
    start: Begin, server: ServerProcess, folder: Path
) -> None:
    run = start(error_strategy="raise_on_close")
    run.log_rendering(next(noise(1)), rl_step=0, episode=3)
    run.flush(timeout=60)
    server.kill()
    began = time.perf_counter()
    with pytest.raises(errors.MetranaClosingError) as raised:
        run.close(close_timeout=1)
    assert time.perf_counter() - began < 5
    said = str(raised.value)
    path = folder / "r" / "default_3.mp4"
    assert "the video of episode 3 of 'default' was not uploaded" in said
    assert str(path) in said
    assert frames_of(path) == 1


def test_close_counts_all_that_is_missing(
    start: Begin, server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "_KEPT_PROBLEMS", 2)
    run = start(error_strategy="raise_on_close")
    server.kill()
    for episode, frame in enumerate(noise(5, 32, 32)):
        run.log_rendering(frame, rl_step=0, episode=episode)
    with pytest.raises(errors.MetranaClosingError, match="5 videos were not uploaded"):
        run.close(close_timeout=1)


def test_a_server_that_does_not_answer_does_not_hold_close_up(
    start: Begin, server: ServerProcess, pieces: Pieces
) -> None:
    reached = threading.Event()

    def freeze(number: int) -> None:
        if number == 3:
            server.signal(signal.SIGSTOP)
            reached.set()

    pieces.before = freeze
    run = start(error_strategy="raise_on_close")
    for frame in noise(20):
        run.log_rendering(frame, rl_step=0, episode=0)
    run.log_rendering(next(noise(1)), rl_step=0, episode=1)
    assert reached.wait(60)
    began = time.perf_counter()
    with pytest.raises(errors.MetranaClosingError, match="2 videos were not uploaded"):
        run.close(close_timeout=0.5)
    assert time.perf_counter() - began < 4
    server.signal(signal.SIGCONT)


def test_close_that_is_not_to_wait_abandons_uploads(
    start: Begin, server: ServerProcess, messages: list[str]
) -> None:
    run = start(error_strategy="raise_on_close", log_level="WARNING")
    run.log_rendering(next(noise(1)), rl_step=0, episode=0)
    server.kill()
    run.close(close_timeout=0)
    assert len([line for line in messages if "1 videos are not uploaded" in line]) == 1


def test_a_full_quota_loses_no_file_and_is_said(
    start: Begin, server: ServerProcess, folder: Path, messages: list[str]
) -> None:
    server.stop()
    server.further = ("--renderings-quota", "100kB")
    server.restart()
    with start(log_level="WARNING", error_strategy="warn") as run:
        for episode in range(3):
            run.log_rendering(next(noise(1, 64, 64)), rl_step=0, episode=episode)
        for frame in noise(20):
            run.log_rendering(frame, rl_step=0, episode=3)
    assert len(listed(server)) == 3
    said = [line for line in messages if "episode 3 of 'default' was not uploaded" in line]
    assert len(said) == 1
    assert "--renderings-quota" in said[0]
    assert frames_of(folder / "r" / "default_3.mp4") == 20


def test_a_server_that_takes_none_is_named_once(
    start: Begin, server: ServerProcess, messages: list[str]
) -> None:
    server.stop()
    server.further = ("--renderings-quota", "0")
    server.restart()
    with start(log_level="WARNING", error_strategy="warn") as run:
        for episode in range(5):
            run.log_rendering(next(noise(1, 64, 64)), rl_step=0, episode=episode)
    said = [line for line in messages if "video" in line]
    assert len(said) == 1
    assert "takes no videos (HTTP 501" in said[0]


class Older(http.server.BaseHTTPRequestHandler):
    """A server from before there were uploads."""

    asked = 0

    def do_POST(self) -> None:
        """Answers as the pages of such a server do."""
        type(self).asked += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_error(405, "pages are read with GET")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 # its name there
        """Says nothing."""


def finished(path: Path, episode: int = 0) -> rendering.FinishedVideo:
    return rendering.FinishedVideo(path, "default", episode, 0, 0, 30.0, 1)


def uploader_to(url: str, **given: Any) -> tuple[rendering_upload.Uploader, list[str]]:
    defaults = {name: p.default for name, p in inspect.signature(api.init).parameters.items()}
    names = {"workspace_name": "ws", "project_name": "p", "run_name": "r"}
    resolved = settings.resolve({**defaults, **names, "ingestion_url": url, **given})
    told: list[str] = []
    return rendering_upload.Uploader(resolved, "AAAA", told.append), told


def test_an_older_server_is_asked_once(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x18ftyp")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Older) as older:
        thread = threading.Thread(target=older.serve_forever)
        thread.start()
        uploader, told = uploader_to(f"http://127.0.0.1:{older.server_port}")
        for episode in range(10):
            uploader.add(finished(path, episode))
        uploader.finish(60)
        older.shutdown()
        thread.join()
    assert Older.asked == 1
    assert len(told) == 1
    assert "takes no videos (HTTP 405" in told[0]


def test_retries_end_where_the_settings_say(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x18ftyp")
    uploader, told = uploader_to(
        "http://127.0.0.1:1", max_send_retries=2, send_retry_initial_backoff_secs=0
    )
    uploader.add(finished(path))
    uploader.finish(60)
    assert len(told) == 1
    assert "ConnectionRefusedError" in told[0]


def test_a_file_that_is_gone_is_reported(tmp_path: Path) -> None:
    uploader, told = uploader_to("http://127.0.0.1:1")
    uploader.add(finished(tmp_path / "nothing.mp4"))
    uploader.finish(60)
    assert len(told) == 1
    assert "the file is gone" in told[0]


def test_more_than_may_wait_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering_upload, "_WAITING", 3)
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x18ftyp")
    uploader, told = uploader_to("http://127.0.0.1:1")
    for episode in range(5):
        uploader.add(finished(path, episode))
    assert len(told) == 2
    assert "3 others wait" in told[0]
    assert uploader.finish(0) == len(told) == 5


_FORKING = """
import multiprocessing, sys
import numpy as np
import metrana

def film(env):
    for rl_step in range(3):
        metrana.log_rendering(np.full((64, 64, 3), 90, np.uint8), rl_step, 0, env)

metrana.init(
    workspace_name="ws", project_name="p", run_name="r", ingestion_url=sys.argv[1],
    rendering_output_dir=sys.argv[2], rendering_upload=True,
)
film("before")
film("parent")
child = multiprocessing.get_context("fork").Process(target=film, args=("child",))
child.start()
child.join()
sys.exit(child.exitcode)
"""


def test_forked_children_and_an_exit_without_close_deliver(
    server: ServerProcess, folder: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FORKING, server.url, str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    environments = [video["environment"] for video in listed(server)]
    assert environments == ["before", "child", "parent"], done.stderr


def test_a_deleted_run_takes_no_more_videos(
    start: Begin, server: ServerProcess, messages: list[str]
) -> None:
    run = start(log_level="WARNING", error_strategy="warn")
    run.log_rendering(next(noise(1)), rl_step=0, episode=0)
    data = ["--data-dir", str(server.data_dir)]
    assert run_metrana("delete", "ws/p/r", "--yes", *data).returncode == 0
    with pytest.raises(errors.MetranaClosingError, match="no run with id"):
        run.close()  # its end could not be delivered, either
    assert [line for line in messages if "episode 0" in line and "no such run" in line]
    assert [*(server.data_dir / "renderings").rglob("*.mp4")] == []


def test_deleting_and_restoring_take_videos_along(
    start: Begin, server: ServerProcess, tmp_path: Path
) -> None:
    for name in ("r", "other"):
        with start(run_name=name) as run:
            run.log("loss", 1.0)
            for episode, frame in enumerate(noise(2)):
                run.log_rendering(frame, rl_step=len(name), episode=episode)
    data = ["--data-dir", str(server.data_dir)]
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    assert run_metrana("backup", str(backup), *data).returncode == 0
    urls = [video["url"] for video in listed(server)]
    assert run_metrana("delete", "ws/p", "--yes", *data).returncode == 0
    assert [*(server.data_dir / "renderings").rglob("*.mp4")] == []
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetched(server, urls[0])
    done = run_metrana("restore", str(backup), str(restored))
    assert done.returncode == 0, done.stderr
    copy = ServerProcess(restored)
    try:
        assert [video["url"] for video in listed(copy)] == urls
        assert fetched(copy, urls[0])[4:8] == b"ftyp"
    finally:
        copy.end()
    next((backup / "renderings").rglob("*.mp4")).unlink()
    refused = run_metrana("restore", str(backup), str(tmp_path / "again"))
    assert refused.returncode == 1
    assert "no such file" in refused.stderr
    assert not (tmp_path / "again").exists()


def test_a_large_video_takes_the_memory_of_a_piece(
    start: Begin, server: ServerProcess, tmp_path: Path
) -> None:
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.write(b"\0\0\0\x18ftypisom")
        file.truncate(96 << 20)
    with start() as run:
        uploader = metrana.api._open_run()._renderer._uploader
        assert uploader is not None
        tracemalloc.start()
        try:
            uploader.add(finished(path))
            run.close(close_timeout=60)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert int(listed(server)[0]["bytes"]) == 96 << 20
    assert peak < 4 * rendering_upload._PIECE
