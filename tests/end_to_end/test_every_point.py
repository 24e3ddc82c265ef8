"""Every point that was logged is read back once, equal to the last bit, and in its place.

The same workload runs against a server left in peace and against one that is
killed in mid-stream and started again on the same directory.
"""

from __future__ import annotations

import random
import signal
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import metrana
from conftest import ServerProcess
from read_back import Reader

SEEDS = [11, 23, 37]
ENVIRONMENTS = [f"env-{i}" for i in range(6)]
Place = tuple[str, str, int]  # metric, environment, rl_step or episode


def bits(value: float) -> int:
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])


class Workload:
    """Logs a training of random shape and remembers what it logged."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.numbers = np.random.default_rng(seed)
        self.scalars: dict[tuple[str, str], list[tuple[int, int, int]]] = defaultdict(list)
        self.shared: list[tuple[int, int, int]] = []
        self.by_rl_step: dict[Place, list[int]] = defaultdict(list)
        self.by_episode: dict[Place, list[tuple[int, int]]] = defaultdict(list)
        self.returns: dict[Place, list[tuple[int, int]]] = defaultdict(list)
        self._clock = 1_700_000_000_000
        self._episode = dict.fromkeys(ENVIRONMENTS, 0)
        self._env_step: dict[tuple[str, str, int], int] = defaultdict(int)
        self._env_steps_endless: dict[str, int] = defaultdict(int)

    @property
    def points(self) -> int:
        standard = sum(map(len, self.scalars.values())) + len(self.shared)
        return standard + self.rl_points

    @property
    def rl_points(self) -> int:
        return sum(map(len, self.by_rl_step.values())) + sum(map(len, self.returns.values()))

    def update(self, rl_step: int) -> None:
        """One update of the training: everything that a loop may log."""
        self._scalar(rl_step)
        self._array()
        self._distributed(rl_step)
        self._block(rl_step)
        self._one_environment(rl_step)
        self._episode_returns(rl_step)

    def _value(self) -> float:
        special = [float("nan"), float("inf"), float("-inf"), -0.0, 5e-324, 1.7976931348623157e308]
        return (
            self.random.choice(special) if self.random.random() < 0.05 else self.random.gauss(0, 1)
        )

    def _now(self) -> int:
        self._clock += self.random.randrange(3)
        return self._clock

    def _scalar(self, step: int) -> None:
        value, now = self._value(), self._now()
        evaluation = step % 3 == 0
        metrana.log("train/loss", value, timestamp=now, evaluation=evaluation)
        points = self.scalars["train/loss", "evaluation=true" if evaluation else ""]
        points.append((len(points), bits(value), now))

    def _array(self) -> None:
        points = self.scalars["grad/norm", "layer=2&module=policy"]
        first = points[-1][0] + self.random.randrange(1, 5) if points else 7
        values = [self._value() for _ in range(self.random.randrange(1, 400))]
        now = self._now()
        metrana.log(
            "grad/norm",
            np.array(values),
            step=first,
            timestamp=now,
            labels={"module": "policy", "layer": "2"},
        )
        points.extend((first + i, bits(value), now) for i, value in enumerate(values))

    def _distributed(self, step: int) -> None:
        value, now = self._value(), self._now()
        metrana.log_distributed("global/loss", value, step=step, timestamp=now)
        self.shared.append((step, bits(value), now))

    def _block(self, rl_step: int) -> None:
        length = self.random.randrange(1, 200)
        values = self.numbers.normal(size=(len(ENVIRONMENTS), length))
        values[:, 0] = [self._value() for _ in ENVIRONMENTS]
        episodes = np.empty(values.shape, dtype=np.int64)
        for row, env in enumerate(ENVIRONMENTS):
            ends = self.numbers.random(length) < 0.02
            episodes[row] = self._episode[env] + np.concatenate([[0], np.cumsum(ends)[:-1]])
            self._episode[env] = int(episodes[row, -1]) + int(ends[-1])
        metrana.log_rl_environment_step(
            "reward", values, rl_step=rl_step, env_id=ENVIRONMENTS, episode=episodes
        )
        for row, env in enumerate(ENVIRONMENTS):
            for value, episode in zip(values[row], episodes[row], strict=True):
                self._remember("reward", env, rl_step, int(episode), float(value))

    def _one_environment(self, rl_step: int) -> None:
        env = self.random.choice(ENVIRONMENTS)
        values = [self._value() for _ in range(self.random.randrange(1, 20))]
        metrana.log_rl_environment_step("value", values, rl_step=rl_step, env_id=env)
        self.by_rl_step["value", env, rl_step].extend(map(bits, values))

    def _episode_returns(self, rl_step: int) -> None:
        values = np.array([self._value() for _ in ENVIRONMENTS])
        metrana.log_rl_episode(
            "return", values, rl_step=rl_step, episode=rl_step, env_id=ENVIRONMENTS
        )
        for env, value in zip(ENVIRONMENTS, values, strict=True):
            self.returns["return", env, rl_step].append((rl_step, bits(float(value))))

    def _remember(self, metric: str, env: str, rl_step: int, episode: int, value: float) -> None:
        place = (metric, env, episode)
        self.by_rl_step[metric, env, rl_step].append(bits(value))
        self.by_episode[place].append((self._env_step[place], bits(value)))
        self._env_step[place] += 1

    def check(self, reader: Reader) -> None:
        """Reads the run back and compares every point."""
        self._check_standard(reader)
        self._check_rl(reader)

    def _check_standard(self, reader: Reader) -> None:
        for name in {name for name, _ in self.scalars}:
            read = reader.float_series(f"{name}()", page=self.random.choice([77, 1_000_000]))
            expected = {labels: points for (n, labels), points in self.scalars.items() if n == name}
            assert {k: [(s, bits(v), t) for s, v, t in p] for k, p in read.items()} == expected
        read = reader.float_series("global/loss()")
        assert [(s, bits(v), t) for s, v, t in read[""]] == self.shared

    def _check_rl(self, reader: Reader) -> None:
        assert {e.environment_id for e in reader.environments()} == set(ENVIRONMENTS)
        by_rl_step: dict[Place, list[int]] = {}
        by_episode: dict[Place, list[tuple[int, int]]] = {}
        returns: dict[Place, list[tuple[int, int]]] = {}
        for env, rl_step in {
            (env, rl_step) for _, env, rl_step in [*self.by_rl_step, *self.returns]
        }:
            for (metric, scale), points in reader.rl_series(env, rl_step=rl_step).items():
                if scale == "EPISODE":
                    returns[metric, env, rl_step] = [(s, bits(v)) for s, v in points]
                else:
                    assert [s for s, _ in points] == list(range(len(points)))
                    by_rl_step[metric, env, rl_step] = [bits(v) for _, v in points]
        for env, episode in {(env, episode) for _, env, episode in self.by_episode}:
            for (metric, scale), points in reader.rl_series(env, episode=episode).items():
                if scale == "ENVIRONMENT_STEP":
                    by_episode[metric, env, episode] = [(s, bits(v)) for s, v in points]
        # The episode of a return is its minor step: it is read by that as well.
        for metric, env, rl_step in self.returns:
            points = reader.rl_series(env, episode=rl_step)[metric, "EPISODE"]
            assert [(s, bits(v)) for s, v in points] == self.returns[metric, env, rl_step]
        assert returns == dict(self.returns)
        assert by_rl_step == dict(self.by_rl_step)
        assert by_episode == dict(self.by_episode)


@pytest.fixture
def run_of(tmp_path: Path) -> Iterator[Callable[[ServerProcess, int], str]]:
    def start(server: ServerProcess, seed: int) -> str:
        name = f"seed-{seed}"
        metrana.init(
            workspace_name="end-to-end",
            project_name="every point",
            run_name=name,
            ingestion_url=server.url,
            backpressure_strategy="block",
            max_send_retries=None,
            send_retry_max_backoff_secs=0.2,
            batch_max_age_secs=0.01,
            max_msg_size=16_384,
            config={"seed": seed, "optimizer": {"name": "adam", "lr": 3e-4}},
            tags=["end-to-end"],
        )
        return name

    yield start
    if metrana.is_initialized():
        metrana.close(close_timeout=0)


def finish(workload: Workload) -> metrana.Metrics:
    metrics = metrana.close(close_timeout=60)
    assert metrics.float_points_dropped == metrics.rl_float_points_dropped == 0
    assert metrics.rl_float_points_added == metrics.rl_float_points_sent == workload.rl_points
    assert metrics.float_points_added == metrics.float_points_sent
    assert metrics.float_points_added == workload.points - workload.rl_points
    return metrics


@pytest.mark.parametrize("seed", SEEDS)
def test_every_point_is_read_back(
    server: ServerProcess, run_of: Callable[[ServerProcess, int], str], seed: int
) -> None:
    name = run_of(server, seed)
    workload = Workload(seed)
    for rl_step in range(30):
        workload.update(rl_step)
    finish(workload)
    reader = Reader(server.url, "end-to-end", "every point", name)
    workload.check(reader)
    attributes = reader.attributes()
    assert attributes["config/optimizer/lr"] == 3e-4
    assert attributes["config/seed"] == seed
    assert attributes["sys/tags"] == ["end-to-end"]
    assert attributes["sys/status"] == "CLOSED"


def requests_so_far() -> int:
    """Requests that were put on the wire, each once."""
    metrics = metrana.get_metrics()
    return metrics.requests_sent + metrics.requests_in_flight


def kill_in_mid_stream(server: ServerProcess, acknowledged: int) -> None:
    """Kills the server when a request is on the wire that it cannot acknowledge.

    The server is frozen first. Acknowledgements that it sent before may still
    arrive, so the kill waits for a request that was sent after the freeze: its
    acknowledgement does not exist. What the kernel had taken in and what was
    applied without an answer is lost or repeated by the kill, which is the point.
    """
    wait_until(lambda: metrana.get_metrics().requests_sent >= acknowledged)
    server.signal(signal.SIGSTOP)
    frozen_at = requests_so_far()
    wait_until(lambda: requests_so_far() > frozen_at)
    assert metrana.get_metrics().requests_in_flight >= 1
    server.kill()


def wait_until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    while not condition():
        pause.wait(0.001)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_point_survives_a_killed_server(
    server: ServerProcess, run_of: Callable[[ServerProcess, int], str], seed: int
) -> None:
    name = run_of(server, seed)
    workload = Workload(seed)
    kill_after = random.Random(seed).randrange(5, 40)

    def disturb() -> None:
        kill_in_mid_stream(server, kill_after)
        server.restart()

    with ThreadPoolExecutor() as pool:
        disturbance = pool.submit(disturb)
        rl_step = 0
        while not disturbance.done() or rl_step < 30:
            workload.update(rl_step)
            rl_step += 1
        disturbance.result()
    metrics = finish(workload)
    assert metrics.requests_resent >= 1, "nothing had to be sent again"
    workload.check(Reader(server.url, "end-to-end", "every point", name))
