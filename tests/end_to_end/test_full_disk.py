"""A disk that fills up under a running server, and has room again.

The disk is a real file system of a few hundred megabytes, so that the kernel says
how much is left and refuses to write. Nothing that was logged may be missing or
twice afterwards.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import metrana
from conftest import ServerProcess
from read_back import Reader

_MB = 1 << 20
DISK = 400 * _MB
RESERVE = 256 * _MB  # spaceReserve in go/store/space.go
BATCH = 100
AHEAD = 20 * BATCH  # points that may wait for an acknowledgement
DEADLINE_SECS = 30


class Disk:
    """A mounted file system and a file that takes its room."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def left(self) -> int:
        """Bytes that may still be written."""
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def leave(self, left: int) -> None:
        """Grows the filler until no more than `left` bytes are left, as others keep writing."""
        with self._filler.open("ab") as filler:
            while (more := self.left() - left) > 0:
                with contextlib.suppress(OSError):  # the server took some of it in between
                    os.posix_fallocate(filler.fileno(), os.fstat(filler.fileno()).st_size, more)

    def grow(self, size: int) -> None:
        """Makes the file system larger."""
        command = ["mount", "-o", f"remount,size={size}", str(self.path)]
        subprocess.run(command, check=True)

    def free(self) -> None:
        """Gives the room back."""
        self._filler.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small file system of its own in the test's directory."""
    path = tmp_path / "disk"
    path.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(path)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", str(path)], check=True)


@pytest.fixture
def server(disk: Disk, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server whose data lies on the small disk, its log elsewhere."""
    process = ServerProcess(disk.path / "data", tmp_path / "log")
    try:
        yield process
    finally:
        if metrana.is_initialized():
            metrana.close(close_timeout=0)
        process.end()


class Training:
    """Logs one series in small batches; the value at each step says where it belongs.

    It logs no faster than the server stores, or what it logs would fill the disk.
    """

    def __init__(self, server: ServerProcess, **given: Any) -> None:
        self.points = 0
        self._server = server
        metrana.init(
            workspace_name="end-to-end",
            project_name="full disk",
            run_name="r",
            ingestion_url=server.url,
            backpressure_strategy="block",
            max_send_retries=None,
            send_retry_max_backoff_secs=0.2,
            batch_max_age_secs=0.01,
            **given,
        )

    def log(self) -> None:
        """One batch more."""
        metrana.log("loss", _values(self.points, self.points + BATCH))
        self.points += BATCH

    def stored(self) -> int:
        """Reads the series back: how many points, each the right one in its place."""
        read = Reader(self._server.url, "end-to-end", "full disk", "r").float_series("loss()")
        points = read.get("", [])
        assert [step for step, _, _ in points] == list(range(len(points)))
        assert np.array_equal([value for _, value, _ in points], _values(0, len(points)))
        return len(points)


def _values(begin: int, end: int) -> NDArray[np.float64]:
    values: NDArray[np.float64] = np.sin(np.arange(begin, end, dtype=float))
    return values


def wait_until(condition: Callable[[], bool]) -> None:
    """Polls; fails when it takes too long."""
    pause, deadline = threading.Event(), time.monotonic() + DEADLINE_SECS
    while not condition():
        assert time.monotonic() < deadline, metrana.get_metrics()
        pause.wait(0.002)


def wait_for_attempts(more: int) -> None:
    """Until the client has tried to connect that many times more."""
    target = metrana.get_metrics().connection_attempts + more
    wait_until(lambda: metrana.get_metrics().connection_attempts >= target)


def log_until(training: Training, done: Callable[[], bool]) -> None:
    """Logs while the server stores."""

    def logged() -> bool:
        if training.points - metrana.get_metrics().float_points_sent < AHEAD:
            training.log()
        return done()

    wait_until(logged)


def check_whole(training: Training, server: ServerProcess) -> None:
    """Everything arrives once, is found again after a kill, and the directory has no fault."""
    metrics = metrana.close(close_timeout=60)
    assert metrics.float_points_sent == metrics.float_points_added == training.points
    assert metrics.float_points_dropped == 0
    assert training.stored() == training.points
    server.kill()
    server.restart()
    assert training.stored() == training.points
    assert server.stop() == 0
    checked = subprocess.run(
        [sys.executable, "-m", "metrana", "check", str(server.data_dir)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "no fault found" in checked.stdout, checked.stderr
    assert checked.returncode == 0


def test_a_disk_below_the_reserve_takes_nothing_until_there_is_room(
    disk: Disk, server: ServerProcess, tmp_path: Path
) -> None:
    training = Training(server)
    training.log()
    metrana.flush()
    before = metrana.get_metrics().send_errors
    disk.leave(RESERVE - 50 * _MB)
    log_until(training, lambda: metrana.get_metrics().send_errors > before)
    stored = training.stored()  # reading goes on
    assert metrana.get_metrics().float_points_sent <= stored < training.points
    training.log()
    wait_for_attempts(3)
    assert training.stored() == stored
    assert disk.left() > RESERVE - 60 * _MB, "storing went on below the reserve"
    assert server.process.poll() is None
    assert "nothing more is stored below 256 MB" in (tmp_path / "log").read_text()
    disk.free()
    check_whole(training, server)


def test_nothing_is_lost_when_all_room_goes_while_requests_are_on_their_way(
    disk: Disk, server: ServerProcess
) -> None:
    training = Training(server)
    training.log()
    metrana.flush()
    before = metrana.get_metrics().send_errors
    with ThreadPoolExecutor() as pool:
        filling = pool.submit(disk.leave, 0)
        log_until(training, filling.done)
        filling.result()
    log_until(training, lambda: metrana.get_metrics().send_errors > before)
    training.log()
    wait_for_attempts(3)
    assert disk.left() == 0
    assert server.process.poll() is None
    assert metrana.get_metrics().float_points_sent <= training.stored() < training.points
    disk.free()
    check_whole(training, server)


def test_videos_leave_the_room_that_points_need(
    disk: Disk, server: ServerProcess, tmp_path: Path
) -> None:
    training = Training(server, rendering_upload=True, rendering_output_dir=tmp_path / "videos")
    frame = np.full((64, 64, 3), 80, np.uint8)
    for episode in range(2):
        metrana.log_rendering(frame, rl_step=0, episode=episode)
    videos = server.data_dir / "renderings"
    refused = f"the disk of {server.data_dir} has"
    uploader = metrana.api._open_run()._renderer._uploader
    assert uploader is not None
    wait_until(lambda: uploader.failures > 2)
    assert refused in uploader.last_failure
    assert "below 512 MB" in uploader.last_failure
    assert not videos.exists()
    training.log()  # there is room for points
    assert metrana.flush()
    disk.grow(1000 * _MB)
    wait_until(lambda: len([*videos.rglob("*.mp4")]) == 1)  # the other is not over yet
    check_whole(training, server)
    assert len([*videos.rglob("*.mp4")]) == 2
