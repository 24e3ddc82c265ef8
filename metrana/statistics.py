"""Estimates over runs or environments, such as the seeds of an algorithm, as curves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from metrana.asking import Asking
from metrana.curves import CurveAxis
from metrana.errors import MetranaQueryConfigError
from metrana.filters import SeriesFilter
from metrana.request import Range, ValueRange, axis_of, given, ranges, strings
from metrana.views_answers import statistics_of
from metrana.views_frames import Statistics

Estimator = Literal["mean", "median", "iqm", "std", "sem", "min", "max"]


@dataclasses.dataclass(frozen=True)
class GroupMember:
    """Points of a run that belong to a group.

    Attributes:
        run: The run.
        environments: Only of these; of all when empty.
        series: Which series; that of the call unless given.
    """

    run: str
    environments: str | Sequence[str] = ()
    series: SeriesFilter | str | None = None


@dataclasses.dataclass(frozen=True)
class Normalisation:
    """Puts samples on one scale: 0 is the low value, 1 the high one. Or each task on its own.

    Attributes:
        low: The low value; the least of all samples unless given.
        high: The high value; the greatest of all samples unless given.
        by_environment: Each environment has a scale of its own. Goes with unit="environment".
        by_run_attribute: Runs with one value of this attribute, such as `config/env_id`, have a
            scale of their own.
        by_environment_attribute: Environments with one value of this attribute, such as `task`,
            have a scale of their own. A run is the mean of its tasks, each put on its scale.
        scales: With one of the three: the low and high values of ids of environments or values of
            the attribute, such as {"Pong": (-20.7, 14.6)}. Where there are none, or None at an
            end, it is the least or greatest of its samples in all groups.
    """

    low: float | None = None
    high: float | None = None
    by_environment: bool = False
    by_run_attribute: str | None = None
    by_environment_attribute: str | None = None
    scales: Mapping[str, ValueRange] = dataclasses.field(default_factory=dict, hash=False)

    def _request(self) -> dict[str, Any]:
        """As the protocol writes it."""
        scales = [
            {"of": of, **given(low=low, high=high)} for of, (low, high) in self.scales.items()
        ]
        return {**given(**dataclasses.asdict(self)), "scales": scales}


Members = str | GroupMember | Sequence[str | GroupMember]
"""Runs or parts of them, one or several."""


class StatisticsOfGroups(Asking):
    """What a `QueryClient` fetches of groups."""

    def fetch_statistics(
        self,
        groups: Mapping[str, Members],
        series: SeriesFilter | str,
        *,
        axis: CurveAxis = "step",
        estimators: Sequence[Estimator] = ("mean",),
        percentiles: Sequence[float] = (),
        unit: Literal["run", "environment"] = "run",
        within: Range | None = None,
        episodes: Range | None = None,
        rl_steps: Range | None = None,
        grid_points: int | None = None,
        bin_means: bool = False,
        normalisation: Normalisation | None = None,
        resamples: int | None = None,
        confidence: float = 0.95,
        seed: int = 0,
        include_samples: bool = False,
    ) -> Statistics:
        """Estimates over the samples of groups at each point of one grid.

        Over runs, with confidence intervals:

            >>> found = client.fetch_statistics(
            ...     {"ppo": ["ppo-1", "ppo-2"], "dqn": ["dqn-1", "dqn-2"]}, "return()",
            ...     axis="rl_step", estimators=["iqm"], resamples=1000,
            ... )
            >>> list(found.to_pandas().columns)
            ['group', 'x', 'samples', 'iqm', 'iqm_low', 'iqm_high']

        Over the environments of a run, each on a scale of its own:

            >>> from metrana.query import GroupMember, Normalisation
            >>> found = client.fetch_statistics(
            ...     {"easy": GroupMember("ppo-1", ["env-0", "env-1"]),
            ...      "hard": GroupMember("ppo-1", "env-2")},
            ...     "return()", axis="episode", unit="environment", grid_points=2, bin_means=True,
            ...     normalisation=Normalisation(by_environment=True),
            ... )
            >>> [(group.name, group.samples) for group in found.groups]
            [('easy', 2), ('hard', 1)]

        Over runs of several tasks, each put on a scale of its own before they are one:

            >>> found = client.fetch_statistics(
            ...     {"ppo": ["ppo-1", "ppo-2"]}, "return()", axis="rl_step",
            ...     normalisation=Normalisation(
            ...         by_environment_attribute="task", scales={"reach": (0, 500)}
            ...     ),
            ... )
            >>> [scale["of"] for scale in found.parameters["normalisation"]["scales"]]
            ['reach', 'walk']

        Args:
            groups: The runs of each group, or those environments of them that count.
            series: Which series; all that it selects in a member are taken together.
            axis: What the grid goes along, as in `fetch_curves`.
            estimators: What to make of the samples at each grid point.
            percentiles: From 0 to 100, linear between samples.
            unit: What one sample is: all that a member selects, or each of its environments.
            within: Only this part of the axis.
            episodes: Only points of environments in these episodes.
            rl_steps: Only points of environments at these updates.
            grid_points: Up to 5,000; 256 unless given.
            bin_means: A sample's value at a grid point is the mean of those of its points that
                lie nearest to it. Otherwise it is linear between the two points beside it.
            normalisation: Puts samples on one scale before anything is estimated.
            resamples: Up to 10,000 for confidence intervals by the bootstrap; none unless given.
            confidence: The part of the estimates that lie within.
            seed: Begins the bootstrap's random numbers.
            include_samples: Give the curve of each sample, too.
        """
        bootstrap = {"resamples": resamples, "confidence": confidence, "seed": seed}
        request = {
            **self._in_views(),
            "groups": [
                {"name": name, "members": [_member(one, series) for one in _several(members)]}
                for name, members in groups.items()
            ],
            "axis": axis_of(get_args(CurveAxis), axis=axis),
            "estimators": [f"ESTIMATOR_{one.upper()}" for one in estimators],
            "percentiles": list(percentiles),
            "unit": f"SAMPLE_UNIT_{unit.upper()}",
            "bin_means": bin_means,
            "include_samples": include_samples,
            **ranges(range=within, episodes=episodes, rl_steps=rl_steps),
            **given(
                grid_points=grid_points,
                bootstrap=bootstrap if resamples else None,
                normalisation=normalisation and normalisation._request(),
            ),
        }
        return statistics_of(self._answer("GetStatistics", request))


def _several(members: Members) -> Sequence[str | GroupMember]:
    return [members] if isinstance(members, (str, GroupMember)) else members


def _member(one: str | GroupMember, series: SeriesFilter | str) -> dict[str, Any]:
    if isinstance(one, str):
        one = GroupMember(one)
    if not isinstance(one, GroupMember):
        raise MetranaQueryConfigError(f"a member is a run's name or a GroupMember, not {one!r}")
    return {
        "run": one.run,
        "environments": strings(one.environments),
        "series_query": str(series if one.series is None else one.series),
    }
