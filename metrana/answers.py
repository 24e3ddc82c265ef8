"""Answers of the server, page by page, made into columns and values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrana.errors import MetranaQueryRpcError
from metrana.frames import Axis, Buckets, FloatSeries, SeriesBuckets, SeriesId

NO_UINTS = np.empty(0, np.uint64)
NO_FLOATS = np.empty(0, np.float64)


def instant(stamp: Mapping[str, int] | None) -> dt.datetime | None:
    """A timestamp, in UTC."""
    if stamp is None:
        return None
    micros = stamp.get("nanos", 0) // 1000
    epoch = dt.datetime.fromtimestamp(0, dt.timezone.utc)
    return epoch + dt.timedelta(seconds=stamp.get("seconds", 0), microseconds=micros)


def value_of(attribute: Mapping[str, Any]) -> Any:
    """What an attribute holds; None: nothing."""
    for name, value in attribute.items():
        if name == "timestamp_value":
            return instant(value)
        if name == "string_set_value":
            return list(value.get("values", ()))
        if name != "path":
            return value
    return None


def chosen_attributes(item: Mapping[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    """The attributes of a run or its like, None where it has none."""
    values = {one["path"]: value_of(one) for one in item.get("attributes", ())}
    return {path: values.get(path) for path in paths}


def chosen_summaries(item: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """The functions of series that a run or its like has, None where it has none."""
    values = {
        one["series_summary"]: one.get("value", 0.0) for one in item.get("series_summaries", ())
    }
    return {column: values.get(column) for column in columns}


def group_column(part: Mapping[str, Any], n: int) -> list[Any]:
    """What a group has in common, for each of its rows."""
    value = part.get("string_value", part.get("bool_value"))
    return [value] * n


def series_of(
    run: str, found: Iterable[Mapping[str, Any]], environment: str | None = None
) -> list[FloatSeries]:
    """A run's series, which look at the memory of the answer."""
    return [
        FloatSeries(
            run,
            SeriesId.of(one["definition"]),
            one["points"]["steps"],
            one["points"]["values"],
            one["points"].get("timestamp_millis"),
            environment,
        )
        for one in found
    ]


def count_points(answer: Mapping[str, Any]) -> int:
    """How many points an answer has."""
    runs = answer.get("run_points", [answer])
    return sum(len(one["points"]["values"]) for of_run in runs for one in of_run["series"])


def axis_of(answer: Mapping[str, Any], names: tuple[str, str, str]) -> Axis:
    """The axis of buckets; the names are those of its first, last and width."""
    first, last, width = names
    return Axis(
        answer.get(first, 0),
        answer.get(last, 0),
        answer.get(width, 0.0),
        answer.get("buckets_count", 0),
    )


_PARALLEL = ("bucket_indexes", "y_values", "counts", "min_values", "max_values")
_LISTED = ("buckets_with_nans", "buckets_with_infs", "buckets_with_neg_infs")


def bucketed(
    pages: Iterable[Mapping[str, Any]], field: str, names: tuple[str, str, str], run: str = ""
) -> Buckets:
    """The buckets of all pages, which must have one axis."""
    axis = Axis(0, 0, 0.0, 0)
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for page in pages:
        answer = page.get(field)
        if answer is None:
            continue
        mine = axis_of(answer, names)
        if axis.count and mine.count and mine != axis:
            raise MetranaQueryRpcError(
                f"INTERNAL: the axis of one page is {axis}, of another {mine}"
            )
        axis = mine if mine.count else axis
        for one in answer.get("series", ()):
            key = SeriesId.of(one["definition"])
            name = (one.get("run", run), one.get("environment", ""), f"{key.key} {key.aggregated}")
            found.setdefault(name, []).append(one)
    return Buckets(
        axis,
        [_bucket_series(run, environment, of) for (run, environment, _), of in found.items()],
    )


def _bucket_series(run: str, environment: str, pages: list[Mapping[str, Any]]) -> SeriesBuckets:
    def column(name: str, default: NDArray[Any] = NO_UINTS) -> NDArray[Any]:
        arrays = [page[name] for page in pages if name in page]
        if not arrays:
            return default
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)

    means = column("y_values", NO_FLOATS)
    known = {*_PARALLEL, *_LISTED, "definition", "run", "environment"}
    others = {name: column(name) for page in pages for name in page if name not in known}
    return SeriesBuckets(
        run,
        SeriesId.of(pages[0]["definition"]),
        column("bucket_indexes"),
        means,
        column("counts", np.ones(len(means), np.uint64)),
        column("min_values", means),
        column("max_values", means),
        {name: values for name, values in others.items() if len(values) == len(means)},
        column("buckets_with_nans"),
        column("buckets_with_infs"),
        column("buckets_with_neg_infs"),
        environment or None,
    )
