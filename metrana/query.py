"""Read back what was logged; needs `pip install "metrana[query]"` for tables.

    from metrana.query import AttrFilter, QueryClient, SeriesFilter

    with QueryClient(workspace_name="me", project_name="cartpole") as client:
        runs = client.fetch_runs(
            filter=AttrFilter("config/lr") < 0.01,
            series_summaries=[SeriesFilter("loss").last],
        )
        loss = client.fetch_float_series(list(runs["name"]), "loss()")

Calls block until all pages of the answer are here; Ctrl-C ends them at once. They may be made
from any thread, not from a child of fork(), which makes a client of its own.
"""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from metrana._reader import Reader
from metrana.answers import (
    NO_FLOATS,
    NO_UINTS,
    axis_of,
    bucketed,
    chosen_attributes,
    chosen_summaries,
    count_points,
    group_column,
    instant,
    series_of,
    value_of,
)
from metrana.errors import MetranaQueryConfigError
from metrana.filters import (
    AttrFilter,
    Filter,
    LabelFilter,
    OrderBy,
    SeriesFilter,
    SummaryColumn,
)
from metrana.frames import (
    Axis,
    Buckets,
    FloatSeries,
    FloatSeriesList,
    SeriesBuckets,
    SeriesId,
    pandas,
)
from metrana.settings import DEFAULT_URL

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AttrFilter",
    "Axis",
    "Buckets",
    "Filter",
    "FloatSeries",
    "FloatSeriesList",
    "LabelFilter",
    "OrderBy",
    "QueryClient",
    "RLInfo",
    "SeriesBuckets",
    "SeriesFilter",
    "SeriesId",
    "Steps",
    "SummaryColumn",
]

Aggregation = Literal["avg", "min", "max", "sum", "std", "median"]
SeriesQueries = SeriesFilter | str | Sequence[SeriesFilter | str]
Columns = SummaryColumn | str | Sequence[SummaryColumn | str]

_AGGREGATIONS = ("avg", "min", "max", "sum", "std", "median")
_POINTS_A_PAGE = 1_000_000
_NAMES_A_PAGE = 10_000
_NEWEST_FIRST = AttrFilter("sys/creation_time").desc()


class RLInfo(NamedTuple):
    """What a run has of reinforcement learning."""

    number_of_environments: int
    """0: it is no RL run."""
    latest_episode: int
    latest_rl_step: int


@dataclasses.dataclass(frozen=True)
class Steps:
    """A choice of points by their steps; one of these, or none for all.

    Attributes:
        first: The lowest step.
        last: The highest step.
        from_the_beginning: So many points of each series.
        from_the_end: So many points of each series.
    """

    first: int | None = None
    last: int | None = None
    from_the_beginning: int | None = None
    from_the_end: int | None = None

    def selection(self) -> dict[str, Any]:
        """As the protocol writes it."""
        counted = [n for n in (self.from_the_beginning, self.from_the_end) if n is not None]
        if len(counted) > 1 or (counted and (self.first, self.last) != (None, None)):
            raise MetranaQueryConfigError(f"of {self} only one kind of choice can hold")
        if self.from_the_beginning is not None:
            return {"per_series_from_the_beginning": self.from_the_beginning}
        if self.from_the_end is not None:
            return {"per_series_from_the_end": self.from_the_end}
        return {"step_range": _given(from_step=self.first, to_step=self.last)}


class QueryClient:
    """A connection to a server that answers queries about one project.

    Args:
        workspace_name: Else `METRANA_WORKSPACE`.
        project_name: Else `METRANA_PROJECT`. Only `fetch_projects` does without.
        api_key: Else `METRANA_API_KEY`; none for public workspaces and for servers on this machine.
        query_url: `http(s)://host[:port]`; else `METRANA_QUERY_API_URL`, else where `metrana.init`
            would log to.
        organization: Else `METRANA_ORGANIZATION`.
        progress: Show a bar when a read takes longer than a second; needs tqdm. None: when
            stderr is a terminal.

    Raises:
        MetranaQueryConfigError: An argument is missing, or the address cannot be.
        MetranaQueryTransportError: No server answers there within 10 s.

    Every call may raise MetranaQueryConfigError for what cannot be asked,
    MetranaQueryTransportError when the server is gone (after four attempts), and
    MetranaQueryRpcError with the server's reason when it refuses.
    """

    def __init__(
        self,
        *,
        workspace_name: str | None = None,
        project_name: str | None = None,
        api_key: str | None = None,
        query_url: str | None = None,
        organization: str | None = None,
        progress: bool | None = None,
    ) -> None:
        workspace = workspace_name or os.environ.get("METRANA_WORKSPACE")
        if not workspace:
            raise MetranaQueryConfigError(
                "no workspace: pass workspace_name= to QueryClient() or set METRANA_WORKSPACE"
            )
        self._project = project_name or os.environ.get("METRANA_PROJECT") or None
        organization = organization or os.environ.get("METRANA_ORGANIZATION") or None
        self._scope = {"workspace": workspace, **_given(organization=organization)}
        url = (
            query_url
            or os.environ.get("METRANA_QUERY_API_URL")
            or os.environ.get("METRANA_INGESTION_URL")
            or DEFAULT_URL
        )
        self._progress = sys.stderr.isatty() if progress is None else progress
        self._reader = Reader(url, api_key or os.environ.get("METRANA_API_KEY") or None)

    def close(self) -> None:
        """Ends all calls and the connection."""
        self._reader.close()

    def __enter__(self) -> QueryClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Tables of projects, experiments, runs and environments

    def fetch_projects(
        self,
        *,
        filter: Filter | str | None = None,  # noqa: A002 # the protocol's word
        order_by: OrderBy | str = _NEWEST_FIRST,
        limit: int | None = None,
        attribute_paths: Sequence[str] = (),
    ) -> pd.DataFrame:
        """The workspace's projects: `name`, `runs_count`, `experiments_count`, attributes.

        Args:
            filter: Which ones.
            order_by: Newest first unless given.
            limit: How many at most.
            attribute_paths: Attributes to show, a column each; None where there is none.
        """
        request = {
            **self._scope,
            **_given(filter=_text(filter)),
            "order_by": str(order_by),
            "attribute_paths": list(attribute_paths),
        }
        rows = [
            {
                "name": one["name"],
                "runs_count": one.get("runs_count", 0),
                "experiments_count": one.get("experiments_count", 0),
                **chosen_attributes(one, attribute_paths),
            }
            for one in self._items("ListProjects", request, "projects", limit)
        ]
        names = ["name", "runs_count", "experiments_count", *attribute_paths]
        return pandas().DataFrame(rows, columns=names)

    def list_experiments(
        self,
        *,
        filter: Filter | str | None = None,  # noqa: A002
        order_by: OrderBy | str = _NEWEST_FIRST,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """The project's experiments: `name`, `runs_count`."""
        request = {**self._in_project(), **_given(filter=_text(filter)), "order_by": str(order_by)}
        rows = [
            {"name": one["name"], "runs_count": one.get("runs_count", 0)}
            for one in self._items("ListExperiments", request, "experiments", limit)
        ]
        return pandas().DataFrame(rows, columns=["name", "runs_count"])

    def fetch_runs(
        self,
        *,
        experiment_name: str | None = None,
        filter: Filter | str | None = None,  # noqa: A002
        order_by: OrderBy | str = _NEWEST_FIRST,
        limit: int | None = None,
        attribute_paths: Sequence[str] = (),
        series_summaries: Columns = (),
    ) -> pd.DataFrame:
        """The project's runs: `name`, `experiment`, attributes, summaries of series.

        Args:
            experiment_name: Only this experiment's.
            filter: Which ones, as in `AttrFilter("config/lr") < 0.01`.
            order_by: Newest first unless given.
            limit: How many at most.
            attribute_paths: Attributes to show, a column each; None where there is none.
            series_summaries: Functions of series to show, as `SeriesFilter("loss").last`.
        """
        columns = _texts(series_summaries)
        request = {
            **self._in_project(),
            **_given(experiment=experiment_name, filter=_text(filter)),
            "order_by": str(order_by),
            "attribute_paths": list(attribute_paths),
            "series_summaries": columns,
        }
        rows = [
            {
                "name": one["name"],
                "experiment": one.get("experiment"),
                **chosen_attributes(one, attribute_paths),
                **chosen_summaries(one, columns),
            }
            for one in self._items("ListRuns", request, "runs", limit)
        ]
        return pandas().DataFrame(rows, columns=["name", "experiment", *attribute_paths, *columns])

    def get_rl_info(self, run: str) -> RLInfo:
        """How many environments a run has, and how far they are."""
        (answer,) = self._reader.pages("GetRLInfo", {**self._in_project(), "run": run})
        return RLInfo(*(answer.get(name, 0) for name in RLInfo._fields))

    def fetch_rl_envs(
        self,
        run: str,
        *,
        rl_step: int | None = None,
        episode: int | None = None,
        filter: Filter | str | None = None,  # noqa: A002
        order_by: OrderBy | str | None = None,
        limit: int | None = None,
        attribute_paths: Sequence[str] = (),
        series_summaries: Columns = (),
    ) -> pd.DataFrame:
        """A run's environments: `environment_id`, `latest_episode`, `latest_rl_step`, ….

        Args:
            run: The run.
            rl_step: Look at them as of this rl_step; those that never reached it are left out.
            episode: Or as of this episode; the latest unless given.
            filter: Which ones; `environment_id`, `latest_episode` and `latest_rl_step` may be
                used as attributes.
            order_by: By id unless given.
            limit: How many at most.
            attribute_paths: Attributes of environments to show.
            series_summaries: Functions of series to show.
        """
        columns = _texts(series_summaries)
        request = {
            **self._in_project(),
            "run": run,
            "scale_selector": self._anchor(run, rl_step, episode),
            **_given(filter=_text(filter), order_by=_text(order_by)),
            "attribute_paths": list(attribute_paths),
            "series_summaries": columns,
        }
        numbers = ("latest_episode", "latest_rl_step", "current_episode")
        rows = [
            {
                "environment_id": one["environment_id"],
                **{name: one.get(name, 0) for name in numbers},
                **chosen_attributes(one, attribute_paths),
                **chosen_summaries(one, columns),
            }
            for one in self._items("ListRLEnvironments", request, "environments", limit)
        ]
        return pandas().DataFrame(
            rows, columns=["environment_id", *numbers, *attribute_paths, *columns]
        )

    # Points

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
            "run_names": _strings(runs),
            "series_queries": _texts(series),
            "include_inherited": include_inherited,
            "include_timestamps": include_timestamps,
            "max_points_per_page": _POINTS_A_PAGE,
            **_given(step_selection=steps and steps.selection()),
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
            **_given(step_selection=steps and steps.selection()),
        }
        answer = self._gathered("ListRLEnvironmentFloatSeries", request)
        return FloatSeriesList(series_of(run, answer["series"], environment))

    # Buckets

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
            "run_names": _strings(runs),
            "series_queries": _texts(series),
            "include_inherited": include_inherited,
            **_given(
                buckets_count=buckets_count, max_buckets_across_series=max_buckets_across_series
            ),
        }
        if axis == "step":
            if times is not None:
                raise MetranaQueryConfigError("times= goes with an axis of time, not of steps")
            request |= {
                "use_columnar_output": True,
                "include_timestamps": True,
                **_given(step_selection=steps and steps.selection()),
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
            request["timestamp_range"] = _given(
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
            "environments": _strings(environments),
            "scale_selector": self._anchor(run, rl_step, episode),
            "series_queries": _texts(series),
            "include_inherited": include_inherited,
            "include_timestamps": True,
            "use_specialized_rl_series_buckets": True,
            **_given(
                buckets_count=buckets_count, max_buckets_across_series=max_buckets_across_series
            ),
        }
        pages = self._reader.pages("ListRLEnvironmentFloatSeriesBuckets", request)
        if rl_step is not None:
            names = ("first_rollout_idx", "last_rollout_idx", "rollout_indexes_per_bucket")
            return bucketed(pages, "rl_series_on_rl_step_selector", names, run)
        names = ("first_step", "last_step", "steps_per_bucket")
        return bucketed(pages, "rl_series_on_episode_selector", names, run)

    # Aggregation

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
            "range_selector": {name: _given(from_step=ends[0], to_step=ends[1])},
            "series_expression": str(series),
            "aggregations": _aggregations("RL_ENVIRONMENTS_AGGREGATION", aggregations),
            "groupings": [str(one) for one in groupings],
            **_given(filter=_text(filter), buckets_count=buckets_count, bucket_width=bucket_width),
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
            "groups": [{"runs": _strings(runs)} for runs in named.values()],
            "series_queries": _texts(series),
            "aggregations": _aggregations("RUN_SERIES_AGGREGATION", aggregations),
            "include_inherited": include_inherited,
            **_given(buckets_count=buckets_count, step_selection=steps and steps.selection()),
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

    # Summaries

    def fetch_series_summaries(self, runs: str | Sequence[str], summaries: Columns) -> pd.DataFrame:
        """Functions of each matching series of each run.

        Args:
            runs: Names of runs.
            summaries: As `SeriesFilter("loss").last`, or in the grammar: `loss():min,max`.

        Returns:
            `run`, `series`, `name`, `scale`, `labels`, `last_step`, `last_timestamp` and the
            functions.
        """
        request = {
            **self._in_project(),
            "run_names": _strings(runs),
            "summary_queries": _texts(summaries),
            "limit": _NAMES_A_PAGE,
        }
        rows = []
        for page in self._reader.pages("ListSeriesSummaries", request):
            for of_run in page.get("run_series_summaries", ()):
                for one in of_run.get("series_summaries", ()):
                    series = SeriesId.of(one["definition"])
                    ((_, values),) = one["summary_values"].items()
                    rows.append(
                        {
                            "run": of_run["run"],
                            "series": series.key,
                            "name": series.name,
                            "scale": series.scale,
                            "labels": dict(series.labels),
                            "last_step": values.pop("last_step", 0),
                            "last_timestamp": instant(values.pop("last_timestamp", None)),
                            **values,
                        }
                    )
        fixed = ["run", "series", "name", "scale", "labels", "last_step", "last_timestamp"]
        return pandas().DataFrame(rows, columns=None if rows else fixed)

    # Definitions

    def list_run_attribute_definitions(
        self,
        *,
        run: str | None = None,
        experiment: str | None = None,
        regex: str | None = None,
        prefix: str | None = None,
        kinds: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Which attributes runs have: `path`, `kind`.

        Args:
            run: Only of this run.
            experiment: Only of this experiment's runs.
            regex: Only paths that hold a match (RE2).
            prefix: Only paths that begin so.
            kinds: Only of kinds `BOOL`, `STRING`, `FLOAT`, `INT`, `STRING_SET`, `TIMESTAMP`.
        """
        source = {"project": self._named_project(), **_given(experiment=experiment, run=run)}
        return self._attribute_definitions(
            "ListAttributesDefinitions",
            {**self._scope, "run_source": source},
            _attr_filter(regex, prefix, kinds),
        )

    def list_project_attribute_definitions(
        self, *, regex: str | None = None, prefix: str | None = None, kinds: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Which attributes projects of the workspace have: `path`, `kind`."""
        return self._attribute_definitions(
            "ListAttributesDefinitions",
            {**self._scope, "project_source": {}},
            _attr_filter(regex, prefix, kinds),
        )

    def list_rl_env_attribute_definitions(
        self,
        run: str,
        *,
        environment: str | None = None,
        regex: str | None = None,
        prefix: str | None = None,
        kinds: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Which attributes the environments of a run have: `path`, `kind`."""
        return self._attribute_definitions(
            "ListRLAttributesDefinitions",
            {**self._in_project(), "run": run, **_given(environment=environment)},
            _attr_filter(regex, prefix, kinds),
        )

    def list_rl_env_attribute_definitions_across_runs(
        self,
        runs: Sequence[str],
        *,
        regex: str | None = None,
        prefix: str | None = None,
        kinds: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Which attributes the environments of these runs have, 100 runs at most."""
        return self._attribute_definitions(
            "ListRLAttributesDefinitionsAcrossRuns",
            {**self._in_project(), "runs": _strings(runs)},
            _attr_filter(regex, prefix, kinds),
        )

    def list_run_attributes(
        self, run: str, *, regex: str | None = None, prefix: str | None = None
    ) -> dict[str, Any]:
        """A run's attributes by path: bool, int, float, str, list of str, datetime (UTC)."""
        source = {"project": self._named_project(), "run": run}
        return self._attributes(
            "ListAttributes",
            {**self._scope, "run_source": source},
            _attr_filter(regex, prefix, ()),
        )

    def list_rl_env_attributes(
        self,
        run: str,
        environment: str,
        *,
        episode: int | None = None,
        regex: str | None = None,
        prefix: str | None = None,
    ) -> dict[str, Any]:
        """An environment's attributes by path; those of an episode when one is given."""
        return self._attributes(
            "ListRLEnvAttributes",
            {
                **self._in_project(),
                "run": run,
                "environment": environment,
                **_given(episode=episode),
            },
            _attr_filter(regex, prefix, ()),
        )

    def list_metric_definitions(
        self,
        *,
        runs: str | Sequence[str] = (),
        experiment: str | None = None,
        prefixes: Sequence[str] = (),
        regex: str | None = None,
        scales: Sequence[str] = (),
        value_kinds: Sequence[str] = (),
        skip_aggregated: bool = False,
    ) -> pd.DataFrame:
        """Which metrics there are: `name`, `scale`, `label_keys`, `aggregated`, `value_kind`.

        Args:
            runs: Only of these runs.
            experiment: Only of this experiment's runs.
            prefixes: Only names that begin with one of these.
            regex: Only names that hold a match (RE2).
            scales: Only of these scales.
            value_kinds: Only of kinds `FLOAT`, `HISTOGRAM`, `DENSITY_HISTOGRAM`, `SCATTER`,
                `SCATTER_3D`.
            skip_aggregated: Leave out what the server aggregated over labels.
        """
        return self._metric_definitions(
            "ListMetricDefinitions",
            {
                **self._in_project(),
                "run_names": _strings(runs),
                "metric_name_prefixes": list(prefixes),
                "scales": list(scales),
                "value_kinds": _value_kinds(value_kinds),
                "skip_aggregated": skip_aggregated,
                **_given(experiment=experiment, regex=regex),
            },
        )

    def list_rl_env_metric_definitions(
        self,
        run: str,
        *,
        environments: str | Sequence[str] = (),
        prefixes: Sequence[str] = (),
        regex: str | None = None,
        scales: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Which metrics environments of a run have; the columns of `list_metric_definitions`."""
        return self._metric_definitions(
            "ListRLEnvironmentMetricDefinitions",
            {
                **self._in_project(),
                "run": run,
                "environments": _strings(environments),
                "metric_name_prefixes": list(prefixes),
                "scales": list(scales),
                **_given(regex=regex),
            },
        )

    def list_rl_env_metric_definitions_across_runs(
        self,
        runs: Sequence[str],
        *,
        prefixes: Sequence[str] = (),
        regex: str | None = None,
        scales: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Which metrics the environments of these runs have, 100 runs at most."""
        return self._metric_definitions(
            "ListRLEnvironmentMetricDefinitionsAcrossRuns",
            {
                **self._in_project(),
                "runs": _strings(runs),
                "metric_name_prefixes": list(prefixes),
                "scales": list(scales),
                **_given(regex=regex),
            },
        )

    def list_series_definitions(
        self,
        *,
        run: str | None = None,
        experiment: str | None = None,
        series: SeriesQueries = (),
        value_kinds: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Which series there are: `series`, `name`, `scale`, `labels`, `aggregated`.

        Args:
            run: Only of this run.
            experiment: Only of this experiment's runs.
            series: Only those chosen so.
            value_kinds: Only of these kinds; those of `list_metric_definitions`.
        """
        request = {
            **self._in_project(),
            **_given(run=run, experiment=experiment),
            "series_filters": _texts(series),
            "value_kinds": _value_kinds(value_kinds),
            "limit": _NAMES_A_PAGE,
        }
        found = [
            SeriesId.of(one)
            for page in self._reader.pages("ListSeriesDefinitions", request)
            for one in page.get("series_definitions", ())
        ]
        names = ["series", "name", "scale", "labels", "aggregated"]
        rows = [(one.key, one.name, one.scale, dict(one.labels), one.aggregated) for one in found]
        return pandas().DataFrame(rows, columns=names)

    def list_series_label_values(
        self,
        run: str,
        keys: Sequence[str] | Mapping[str, str] = (),
        *,
        regexes: Mapping[str, str] | None = None,
    ) -> dict[str, list[str]]:
        """Which values the labels of a run's series have.

        Args:
            run: The run.
            keys: Label keys; as a mapping, with how their values must begin.
            regexes: Further keys, with what their values must match (RE2). 10 keys at most.
        """
        prefixes = dict(keys) if isinstance(keys, Mapping) else dict.fromkeys(_strings(keys), "")
        matching = dict(regexes or {})
        if twice := prefixes.keys() & matching.keys():
            raise MetranaQueryConfigError(f"keys= and regexes= both name {sorted(twice)}")
        request = {
            **self._in_project(),
            "run": run,
            "label_key_filters": [
                *({"key": key, "value_prefix": prefix} for key, prefix in prefixes.items()),
                *({"key": key, "value_regex": regex} for key, regex in matching.items()),
            ],
            "limit": _NAMES_A_PAGE,
        }
        values: dict[str, list[str]] = {key: [] for key in (*prefixes, *matching)}
        for page in self._reader.pages("ListSeriesLabelValues", request):
            for one in page.get("label_key_values", ()):
                values.setdefault(one["key"], []).extend(one.get("values", ()))
        return values

    # How they ask

    def _named_project(self) -> str:
        if self._project is None:
            raise MetranaQueryConfigError(
                "no project: pass project_name= to QueryClient() or set METRANA_PROJECT"
            )
        return self._project

    def _in_project(self) -> dict[str, Any]:
        return {**self._scope, "project": self._named_project()}

    def _items(
        self, method: str, request: dict[str, Any], field: str, limit: int | None
    ) -> Iterator[Any]:
        if limit is not None and limit < 1:
            raise MetranaQueryConfigError(f"limit must be 1 or more, not {limit!r}")
        for page in self._reader.pages(method, request, limit or 0):
            yield from page.get(field, ())

    def _anchor(self, run: str, rl_step: int | None, episode: int | None) -> dict[str, int]:
        if rl_step is not None and episode is not None:
            raise MetranaQueryConfigError("say rl_step= or episode=, not both")
        if rl_step is not None:
            return {"rl_step": rl_step}
        return {"episode": self.get_rl_info(run).latest_episode if episode is None else episode}

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

    def _attribute_definitions(
        self, method: str, request: dict[str, Any], chosen: dict[str, Any]
    ) -> pd.DataFrame:
        request |= {"attr_filter": chosen, "limit": _NAMES_A_PAGE}
        rows = [
            (one["path"], one["kind"].removeprefix("ATTR_KIND_"))
            for page in self._reader.pages(method, request)
            for one in page.get("attribute_defs", ())
        ]
        return pandas().DataFrame(rows, columns=["path", "kind"])

    def _attributes(
        self, method: str, request: dict[str, Any], chosen: dict[str, Any]
    ) -> dict[str, Any]:
        request |= {"attr_filter": chosen, "limit": _NAMES_A_PAGE}
        return {
            one["path"]: value_of(one)
            for page in self._reader.pages(method, request)
            for one in page.get("attributes", ())
        }

    def _metric_definitions(self, method: str, request: dict[str, Any]) -> pd.DataFrame:
        request["limit"] = _NAMES_A_PAGE
        rows = [
            (
                one.get("metric_name", ""),
                one.get("scale", ""),
                one.get("label_keys", []),
                one.get("is_aggregated", False),
                one.get("value_kind", "SERIES_VALUE_KIND_FLOAT").removeprefix("SERIES_VALUE_KIND_"),
            )
            for page in self._reader.pages(method, request)
            for one in page.get("metric_definitions", ())
        ]
        names = ["name", "scale", "label_keys", "aggregated", "value_kind"]
        return pandas().DataFrame(rows, columns=names)


# Requests


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _texts(values: object) -> list[str]:
    if isinstance(values, (str, SeriesFilter, SummaryColumn)):
        return [str(values)]
    if not isinstance(values, Iterable):
        raise MetranaQueryConfigError(f"a query or a list of them is wanted, not {values!r}")
    return [str(one) for one in values]


def _strings(values: str | Iterable[str]) -> list[str]:
    names = [values] if isinstance(values, str) else list(values)
    for name in names:
        if not isinstance(name, str):
            raise MetranaQueryConfigError(f"a name must be a str, not {name!r}")
    return names


def _aggregations(prefix: str, names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in _AGGREGATIONS:
            raise MetranaQueryConfigError(
                f"there is no aggregation {name!r}; known are {', '.join(_AGGREGATIONS)}"
            )
    return [f"{prefix}_{name.upper()}" for name in names]


def _value_kinds(kinds: Sequence[str]) -> list[str]:
    return [f"SERIES_VALUE_KIND_{kind}" for kind in _strings(kinds)]


def _attr_filter(regex: str | None, prefix: str | None, kinds: Sequence[str]) -> dict[str, Any]:
    if regex is not None and prefix is not None:
        raise MetranaQueryConfigError("say regex= or prefix=, not both")
    if prefix is not None:
        regex = f"^{re.escape(prefix)}"
    chosen: dict[str, Any] = {"all": {}} if regex is None else {"regex": regex}
    return {**chosen, "kinds": [f"ATTR_KIND_{kind}" for kind in kinds]}
