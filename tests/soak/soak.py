"""Half an hour of bursts, one a second, at ten times that pace; the server dies all the while.

A training of 64 environments logs 1,800 bursts with strategies that lose nothing.
Every few seconds the server is killed and started again. Afterwards nothing may be
missing, twice or different, and the client's memory may not have grown.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import metrana
from conftest import ServerProcess
from metrana.server import program
from read_back import Reader

ENVIRONMENTS = [f"env-{i:02d}" for i in range(64)]
METRICS = ["reward", "value", "entropy", "advantage"]
STEPS = 50
EPISODE_BURSTS = 20  # how many bursts an episode lasts
STALLED_SECS = 0.3
DOWN_SECS = 0.5


def block(metric: int, burst: int) -> NDArray[np.float64]:
    """[environments, steps]: each value says where it belongs."""
    place = metric * 1e9 + burst * STEPS + np.arange(STEPS)
    return place + np.arange(len(ENVIRONMENTS))[:, None] / len(ENVIRONMENTS)


def log_burst(burst: int) -> None:
    """What one second of training logs."""
    for metric, name in enumerate(METRICS):
        metrana.log_rl_environment_step(
            name,
            block(metric, burst),
            rl_step=burst,
            env_id=ENVIRONMENTS,
            episode=burst // EPISODE_BURSTS,
        )
    metrana.log("loss", float(burst))
    metrana.log({"lr": 1.0 / (burst + 1), "many": np.arange(32.0) + 32 * burst})


def resident_mb() -> float:
    """Of this process."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) / 1024


class Killer:
    """Kills the server again and again, until it is stopped; then the server runs."""

    def __init__(self, server: ServerProcess, lives: float) -> None:
        self._server, self._lives = server, lives
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.kills = 0
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(self._lives):
            # It stands still first, so that it dies with requests on their way.
            self._server.signal(signal.SIGSTOP)
            time.sleep(STALLED_SECS)
            self._server.kill()
            self.kills += 1
            time.sleep(DOWN_SECS)
            self._server.restart()

    def stop(self) -> None:
        """Returns with the server alive."""
        self._stop.set()
        self._thread.join()


def log_all(
    server: ServerProcess, bursts: int, pace: float, lives: float
) -> tuple[metrana.Metrics, list[float], int]:
    """The final counters, the memory after each burst, the number of kills."""
    metrana.init(
        workspace_name="soak",
        project_name="soak",
        run_name="soak",
        ingestion_url=server.url,
        backpressure_strategy="block",
        max_send_retries=None,
        send_retry_max_backoff_secs=0.5,
        batch_max_age_secs=0.05,
        queue_capacity=64,
    )
    killer = Killer(server, lives)
    memory = []
    begun = time.monotonic()
    try:
        for burst in range(bursts):
            time.sleep(max(0.0, begun + burst * pace - time.monotonic()))
            log_burst(burst)
            memory.append(resident_mb())
    finally:
        killer.stop()
    return metrana.close(600), memory, killer.kills


def check(server: ServerProcess, bursts: int) -> None:
    """Reads everything back."""
    reader = Reader(server.url, "soak", "soak", "soak")
    expected = {
        "loss": np.arange(float(bursts)),
        "lr": 1.0 / np.arange(1.0, bursts + 1),
        "many": np.arange(32.0 * bursts),
    }
    for name, values in expected.items():
        (points,) = reader.float_series(f"{name}()").values()
        assert [step for step, _, _ in points] == list(range(len(values))), name
        assert np.array_equal([value for _, value, _ in points], values), name
    for burst in range(0, bursts, EPISODE_BURSTS):
        check_episode(reader, burst, min(burst + EPISODE_BURSTS, bursts))


def check_episode(reader: Reader, first: int, end: int) -> None:
    """Every environment's points of the bursts from `first` to before `end`."""
    wanted = [np.hstack([block(m, b) for b in range(first, end)]) for m in range(len(METRICS))]
    for row, env in enumerate(ENVIRONMENTS):
        read = reader.rl_series(env, episode=first // EPISODE_BURSTS)
        for metric, name in enumerate(METRICS):
            points = read[name, "ENVIRONMENT_STEP"]
            assert [step for step, _ in points] == list(range(len(points))), (env, name)
            assert np.array_equal([value for _, value in points], wanted[metric][row]), (env, name)


def points_stored(server: ServerProcess) -> int:
    """What the stopped server's directory holds."""
    stat = subprocess.run(
        [program(), "stat", "--data-dir", server.data_dir], check=True, stdout=subprocess.PIPE
    )
    return int(json.loads(stat.stdout)["points"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bursts", type=int, default=1800)
    parser.add_argument("--pace", type=float, default=0.1, help="seconds from burst to burst")
    parser.add_argument("--lives", type=float, default=2.0, help="seconds the server lives")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="metrana-soak-") as directory:
        server = ServerProcess(Path(directory) / "data")
        try:
            begun = time.monotonic()
            done, memory, kills = log_all(server, arguments.bursts, arguments.pace, arguments.lives)
            seconds = time.monotonic() - begun
            check(server, arguments.bursts)
            assert server.stop() == 0
            stored = points_stored(server)
        finally:
            server.end()
    points = done.float_points_added + done.rl_float_points_added
    early, late = (
        statistics.median(part)
        for part in (memory[len(memory) // 4 : len(memory) // 2], memory[-len(memory) // 4 :])
    )
    print(
        f"{points:,} points in {seconds:.0f} s, {kills} kills, {done.requests_resent:,} requests "
        f"sent again, {stored:,} points stored; client memory {early:.0f} MB in the second "
        f"quarter, {late:.0f} MB in the last, {max(memory):.0f} MB at most"
    )
    assert done.added == done.sent, done
    assert done.dropped == 0, done
    assert stored == points, "a point is missing or stored twice"
    assert kills >= 3, "the server was hardly ever killed: log more bursts"
    assert done.requests_resent >= kills, "too little was on its way when the server died"
    assert late < early * 1.1 + 8, "the client's memory grows"


if __name__ == "__main__":
    main()
