"""The points of series as they were logged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metrana.answers import count_points, series_of
from metrana.asking import Asking
from metrana.frames import FloatSeriesList
from metrana.request import SeriesQueries, Steps, given, strings, texts

_POINTS_A_PAGE = 400_000  # under 8 MB on the wire: the server keeps its buffers up to that size


class Points(Asking):
    """All points, in columns."""

    def fetch_float_series(
        self,
        runs: str | Sequence[str],
        series: SeriesQueries,
        *,
        include_inherited: bool = False,
        include_timestamps: bool = False,
        steps: Steps | None = None,
    ) -> FloatSeriesList:
        """All points of series that are not of RL environments.

        Args:
            runs: Names of runs.
            series: Which series, as `SeriesFilter("loss")` or in the grammar: `loss()`.
            include_inherited: Also the points that a forked run has from its parents.
            include_timestamps: Also when each point was logged.
            steps: Which points; all unless given.

        Returns:
            A series each, whose arrays look at the memory into which the engine read them.
        """
        request = {
            **self._in_project(),
            "run_names": strings(runs),
            "series_queries": texts(series),
            "include_inherited": include_inherited,
            "include_timestamps": include_timestamps,
            "max_points_per_page": _POINTS_A_PAGE,
            **given(step_selection=steps and steps.selection()),
        }
        answer = self._gathered("ListFloatSeries", request)
        return FloatSeriesList(
            [
                series
                for of_run in answer["run_points"]
                for series in series_of(of_run["run"], of_run["series"])
            ]
        )

    def fetch_rl_env_float_series(
        self,
        run: str,
        environment: str,
        *,
        rl_step: int | None = None,
        episode: int | None = None,
        include_inherited: bool = False,
        steps: Steps | None = None,
    ) -> FloatSeriesList:
        """All points of an environment in one episode, or at one rl_step.

        Args:
            run: The run.
            environment: Its id.
            rl_step: The rl_step.
            episode: Or the episode; the run's latest unless one is given.
            include_inherited: Also points that a forked run has from its parents.
            steps: Which points; all unless given.
        """
        request = {
            **self._in_project(),
            "run": run,
            "environment": environment,
            "scale_selector": self._anchor(run, rl_step, episode),
            "include_inherited": include_inherited,
            "max_points_per_page": _POINTS_A_PAGE,
            **given(step_selection=steps and steps.selection()),
        }
        answer = self._gathered("ListRLEnvironmentFloatSeries", request)
        return FloatSeriesList(series_of(run, answer["series"], environment))

    def _gathered(self, method: str, request: dict[str, Any]) -> Any:
        """All points in one answer, with a bar while it takes long."""
        if not self._progress:
            return self._reader.gather(method, request)
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return self._reader.gather(method, request)
        with tqdm(unit=" points", unit_scale=True, delay=1.0, leave=False) as bar:
            answer = self._reader.gather(method, request, lambda points: bar.update(points - bar.n))
            bar.update(count_points(answer) - bar.n)
            return answer
