"""`metrana export`: every point of runs in a Parquet file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrana._reader import Reader
from metrana.command_options import add_url, reader_of, split_path
from metrana.errors import MetranaQueryConfigError
from metrana.frames import pyarrow
from metrana.views_frames import column

_POINTS_A_PAGE = 500_000

_Series = Mapping[str, Any]
"""A PointsOfSeries of the protocol."""


def export(arguments: Sequence[str]) -> int:
    """Writes all points of runs to a Parquet file."""
    parser = argparse.ArgumentParser(
        prog="metrana export",
        description="Writes every point of runs to a Parquet file, a row each: run, metric, scale, "
        "labels, environment, rl_step, episode, step (of points of an environment the env step, of "
        "EPISODE scale the episode), timestamp and value. Ordinary points have no environment, "
        "rl_step and episode. Of a run that was forked these are its own points.",
    )
    parser.add_argument("runs", nargs="+", metavar="WORKSPACE/PROJECT/RUN")
    parser.add_argument("--output", "-o", required=True, metavar="FILE", type=Path)
    parser.add_argument("--force", action="store_true", help="replace the file if there is one")
    add_url(parser)
    options = parser.parse_args(arguments)
    if options.output.exists() and not options.force:
        raise MetranaQueryConfigError(f"{options.output} exists already; --force replaces it")
    runs = [split_path(path, most=3, least=3) for path in dict.fromkeys(options.runs)]
    with reader_of(options) as reader:
        points = _write(options.output, (table for run in runs for table in _tables(reader, *run)))
    print(f"{points:,} points in {options.output}")
    return 0


def _tables(reader: Reader, workspace: str, project: str, run: str) -> Iterator[Any]:
    """The points of a run as Arrow tables, page by page."""
    name = {"workspace": workspace, "project": project, "run": run}
    request = {"run": name, "max_points": _POINTS_A_PAGE}
    for page in reader.pages("ListPoints", request):
        if "series" in page:
            yield _table(run, page["series"])


def _schema() -> Any:
    arrow = pyarrow()
    text = arrow.dictionary(arrow.int32(), arrow.string())
    return arrow.schema(
        [
            ("run", text),
            ("metric", text),
            ("scale", text),
            ("labels", arrow.map_(arrow.string(), arrow.string())),
            ("environment", text),
            ("rl_step", arrow.uint64()),
            ("episode", arrow.uint64()),
            ("step", arrow.uint64()),
            ("timestamp", arrow.timestamp("ms", tz="UTC")),
            ("value", arrow.float64()),
        ]
    )


def _table(run: str, series: Sequence[_Series]) -> Any:
    arrow, schema = pyarrow(), _schema()
    # Which of the series each row is of.
    rows = np.repeat(np.arange(len(series), dtype=np.int32), [_len(one) for one in series])
    labels = arrow.array(
        [sorted(one.get("labels", {}).items()) for one in series], schema.field("labels").type
    )
    columns = [
        _texts([run] * len(series), rows),
        _texts([one.get("metric_name", "") for one in series], rows),
        _texts([one.get("scale", "") for one in series], rows),
        labels.take(arrow.array(rows)),
        _texts([one.get("environment") for one in series], rows),
        arrow.array(
            _joined(series, lambda one: _of_environment(one, "rl_steps")),
            mask=_joined(series, _is_ordinary),
        ),
        arrow.array(
            _joined(series, lambda one: _of_environment(one, "episodes")),
            mask=_joined(series, _has_no_episode),
        ),
        arrow.array(_joined(series, lambda one: column(one["steps"], "<u8"))),
        arrow.array(_joined(series, lambda one: column(one["timestamps"], "<i8"))).cast(
            schema.field("timestamp").type
        ),
        arrow.array(_joined(series, lambda one: column(one["values"]))),
    ]
    return arrow.Table.from_arrays(columns, schema=schema)


def _len(one: _Series) -> int:
    return len(column(one["values"]))


def _texts(texts: Sequence[str | None], rows: NDArray[np.int32]) -> Any:
    arrow = pyarrow()
    return arrow.array(texts, arrow.string()).dictionary_encode().take(arrow.array(rows))


def _joined(series: Sequence[_Series], part: Callable[[_Series], NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate([part(one) for one in series])


def _is_ordinary(one: _Series) -> NDArray[Any]:
    return np.full(_len(one), "environment" not in one)


def _of_environment(one: _Series, name: str) -> NDArray[Any]:
    return np.zeros(_len(one), "<u8") if "environment" not in one else column(one[name], "<u8")


def _has_no_episode(one: _Series) -> NDArray[Any]:
    return one["has_episode"] == 0 if "has_episode" in one else _is_ordinary(one)


def _write(path: Path, tables: Iterator[Any]) -> int:
    pyarrow()
    import pyarrow.parquet as parquet

    points = 0
    part = path.with_name(path.name + ".part")
    try:
        with parquet.ParquetWriter(part, _schema(), compression="zstd") as writer:
            for table in tables:
                writer.write_table(table)
                points += table.num_rows
                if sys.stderr.isatty():
                    print(f"\r{points:,} points", end="", file=sys.stderr, flush=True)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        if sys.stderr.isatty():
            print(file=sys.stderr)
    return points
