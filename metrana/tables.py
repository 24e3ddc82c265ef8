"""Tables of projects, experiments, runs and environments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from metrana.answers import chosen_attributes, chosen_summaries
from metrana.asking import Asking
from metrana.filters import Filter, OrderBy
from metrana.frames import pandas
from metrana.request import NEWEST_FIRST, Columns, given, text, texts

if TYPE_CHECKING:
    import pandas as pd


class Tables(Asking):
    """A row for each project, experiment, run or environment."""

    def fetch_projects(
        self,
        *,
        filter: Filter | str | None = None,  # noqa: A002 # the protocol's word
        order_by: OrderBy | str = NEWEST_FIRST,
        limit: int | None = None,
        attribute_paths: Sequence[str] = (),
    ) -> pd.DataFrame:
        """The workspace's projects: `name`, `runs_count`, `experiments_count`, attributes.

        Args:
            filter: Which ones; `AttrFilter("sys/pinned") == True`: those that are pinned in the
                dashboard.
            order_by: Newest first unless given.
            limit: How many at most.
            attribute_paths: Attributes to show, a column each; None where there is none.
        """
        request = {
            **self._scope,
            **given(filter=text(filter)),
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
        order_by: OrderBy | str = NEWEST_FIRST,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """The project's experiments: `name`, `runs_count`."""
        request = {**self._in_project(), **given(filter=text(filter)), "order_by": str(order_by)}
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
        order_by: OrderBy | str = NEWEST_FIRST,
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
            series_summaries: Functions of series to show, as `SeriesFilter("loss").last`, or
                over all environments, `SeriesFilter("return", scale="EPISODE").last`.
        """
        columns = texts(series_summaries)
        request = {
            **self._in_project(),
            **given(experiment=experiment_name, filter=text(filter)),
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
        columns = texts(series_summaries)
        request = {
            **self._in_project(),
            "run": run,
            "scale_selector": self._anchor(run, rl_step, episode),
            **given(filter=text(filter), order_by=text(order_by)),
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
