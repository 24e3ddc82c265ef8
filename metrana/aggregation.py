"""Series over environments, and over runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from metrana.answers import NO_FLOATS, NO_UINTS, axis_of, group_column
from metrana.asking import Asking
from metrana.errors import MetranaQueryConfigError
from metrana.filters import AttrFilter, Filter, SeriesFilter
from metrana.frames import SeriesId, pandas
from metrana.request import SeriesQueries, Steps, given, strings, text, texts

if TYPE_CHECKING:
    import pandas as pd

Aggregation = Literal["avg", "min", "max", "sum", "std", "median"]

_AGGREGATIONS = ("avg", "min", "max", "sum", "std", "median")


class Aggregations(Asking):
    """What many environments or runs have in common, at each x."""

    def aggregate_rl_env_series(
        self,
        run: str,
        series: SeriesFilter | str,
        *,
        aggregations: Sequence[Aggregation] = ("avg",),
        rl_steps: tuple[int | None, int | None] | None = None,
        episodes: tuple[int | None, int | None] | None = None,
        filter: Filter | str | None = None,  # noqa: A002
        groupings: Sequence[AttrFilter | Filter | str] = (),
        buckets_count: int | None = None,
        bucket_width: float | None = None,
    ) -> pd.DataFrame:
        """A metric over the environments of a run, at each rl_step or episode.

        Args:
            run: The run.
            series: Which metric.
            aggregations: Of avg, min, max, sum, std (of the population) and median.
            rl_steps: From which rl_step to which; None at an end: without bound.
            episodes: Or from which episode to which. One of the two must be given.
            filter: Which environments, looked at anew at every x.
            groupings: A group for each value of these attributes or conditions.
            buckets_count: Sum stretches of x up.
            bucket_width: Or stretches so long.

        Returns:
            `x`, a column for each grouping, `count` (of environments), one for each aggregation.
        """
        if (rl_steps is None) == (episodes is None):
            raise MetranaQueryConfigError("say either rl_steps= or episodes=")
        name, ends = ("rl_step_range", rl_steps) if rl_steps else ("episode_range", episodes)
        assert ends is not None  # noqa: S101 # one of the two is given
        request = {
            **self._in_project(),
            "run": run,
            "range_selector": {name: given(from_step=ends[0], to_step=ends[1])},
            "series_expression": str(series),
            "aggregations": _aggregations("RL_ENVIRONMENTS_AGGREGATION", aggregations),
            "groupings": [str(one) for one in groupings],
            **given(filter=text(filter), buckets_count=buckets_count, bucket_width=bucket_width),
        }
        pd = pandas()
        tables = []
        for page in self._reader.pages("AggregateRLEnvironmentSeries", request):
            for one in page.get("series", ()):
                columns = {"x": one.get("first_steps", NO_UINTS)}
                for grouping, part in zip(groupings, one.get("series_key_parts", ()), strict=True):
                    columns[str(grouping)] = group_column(part, len(columns["x"]))
                columns["count"] = one.get("counts", NO_UINTS)
                for name, found in zip(aggregations, one.get("aggregations", ()), strict=True):
                    columns[name] = found.get("values", NO_FLOATS)
                tables.append(pd.DataFrame(columns))
        names = ["x", *(str(one) for one in groupings), "count", *aggregations]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=names)

    def aggregate_run_series(
        self,
        groups: Mapping[str, Sequence[str]] | Sequence[Sequence[str]],
        series: SeriesQueries,
        *,
        aggregations: Sequence[Aggregation] = ("avg",),
        buckets_count: int | None = None,
        include_inherited: bool = False,
        steps: Steps | None = None,
    ) -> pd.DataFrame:
        """Series over the runs of each group, such as seeds of one configuration.

        Args:
            groups: Names of runs by name of the group, or lists of names.
            series: Which series.
            aggregations: Of avg, min, max, sum, std (of the population) and median.
            buckets_count: From 1 to 5,000; 1,000 unless given.
            include_inherited: Also points that forked runs have from their parents.
            steps: Which points; all unless given.

        Returns:
            `group`, `series`, `x`, `count` (of runs), and for each aggregation its column and,
            for the extremes within a bucket, `<name>_min` and `<name>_max`.
        """
        named = dict(groups) if isinstance(groups, Mapping) else dict(enumerate(groups))
        request = {
            **self._in_project(),
            "groups": [{"runs": strings(runs)} for runs in named.values()],
            "series_queries": texts(series),
            "aggregations": _aggregations("RUN_SERIES_AGGREGATION", aggregations),
            "include_inherited": include_inherited,
            **given(buckets_count=buckets_count, step_selection=steps and steps.selection()),
        }
        pd = pandas()
        tables = []
        names = list(named)
        for page in self._reader.pages("AggregateRunSeries", request):
            axis = axis_of(page, ("first_step", "last_step", "steps_per_bucket"))
            for one in page.get("series", ()):
                columns: dict[str, Any] = {
                    "group": names[one.get("group_index", 0)],
                    "series": SeriesId.of(one["series_definition"]).key,
                    "x": axis.starts(one.get("bucket_indexes", NO_UINTS)),
                    "count": one.get("counts", NO_UINTS),
                }
                for name, found in zip(
                    aggregations, one.get("aggregated_buckets", ()), strict=True
                ):
                    mean = found.get("y_values", NO_FLOATS)
                    columns[name] = mean
                    columns[f"{name}_min"] = found.get("min_values", mean)
                    columns[f"{name}_max"] = found.get("max_values", mean)
                tables.append(pd.DataFrame(columns))
        if not tables:
            return pd.DataFrame(columns=["group", "series", "x", "count", *aggregations])
        return pd.concat(tables, ignore_index=True)


def _aggregations(prefix: str, names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in _AGGREGATIONS:
            raise MetranaQueryConfigError(
                f"there is no aggregation {name!r}; known are {', '.join(_AGGREGATIONS)}"
            )
    return [f"{prefix}_{name.upper()}" for name in names]
