"""What queries answer with: columns, and tables of them.

Columns are NumPy arrays. `to_pandas()` makes a DataFrame of any of these, in long form: a
row for each point or bucket. Lists of series are Arrow streams, too (`__arrow_c_stream__`),
which Polars, DuckDB and PyArrow read without a copy of the numbers.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from metrana.errors import MetranaQueryConfigError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

UInts = NDArray[np.uint64]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def pandas() -> Any:
    """The module pandas.

    Raises:
        MetranaQueryConfigError: It is not installed.
    """
    return _module("pandas", "DataFrames need pandas")


def pyarrow() -> Any:
    """The module pyarrow.

    Raises:
        MetranaQueryConfigError: It is not installed.
    """
    return _module("pyarrow", "Arrow tables and Parquet need pyarrow")


def _module(name: str, need: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MetranaQueryConfigError(f'{need}: pip install "metrana[query]"') from None


@dataclass(frozen=True)
class SeriesId:
    """Which series of a run."""

    name: str
    scale: str
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    aggregated: bool = False

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> SeriesId:
        """Out of a SeriesDefinition of the protocol."""
        ((kind, fields),) = definition.items()
        aggregated = kind == "aggregated"
        labels = fields.get("group_labels" if aggregated else "labels", {})
        return cls(
            fields.get("metric_name", ""),
            fields.get("scale", ""),
            dict(sorted(labels.items())),
            aggregated,
        )

    @property
    def key(self) -> str:
        """As one text: the name, in parentheses the scale unless it is ML_STEP, and the labels."""
        parts = [f"scale={self.scale}"] if self.scale != "ML_STEP" else []
        parts += [f"{key}={value}" for key, value in self.labels.items()]
        return f"{self.name}({', '.join(parts)})" if parts else self.name


@dataclass(frozen=True)
class FloatSeries:
    """The points of one series of one run, by ascending step."""

    run: str
    series: SeriesId
    steps: UInts
    values: Floats
    timestamps: Ints | None = None
    """Unix milliseconds, when they were asked for."""
    environment: str | None = None

    def __len__(self) -> int:
        return len(self.values)

    def to_pandas(self) -> pd.DataFrame:
        """Columns `step`, `value` and, when there are timestamps, `timestamp` (UTC)."""
        frame = pandas().DataFrame({"step": self.steps, "value": self.values}, copy=False)
        if self.timestamps is not None:
            frame["timestamp"] = self.timestamps.astype("M8[ms]")
        return frame

    def to_arrow(self) -> pa.Table:
        """The columns of `to_pandas` behind `run`, `series` and, of RL points, `environment`."""
        arrow = pyarrow()
        n = len(self)
        columns = {
            "run": _repeated(self.run, n),
            "series": _repeated(self.series.key, n),
            "step": arrow.array(self.steps),
            "value": arrow.array(self.values),
        }
        if self.environment is not None:
            columns["environment"] = _repeated(self.environment, n)
        if self.timestamps is not None:
            columns["timestamp"] = arrow.array(self.timestamps.view("M8[ms]"))
        return arrow.table(columns)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)


def _repeated(text: str, n: int) -> Any:
    arrow = pyarrow()
    return arrow.DictionaryArray.from_arrays(np.zeros(n, np.int32), arrow.array([text]))


_Item = TypeVar("_Item")


class _Items(Sequence[_Item], Generic[_Item]):
    def __init__(self, items: Sequence[_Item]) -> None:
        self._items = list(items)

    @overload
    def __getitem__(self, at: int) -> _Item: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[_Item]: ...
    def __getitem__(self, at: int | slice) -> _Item | Sequence[_Item]:
        return self._items[at]

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._items!r})"


class FloatSeriesList(_Items[FloatSeries]):
    """Series in the order of the server: runs as they were named, series by identity."""

    def to_pandas(self) -> pd.DataFrame:
        """One row a point: `run`, `series`, `step`, `value`, and what else was asked for."""
        pd = pandas()
        if not self:
            return pd.DataFrame({"run": [], "series": [], "step": [], "value": []})
        tables = []
        for one in self:
            frame = one.to_pandas()
            frame.insert(0, "run", one.run)
            frame.insert(1, "series", one.series.key)
            if one.environment is not None:
                frame.insert(2, "environment", one.environment)
            tables.append(frame)
        return pd.concat(tables, ignore_index=True)

    def to_arrow(self) -> pa.Table:
        """As `to_pandas`, with a chunk for each series, whose numbers are not copied."""
        arrow = pyarrow()
        return arrow.concat_tables([one.to_arrow() for one in self]) if self else arrow.table({})

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)


@dataclass(frozen=True)
class Axis:
    """Where buckets lie: bucket i begins at `first + floor(i * width)`."""

    first: int
    last: int
    width: float
    count: int

    def starts(self, indexes: UInts) -> Ints:
        """Where these buckets begin."""
        offsets: Ints = np.floor(indexes * self.width).astype(np.int64)
        return self.first + offsets


@dataclass(frozen=True)
class SeriesBuckets:
    """The buckets of one series that hold anything. The arrays but the last three are parallel."""

    run: str
    series: SeriesId
    indexes: UInts
    means: Floats
    counts: UInts
    mins: Floats
    maxs: Floats
    others: Mapping[str, NDArray[Any]]
    """What the kind of axis has besides, such as `last_timestamp_millis` or `last_rl_steps`."""
    with_nans: UInts
    """Indexes of the buckets that NaNs fell into; they are in no other number here."""
    with_infs: UInts
    with_neg_infs: UInts
    environment: str | None


@dataclass(frozen=True)
class Buckets:
    """Series summed up over stretches of one axis that they share."""

    axis: Axis
    series: Sequence[SeriesBuckets]

    def to_pandas(self) -> pd.DataFrame:
        """One row a bucket: `run`, `series`, `x` (its begin), `mean`, `count`, `min`, `max`, …."""
        pd = pandas()
        tables = []
        for one in self.series:
            frame = pd.DataFrame(
                {
                    "x": self.axis.starts(one.indexes),
                    "mean": one.means,
                    "count": one.counts,
                    "min": one.mins,
                    "max": one.maxs,
                    **one.others,
                }
            )
            frame.insert(0, "run", one.run)
            frame.insert(1, "series", one.series.key)
            if one.environment is not None:
                frame.insert(2, "environment", one.environment)
            tables.append(frame)
        columns = ["run", "series", "x", "mean", "count", "min", "max"]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
