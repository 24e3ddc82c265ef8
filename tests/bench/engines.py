"""The two engines under test, behind the same few verbs.

Each adapter is used in an environment of its own, so each imports its engine
when it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


class Delivery:
    """Counts of one engine at one moment, all kinds of float points together."""

    def __init__(self, metrics: Any) -> None:
        self.added = metrics.float_points_added + metrics.rl_float_points_added
        self.sent = metrics.float_points_sent + metrics.rl_float_points_sent
        self.dropped = metrics.float_points_dropped + metrics.rl_float_points_dropped


class Engine(Protocol):
    """What a workload asks of an engine."""

    log: Callable[[str, float], None]

    def log_block(
        self, metric: str, rl_step: int, envs: list[str], values: Values, episode: int
    ) -> None:
        """Logs points [M] or [M, T] of environments in one call."""

    def delivery(self) -> Delivery:
        """The counts so far."""

    def close(self) -> Delivery:
        """Waits until everything is acknowledged; the last counts."""


class Metrana:
    """This package, through the functions that a training loop calls."""

    def __init__(self, url: str, run: str, **options: Any) -> None:
        import metrana

        self._metrana = metrana
        metrana.init(
            workspace_name="bench",
            project_name="bench",
            run_name=run,
            ingestion_url=url,
            max_send_retries=None,
            batch_max_age_secs=0.05,
            log_level="ERROR",
            **options,
        )
        self.log: Callable[[str, float], None] = metrana.log

    def log_block(
        self, metric: str, rl_step: int, envs: list[str], values: Values, episode: int
    ) -> None:
        self._metrana.log_rl_environment_step(
            metric, values, rl_step=rl_step, env_id=envs, episode=episode
        )

    def delivery(self) -> Delivery:
        return Delivery(self._metrana.get_metrics())

    def close(self) -> Delivery:
        return Delivery(self._metrana.close(close_timeout=600))


class Published:
    """The published engine, through its own Logger class."""

    def __init__(self, url: str, run: str, **options: Any) -> None:
        import metrana_logging_engine as engine

        backpressure = {"block": engine.Backpressure.Block, "drop_new": engine.Backpressure.DropNew}
        if "backpressure_strategy" in options:
            options["backpressure"] = backpressure[options.pop("backpressure_strategy")]
        self.log: Callable[[str, float], None] = self._log
        self._logger = engine.Logger(
            engine.Config(
                "local",
                "bench",
                "bench",
                run,
                endpoint=url,
                msg_max_retries=None,
                msg_max_age_secs=0.05,
                log_level=engine.LogLevel.Error,
                **options,
            )
        )

    def _log(self, metric: str, value: float) -> None:
        self._logger.log_std_floats(metric, "ML_STEP", value)

    def log_block(
        self, metric: str, rl_step: int, envs: list[str], values: Values, episode: int
    ) -> None:
        episodes = np.full(len(envs), episode)
        self._logger.log_rl_floats(metric, "ENVIRONMENT_STEP", rl_step, envs, values, episodes)

    def delivery(self) -> Delivery:
        return Delivery(self._logger.metrics())

    def close(self) -> Delivery:
        self._logger.close(600.0)
        return Delivery(self._logger.metrics())


ENGINES: dict[str, Callable[..., Engine]] = {"metrana": Metrana, "published": Published}
