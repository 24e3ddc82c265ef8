"""Stands at the engine's place and keeps what it is given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Call = tuple[str, tuple[Any, ...]]


class Answer:
    def __init__(self, created: bool) -> None:
        self.created = created
        self.run_id = "AAAAAAAAAAAAAAAAAAAAAA=="


class RecordingEngine:
    """Numbers series and environments, takes everything, sends nothing."""

    created = True

    def __init__(self, options: dict[str, object]) -> None:
        self.options = options
        self.calls: list[Call] = []
        self.fast_series: dict[str, int] = {}
        self.series_keys: list[tuple[str, str, tuple[tuple[str, str], ...], str]] = []
        self.environment_ids: list[str] = []
        self.room_in_ring = True
        self.interrupt_close = False
        self.closed_with: list[float] = []

    def wait_ready(self) -> Answer:
        return Answer(self.created)

    def fast_log(self, name: Any, value: Any) -> bool:
        if type(name) is not str or type(value) not in (float, int):
            return False
        if name not in self.fast_series or not self.room_in_ring:
            return False
        self.calls.append(("fast_log", (name, value)))
        return True

    def series(
        self, name: str, scale: str, labels: tuple[tuple[str, str], ...], ordering: str
    ) -> int:
        self.series_keys.append((name, scale, labels, ordering))
        return len(self.series_keys)

    def find_series(self, name: str, scale: str, labels: tuple[tuple[str, str], ...]) -> int | None:
        for number, key in enumerate(self.series_keys, 1):
            if key[:3] == (name, scale, labels):
                return number
        return None

    def last_step(self, series: int) -> int | None:
        return series * 100

    def environment(self, one: str) -> int:
        if one not in self.environment_ids:
            self.environment_ids.append(one)
        return self.environment_ids.index(one) + 1

    def env_last(self, env: str) -> tuple[int | None, int | None]:
        return (None, None)

    def points(self, series: int, values: NDArray[np.float64], *place: Any) -> None:
        assert values.dtype == np.float64
        assert values.flags.c_contiguous
        self.calls.append(("points", (series, values.tolist(), *map(plain, place))))

    def rl_env_steps(self, series: int, envs: NDArray[np.uint32], *rest: Any) -> None:
        self.calls.append(("rl_env_steps", (series, envs.tolist(), *map(plain, rest))))

    def rl_episodes(self, series: int, envs: NDArray[np.uint32], *rest: Any) -> None:
        self.calls.append(("rl_episodes", (series, envs.tolist(), *map(plain, rest))))

    def attributes(self, updates: list[tuple[str, str, Any]]) -> None:
        self.calls.append(("attributes", tuple(updates)))

    def env_attributes(
        self, env: str, episode: int | None, updates: list[tuple[str, str, Any]]
    ) -> None:
        self.calls.append(("env_attributes", (env, episode, *updates)))

    def stats(self) -> dict[str, int]:
        return {"float_points_added": len(self.calls)}

    def check_errors(self) -> list[str]:
        return ["lost"]

    def close(self, timeout: float) -> dict[str, int]:
        self.closed_with.append(timeout)
        if self.interrupt_close and timeout:
            raise KeyboardInterrupt
        return self.stats()


def plain(given: Any) -> Any:
    """Arrays as lists, so that calls can be compared."""
    return given.tolist() if isinstance(given, np.ndarray) else given
