"""What the views answer with: columns as NumPy arrays, and tables of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metrana.frames import Floats, SeriesId, UInts, pandas

if TYPE_CHECKING:
    import pandas as pd


def column(memory: NDArray[np.uint8] | None, dtype: str = "<f8") -> NDArray[Any]:
    """A column of the views: the bytes of its numbers; none are no numbers."""
    return np.empty(0, dtype) if memory is None else memory.view(dtype)


@dataclass(frozen=True)
class EpisodeMatrix:
    """One number of every episode of every environment; rows are environments, columns episodes."""

    environments: Sequence[str]
    """Id of the first environment of each row."""
    environment_counts: UInts
    """How many environments each row holds."""
    first_episodes: UInts
    """First episode of each column."""
    last_episode: int
    """Last episode of the last column."""
    means: Floats
    """Of shape (rows, columns); NaN where there is no finite number."""
    minima: Floats
    maxima: Floats

    def to_pandas(self) -> pd.DataFrame:
        """The means, by id of the (first) environment and number of the (first) episode."""
        return pandas().DataFrame(
            self.means,
            index=pandas().Index(self.environments, name="environment"),
            columns=pandas().Index(self.first_episodes, name="episode"),
        )


@dataclass(frozen=True)
class Estimate:
    """An estimator at every grid point; NaN where it has no samples."""

    values: Floats
    low: Floats
    """Lower ends of the confidence intervals; empty without a bootstrap."""
    high: Floats


@dataclass(frozen=True)
class Sample:
    """The curve of one sample on the grid; NaN beyond its ends."""

    run: str
    environment: str | None
    values: Floats


@dataclass(frozen=True)
class GroupStatistics:
    """What the samples of a group come to."""

    name: str
    samples: int
    """How many have points."""
    counts: UInts
    """How many there are at each grid point."""
    estimates: Mapping[str, Estimate]
    """By the name of the estimator: "iqm"."""
    percentiles: Mapping[float, Floats]
    sample_curves: Sequence[Sample]
    """When they were asked for."""


@dataclass(frozen=True)
class Statistics:
    """Estimates of groups on one grid."""

    grid: Floats
    groups: Sequence[GroupStatistics]
    parameters: Mapping[str, Any]
    """What a figure has to say: axis, unit, interpolation, bootstrap, normalisation."""

    def to_pandas(self) -> pd.DataFrame:
        """A row a group and grid point.

        Columns `group`, `x`, `samples`, one named by each estimator, with a bootstrap its
        ends (`iqm_low`, `iqm_high`), and one of each percentile (`p10`).
        """
        pd = pandas()
        tables = []
        for group in self.groups:
            columns: dict[str, Any] = {"group": group.name, "x": self.grid, "samples": group.counts}
            for name, estimate in group.estimates.items():
                columns[name] = estimate.values
                if len(estimate.low):
                    columns |= {f"{name}_low": estimate.low, f"{name}_high": estimate.high}
            columns |= {f"p{at:g}": values for at, values in group.percentiles.items()}
            tables.append(pd.DataFrame(columns))
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


@dataclass(frozen=True)
class Counts:
    """What a client counted of one kind of data: added = sent + dropped + still queued."""

    added: int = 0
    enqueued: int = 0
    sent: int = 0
    dropped: int = 0


@dataclass(frozen=True)
class Delivery:
    """What one logger last said of itself."""

    logger_id: int
    reported: dt.datetime | None
    float_points: Counts
    rl_float_points: Counts
    attribute_updates: Counts
    env_attribute_updates: Counts
    others: Mapping[str, int]
    """`connection_attempts`, `requests_sent`, `send_errors`, …; those that are 0 left out."""


@dataclass(frozen=True)
class NonFinitePoint:
    """The first NaN or infinity of a series."""

    series: SeriesId
    step: int
    """Of an RL point its rl_step."""
    value: float | None
    """None: overwritten since."""
    environment: str | None
    episode: int | None
    env_step: int


@dataclass(frozen=True)
class RunHealth:
    """What arrived of a run, and what did not."""

    points_stored: int
    points_late: int
    """Refused: their step was not above the last of their series."""
    points_duplicate: int
    points_refused: int
    """No axis can hold their position."""
    not_stored: Mapping[str, int]
    """Acknowledged but not stored, by kind."""
    last_received: dt.datetime | None
    newest_point: dt.datetime | None
    """None: there are no points."""
    ingest_lag_millis: int | None
    deliveries: Sequence[Delivery]
    non_finite: Sequence[NonFinitePoint]
    """The first 100 series with one, when they were asked for."""
    more_non_finite: bool


@dataclass(frozen=True)
class Sparkline:
    """Up to 64 means of a whole series."""

    means: Floats
    """Of the buckets that have finite points; empty: there is no such series."""
    bucket_indexes: UInts
    """Places of these buckets."""
    bucket_count: int
    first_step: int
    last_step: int
