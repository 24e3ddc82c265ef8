"""What the dashboard shows, as numbers: episodes, how a run fares, small curves.

Asked of the server's own ViewsService, which public servers may lack: they answer UNIMPLEMENTED.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from metrana.answers import chosen_attributes, instant
from metrana.asking import Asking
from metrana.errors import MetranaQueryConfigError
from metrana.filters import SeriesFilter
from metrana.frames import pandas
from metrana.request import Range, SeriesQueries, given, ranges, strings, texts
from metrana.views_answers import health_of, matrix_of
from metrana.views_frames import EpisodeMatrix, RunHealth, Sparkline, column

if TYPE_CHECKING:
    import pandas as pd

Reduction = Literal["sum", "mean", "last", "min", "max", "count"]
EpisodeOrder = Literal[
    "environment", "episode", "first_rl_step", "last_rl_step", "env_steps", "first_time",
    "last_time", "restarts",
]  # fmt: skip

_EPISODES_A_PAGE = 1000
_SPARKLINES_A_CALL = 200


class Views(Asking):
    """Answers in the shape of the dashboard's pages."""

    def list_episodes(
        self,
        run: str,
        metrics: SeriesQueries | Mapping[SeriesFilter | str, Reduction] = (),
        *,
        environments: str | Sequence[str] = (),
        episodes: Range | None = None,
        rl_steps: Range | None = None,
        order_by: EpisodeOrder | int | None = None,
        descending: bool = False,
        limit: int | None = None,
        attribute_paths: Sequence[str] = (),
    ) -> pd.DataFrame:
        """The episodes of a run, a row each.

            >>> best = client.list_episodes(
            ...     "ppo-1", "return()", order_by=0, descending=True, limit=10
            ... )
            >>> bool(best["return()"].is_monotonic_decreasing)
            True

        Args:
            run: The run.
            metrics: Series of which each episode gets one number, as `return()` (EPISODE scale
                is meant without a scale), or a mapping of them to how an episode's values are
                reduced. Unless it says, the server decides. At most 32.
            environments: Only of these; of all when empty.
            episodes: Only with such numbers.
            rl_steps: Only with points at such rl_steps.
            order_by: A column, or the place of a metric; by environment and episode unless given.
            descending: Greatest first.
            limit: At most so many rows; all unless given.
            attribute_paths: Attributes of the environments to show, as they hold at each episode.

        Returns:
            Columns `environment`, `episode`, `first_rl_step`, `last_rl_step`, `env_steps` (the
            length), `first_time` and `last_time` (UTC), `restarts`, one named by each metric's
            query (NaN where an episode has none), and one named by each attribute's path
            (missing where the environment has none).
        """
        if limit is not None and limit < 1:
            raise MetranaQueryConfigError(f"limit must be 1 or more, not {limit!r}")
        asked = _metrics(metrics)
        request = {
            "run": self._run(run),
            "metrics": asked,
            "environments": strings(environments),
            **ranges(episodes=episodes, rl_steps=rl_steps),
            **given(order=_order(order_by, descending)),
            "attribute_paths": list(attribute_paths),
        }
        columns = [one["series_query"] for one in asked]
        pages, rows = [], 0
        attributes: list[dict[str, Any]] = []
        while True:
            most = _EPISODES_A_PAGE if limit is None else min(_EPISODES_A_PAGE, limit - rows)
            answer = self._answer("ListEpisodes", {**request, "limit": most})
            pages.append(_episodes(answer, columns))
            rows += len(pages[-1])
            attributes += [
                chosen_attributes(one, attribute_paths) for one in answer.get("attributes", ())
            ]
            request["page_token"] = answer.get("next_page_token", "")
            if not request["page_token"] or rows == limit:
                break
        frame = pandas().concat(pages, ignore_index=True)
        for path in attribute_paths:
            values = [one[path] for one in attributes]
            frame.insert(len(frame.columns), path, values, allow_duplicates=True)
        return frame

    def fetch_episode_matrix(
        self,
        run: str,
        metric: SeriesFilter | str,
        *,
        reduction: Reduction | None = None,
        environments: str | Sequence[str] = (),
        episodes: Range | None = None,
        max_rows: int | None = None,
        max_columns: int | None = None,
    ) -> EpisodeMatrix:
        """One number for every environment (rows) and episode (columns) of a run.

            >>> client.fetch_episode_matrix("ppo-1", "return()").to_pandas().index.to_list()
            ['env-0', 'env-1', 'env-2']

        Args:
            run: The run.
            metric: The series, as in `list_episodes`.
            reduction: How the values of an episode become one; unless given, the server decides.
            environments: Only these; all when empty.
            episodes: Only with such numbers.
            max_rows: Up to 4,096, 256 unless given; beyond it neighbours share a row.
            max_columns: Up to 4,096, 512 unless given; beyond it neighbours share a column.

        Returns:
            `means`, `minima` and `maxima` of shape (rows, columns).
        """
        (one,) = _metrics({metric: reduction} if reduction else metric)
        request = {
            "run": self._run(run),
            "metric": one,
            "environments": strings(environments),
            **ranges(episodes=episodes),
            **given(max_rows=max_rows, max_columns=max_columns),
        }
        return matrix_of(self._answer("GetEpisodeMatrix", request))

    def get_run_health(self, run: str, *, include_non_finite: bool = False) -> RunHealth:
        """What arrived of a run, what did not, and what its loggers counted.

            >>> health = client.get_run_health("ppo-1")
            >>> sum(one.float_points.dropped for one in health.deliveries)
            0

        Args:
            run: The run.
            include_non_finite: Look for the first NaN or infinity of each series, too; takes
                longer in large runs.
        """
        request = {"run": self._run(run), "include_non_finite": include_non_finite}
        return health_of(self._answer("GetRunHealth", request))

    def fetch_sparklines(
        self, queries: Sequence[tuple[str, SeriesFilter | str]], *, buckets: int | None = None
    ) -> list[Sparkline]:
        """Small curves of whole series, one for each query.

            >>> one, two = client.fetch_sparklines(
            ...     [("ppo-1", "loss()"), ("ppo-2", "loss()")], buckets=32
            ... )
            >>> len(one.means)
            32

        Args:
            queries: Each a run and a series; of several that it selects the first is meant.
            buckets: From 1 to 64; 64 unless given.
        """
        asked = [{"run": run, "series_query": str(series)} for run, series in queries]
        found: list[Sparkline] = []
        for at in np.arange(0, len(asked), _SPARKLINES_A_CALL):
            part = asked[at : at + _SPARKLINES_A_CALL]
            request = {**self._in_views(), "queries": part, **given(buckets=buckets)}
            for one in self._answer("GetSparklines", request).get("sparklines", ()):
                numbers = (one.get(name, 0) for name in ("bucket_count", "first_step", "last_step"))
                means, places = one.get("means"), one.get("bucket_indexes")
                found.append(Sparkline(column(means), column(places, "<u8"), *numbers))
        return found

    def list_saved_views(self) -> pd.DataFrame:
        """The pages of the project that were saved under names in the dashboard, a row each.

            >>> list(client.list_saved_views().columns)
            ['name', 'page', 'run', 'parameters', 'saved']

        Returns:
            By name: `name`, `page`, `run` (missing where the page is the project's), `parameters`
            (the query of the page's address) and `saved` (UTC).
        """
        answer = self._answer("ListSavedViews", self._in_views())
        rows = [_saved_view(view) for view in answer.get("views", ())]
        return pandas().DataFrame(rows, columns=["name", "page", "run", "parameters", "saved"])

    def _run(self, run: str) -> dict[str, str]:
        return {**self._in_views(), "run": run}


def _metrics(
    metrics: SeriesQueries | Mapping[SeriesFilter | str, Reduction],
) -> list[dict[str, str]]:
    if not isinstance(metrics, Mapping):
        return [{"series_query": query} for query in texts(metrics)]
    return [
        {"series_query": str(query), "reduction": f"REDUCTION_{reduction.upper()}"}
        for query, reduction in metrics.items()
    ]


def _saved_view(view: Mapping[str, Any]) -> tuple[object, ...]:
    parameters, saved = view.get("parameters", ""), instant(view["saved"])
    return view["name"], view["page"], view.get("run"), parameters, saved


def _order(by: str | int | None, descending: bool) -> dict[str, Any] | None:
    if isinstance(by, int):
        return {"column": "EPISODE_COLUMN_METRIC", "metric": by, "descending": descending}
    if by is not None:
        return {"column": f"EPISODE_COLUMN_{by.upper()}", "descending": descending}
    return {"descending": True} if descending else None


def _episodes(answer: Mapping[str, Any], metrics: Sequence[str]) -> pd.DataFrame:
    environments = np.array(answer.get("environments", ()), object)
    table: dict[str, Any] = {
        "environment": environments[column(answer.get("environment_indexes"), "<u8")]
    }
    for name in ("episode", "first_rl_step", "last_rl_step"):
        table[name] = column(answer.get(f"{name}s"), "<u8")
    table["env_steps"] = column(answer.get("env_steps"), "<u8")
    for name in ("first_time", "last_time"):
        table[name] = column(answer.get(f"{name}s"), "<i8").astype("M8[ms]")
    table["restarts"] = column(answer.get("restarts"), "<u8")
    frame = pandas().DataFrame(table)
    for at, (name, values) in enumerate(zip(metrics, answer.get("metrics", ()), strict=False)):
        frame.insert(len(table) + at, name, column(values), allow_duplicates=True)
    return frame
