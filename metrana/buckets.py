"""Series summed up along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from metrana.answers import bucketed
from metrana.asking import Asking
from metrana.errors import MetranaQueryConfigError
from metrana.frames import Buckets
from metrana.request import SeriesQueries, Steps, given, strings, texts


class BucketsOfSeries(Asking):
    """As many buckets as a chart can draw."""

    def fetch_float_series_buckets(
        self,
        runs: str | Sequence[str],
        series: SeriesQueries,
        *,
        axis: Literal["step", "time", "relative_time"] = "step",
        buckets_count: int | None = None,
        max_buckets_across_series: int | None = None,
        include_inherited: bool = False,
        steps: Steps | None = None,
        times: tuple[int | None, int | None] | None = None,
    ) -> Buckets:
        """Series summed up over stretches of steps, or of time.

        Args:
            runs: Names of runs.
            series: Which series.
            axis: Steps, Unix milliseconds, or milliseconds since each run began.
            buckets_count: From 1 to 5,000; 1,000 unless given.
            max_buckets_across_series: Fewer for each when there are many series.
            include_inherited: Also points that forked runs have from their parents.
            steps: Which points, on the axis of steps.
            times: From when to when, on an axis of time.
        """
        request: dict[str, Any] = {
            **self._in_project(),
            "run_names": strings(runs),
            "series_queries": texts(series),
            "include_inherited": include_inherited,
            **given(
                buckets_count=buckets_count, max_buckets_across_series=max_buckets_across_series
            ),
        }
        if axis == "step":
            if times is not None:
                raise MetranaQueryConfigError("times= goes with an axis of time, not of steps")
            request |= {
                "use_columnar_output": True,
                "include_timestamps": True,
                **given(step_selection=steps and steps.selection()),
            }
            return bucketed(
                self._reader.pages("ListFloatSeriesBuckets", request),
                "run_series",
                ("first_step", "last_step", "steps_per_bucket"),
            )
        if axis not in ("time", "relative_time") or steps is not None:
            raise MetranaQueryConfigError(
                f"axis must be step, time or relative_time, and steps= goes with step; not {axis!r}"
            )
        request["use_relative_timestamp"] = axis == "relative_time"
        if times is not None:
            request["timestamp_range"] = given(
                from_timestamp_millis=times[0], to_timestamp_millis=times[1]
            )
        return bucketed(
            self._reader.pages("ListFloatSeriesTimestampBuckets", request),
            "run_series",
            ("first_timestamp_millis", "last_timestamp_millis", "millis_per_bucket"),
        )

    def fetch_rl_env_float_series_buckets(
        self,
        run: str,
        environments: str | Sequence[str],
        series: SeriesQueries,
        *,
        rl_step: int | None = None,
        episode: int | None = None,
        buckets_count: int | None = None,
        max_buckets_across_series: int | None = None,
        include_inherited: bool = False,
    ) -> Buckets:
        """Series of environments summed up: within an episode, or at an rl_step.

        Args:
            run: The run.
            environments: Ids of environments, 1,000 at most.
            series: Which series; say their scale, as in `SeriesFilter("reward",
                scale="ENVIRONMENT_STEP")`.
            rl_step: Along the points of this rl_step.
            episode: Or along the env steps of this episode; the run's latest unless given.
            buckets_count: From 1 to 5,000; 1,000 unless given.
            max_buckets_across_series: Fewer for each when there are many series.
            include_inherited: Also points that a forked run has from its parents.
        """
        request = {
            **self._in_project(),
            "run": run,
            "environments": strings(environments),
            "scale_selector": self._anchor(run, rl_step, episode),
            "series_queries": texts(series),
            "include_inherited": include_inherited,
            "include_timestamps": True,
            "use_specialized_rl_series_buckets": True,
            **given(
                buckets_count=buckets_count, max_buckets_across_series=max_buckets_across_series
            ),
        }
        pages = self._reader.pages("ListRLEnvironmentFloatSeriesBuckets", request)
        if rl_step is not None:
            names = ("first_rollout_idx", "last_rollout_idx", "rollout_indexes_per_bucket")
            return bucketed(pages, "rl_series_on_rl_step_selector", names, run)
        names = ("first_step", "last_step", "steps_per_bucket")
        return bucketed(pages, "rl_series_on_episode_selector", names, run)
