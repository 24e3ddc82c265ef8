"""Curves as the dashboard draws them: series in buckets along any axis, environments together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from metrana.asking import Asking
from metrana.errors import MetranaQueryConfigError
from metrana.filters import SeriesFilter
from metrana.frames import Floats, SeriesId, UInts, pandas
from metrana.request import Range, SeriesQueries, ValueRange, axis_of, given, ranges, strings, texts
from metrana.views_frames import column

if TYPE_CHECKING:
    import pandas as pd

CurveAxis = Literal[
    "step",
    "rl_step",
    "cumulative_env_steps",
    "episode",
    "env_step",
    "relative_time",
    "wall_time",
]
JoiningAxis = Literal["step", "rl_step"]


@dataclass(frozen=True)
class Curve:
    """The buckets of a curve that hold finite points. Arrays but the last three are parallel."""

    run: str
    series: SeriesId
    environment: str | None
    """None: all environments together, or points that belong to none."""
    xs: Floats
    """Where the buckets begin."""
    counts: UInts
    means: Floats
    mins: Floats
    maxs: Floats
    lasts: Floats
    """The last point of each bucket along the axis."""
    nan_xs: Floats
    """Where buckets begin that NaNs fell into; they are in no other number here."""
    infinity_xs: Floats
    negative_infinity_xs: Floats

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Curve:
        """Out of a CurveBuckets of the protocol."""
        identity = answer["identity"]
        names = ("xs", "means", "minima", "maxima", "lasts")
        xs, means, mins, maxs, lasts = (column(answer.get(name)) for name in names)
        return cls(
            identity["run"],
            SeriesId.of(identity["series"]),
            identity.get("environment"),
            xs,
            column(answer.get("counts"), "<u8"),
            means,
            mins,
            maxs,
            lasts,
            column(answer.get("nan_xs")),
            column(answer.get("infinity_xs")),
            column(answer.get("negative_infinity_xs")),
        )


@dataclass(frozen=True)
class Curves:
    """Curves that share their buckets: runs as they were named, series by identity."""

    bucket_width: float
    """Buckets begin at multiples of it behind the first one, rounded down; 1: each holds one x.
    Along a metric they are not rounded, and 0 says that each value of the metric has one."""
    curves: Sequence[Curve]

    def __len__(self) -> int:
        return len(self.curves)

    def __iter__(self) -> Iterator[Curve]:
        return iter(self.curves)

    def __getitem__(self, at: int) -> Curve:
        return self.curves[at]

    def to_pandas(self) -> pd.DataFrame:
        """One row a bucket: `run`, `series`, `environment`, `x`, and the numbers of the bucket."""
        pd = pandas()
        tables = [
            pd.DataFrame(
                {
                    "run": one.run,
                    "series": one.series.key,
                    "environment": one.environment,
                    "x": one.xs,
                    "count": one.counts,
                    "mean": one.means,
                    "min": one.mins,
                    "max": one.maxs,
                    "last": one.lasts,
                }
            )
            for one in self.curves
        ]
        columns = ["run", "series", "environment", "x", "count", "mean", "min", "max", "last"]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


class CurvesOfSeries(Asking):
    """What a `QueryClient` fetches of curves."""

    def fetch_curves(
        self,
        runs: str | Sequence[str],
        series: SeriesQueries,
        *,
        axis: CurveAxis = "step",
        within: Range | None = None,
        buckets: int | None = None,
        environments: str | Sequence[str] = (),
        episodes: Range | None = None,
        rl_steps: Range | None = None,
        include_inherited: bool = False,
    ) -> Curves:
        """Series along any axis, as charts have them: "Copy as Python" of a chart writes this.

        Args:
            runs: Names of runs, 1,000 at most.
            series: Which series.
            axis: Points of environments have every axis but `step`, all others `step` and the
                times, in milliseconds since the run began or since 1970. `cumulative_env_steps` are
                those that the environment had taken over all its episodes.
            within: Only x from here to there, both included; None at an end: without bound.
            buckets: At most so many, from 1 to 5,000; 1,000 unless given.
            environments: A curve for each of these, 1,000 at most; unless given, all environments
                of a series are one curve.
            episodes: Only points of environments in these episodes, both ends included.
            rl_steps: Only points of environments at these updates.
            include_inherited: Also points that forked runs have from their parents.
        """
        request: dict[str, Any] = {
            **self._in_views(),
            "runs": strings(runs),
            "series_queries": texts(series),
            "axis": axis_of(get_args(CurveAxis), axis=axis),
            "environments": strings(environments),
            "include_inherited": include_inherited,
            **_checked(buckets),
            **ranges(range=within, episodes=episodes, rl_steps=rl_steps),
        }
        answer = self._answer("BucketSeries", request)
        return Curves(
            answer.get("bucket_width", 1.0), [Curve.of(one) for one in answer.get("curves", ())]
        )

    def fetch_curves_by_metric(
        self,
        runs: str | Sequence[str],
        series: SeriesQueries,
        x: SeriesFilter | str,
        *,
        joined_by: JoiningAxis = "step",
        within: ValueRange | None = None,
        buckets: int | None = None,
        include_inherited: bool = False,
    ) -> Curves:
        """Series along the values of another metric, as a return by the KL: charts have them, too.

        A point lies at the value that the metric has at its step, or at the nearest step before it;
        points before the first value are left out.

        Args:
            runs: Names of runs, 1,000 at most.
            series: Which series; 5 million points together at most.
            x: The metric that they go along. At a step it has the mean of its finite points there.
            joined_by: What a point's step is: `step`, or `rl_step` of points of environments.
            within: Only where the metric has values from here to there, both included; None at an
                end: without bound.
            buckets: At most so many, from 1 to 5,000; 1,000 unless given.
            include_inherited: Also points that forked runs have from their parents.
        """
        request: dict[str, Any] = {
            **self._in_views(),
            "runs": strings(runs),
            "series_queries": texts(series),
            "x_series_query": str(x),
            "axis": axis_of(get_args(JoiningAxis), joined_by=joined_by),
            "include_inherited": include_inherited,
            **_checked(buckets),
            **ranges(range=within),
        }
        answer = self._answer("BucketByMetric", request)
        return Curves(
            answer.get("bucket_width", 0.0), [Curve.of(one) for one in answer.get("curves", ())]
        )


def _checked(buckets: int | None) -> dict[str, int]:
    if buckets is not None and not 1 <= buckets <= 5000:
        raise MetranaQueryConfigError(f"buckets must be from 1 to 5,000, not {buckets!r}")
    return given(buckets=buckets)
