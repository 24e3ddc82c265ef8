"""`metrana ls` and `metrana export`: what a server holds, on the command line."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from metrana._reader import Reader
from metrana.answers import instant
from metrana.errors import MetranaQueryConfigError
from metrana.filters import AttrFilter, SeriesFilter
from metrana.frames import SeriesId, pyarrow
from metrana.settings import DEFAULT_URL

_PATH_HELP = "WORKSPACE, WORKSPACE/PROJECT or WORKSPACE/PROJECT/RUN; nothing: the workspaces"
_POINTS_A_PAGE = 250_000
_NAMES_A_PAGE = 10_000


def ls(arguments: Sequence[str]) -> int:
    """Lists workspaces, projects, runs, or the series of a run."""
    parser = argparse.ArgumentParser(prog="metrana ls", description="Lists what a server holds.")
    parser.add_argument("path", nargs="?", default="", metavar="PATH", help=_PATH_HELP)
    _connection(parser)
    options = parser.parse_args(arguments)
    names = _split(options.path, most=3)
    with _reader(options) as reader:
        listings = (_workspaces, _projects, _runs, _series)
        rows = listings[len(names)](reader, *names)
        widths: list[int] = []
        table = [[str(cell) for cell in row] for row in rows]
        for row in table:
            widths = [
                max(len(cell), before)
                for cell, before in zip(row, widths or [0] * len(row), strict=True)
            ]
        for row in table:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print(line.rstrip())
    return 0


def export(arguments: Sequence[str]) -> int:
    """Writes all points of runs to a Parquet file."""
    parser = argparse.ArgumentParser(
        prog="metrana export",
        description="Writes every point of runs to a Parquet file, a row each, in the order of the "
        "series: run, metric, scale, labels, environment, episode, step (of points of an "
        "environment: the env step), timestamp and value. Points of environments that belong to no "
        "episode are left out.",
    )
    parser.add_argument("runs", nargs="+", metavar="WORKSPACE/PROJECT/RUN")
    parser.add_argument("--output", "-o", required=True, metavar="FILE", type=Path)
    parser.add_argument("--force", action="store_true", help="replace the file if there is one")
    _connection(parser)
    options = parser.parse_args(arguments)
    if options.output.exists() and not options.force:
        raise MetranaQueryConfigError(f"{options.output} exists already; --force replaces it")
    runs = [_split(path, most=3, least=3) for path in options.runs]
    with _reader(options) as reader:
        points = _write(options.output, (page for run in runs for page in _points(reader, *run)))
    print(f"{points:,} points in {options.output}")
    return 0


def _connection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url",
        metavar="URL",
        help="the server; else METRANA_QUERY_API_URL, METRANA_INGESTION_URL, " + DEFAULT_URL,
    )


def _reader(options: argparse.Namespace) -> contextlib.closing[Reader]:
    variables = ("METRANA_QUERY_API_URL", "METRANA_INGESTION_URL")
    url = options.url or next(filter(None, map(os.environ.get, variables)), DEFAULT_URL)
    return contextlib.closing(Reader(url, os.environ.get("METRANA_API_KEY") or None))


def _split(path: str, most: int, least: int = 0) -> list[str]:
    names = path.strip("/").split("/") if path else []
    if not least <= len(names) <= most or not all(names):
        raise MetranaQueryConfigError(f"{path!r} is not {_PATH_HELP}")
    return names


# Listings: a row of titles, then the rows

_Rows = Iterator[Sequence[object]]


def _workspaces(reader: Reader) -> _Rows:
    yield ("WORKSPACE",)
    for page in reader.pages("ListWorkspaces", {}):
        for one in page.get("workspaces", ()):
            yield (one["name"],)


def _projects(reader: Reader, workspace: str) -> _Rows:
    yield "PROJECT", "RUNS"
    request = {"workspace": workspace, "order_by": str(AttrFilter("sys/creation_time").desc())}
    for page in reader.pages("ListProjects", request):
        for one in page.get("projects", ()):
            yield one["name"], one.get("runs_count", 0)


def _runs(reader: Reader, workspace: str, project: str) -> _Rows:
    yield "RUN", "STATUS", "CREATED"
    paths = ["sys/status", "sys/creation_time"]
    request = {
        "workspace": workspace,
        "project": project,
        "order_by": str(AttrFilter("sys/creation_time").desc()),
        "attribute_paths": paths,
    }
    for page in reader.pages("ListRuns", request):
        for one in page.get("runs", ()):
            values = {value["path"]: value for value in one.get("attributes", ())}
            created = instant(values.get("sys/creation_time", {}).get("timestamp_value"))
            status = values.get("sys/status", {}).get("string_value", "")
            when = created.astimezone().strftime("%Y-%m-%d %H:%M:%S") if created else ""
            yield one["name"], status, when


def _series(reader: Reader, workspace: str, project: str, run: str) -> _Rows:
    yield "SERIES", "SCALE"
    for found in _definitions(reader, workspace, project, run):
        labels = ", ".join(f"{key}={value}" for key, value in found.labels.items())
        yield found.name + (f"({labels})" if labels else ""), found.scale


def _definitions(reader: Reader, workspace: str, project: str, run: str) -> Iterator[SeriesId]:
    request = {"workspace": workspace, "project": project, "run": run, "limit": _NAMES_A_PAGE}
    for page in reader.pages("ListSeriesDefinitions", request):
        yield from (SeriesId.of(one) for one in page.get("series_definitions", ()))


# Exporting


def _points(reader: Reader, workspace: str, project: str, run: str) -> Iterator[Any]:
    """The points as Arrow tables, page by page."""
    scope = {"workspace": workspace, "project": project}
    rl_scales = {"EPISODE", "ENVIRONMENT_STEP"}
    found = list(_definitions(reader, workspace, project, run))
    names = sorted({(one.name, one.scale) for one in found if one.scale not in rl_scales})
    for name, scale in names:
        request = {
            **scope,
            "run_names": [run],
            "series_queries": [str(SeriesFilter(name, scale=scale))],
            "include_timestamps": True,
            "max_points_per_page": _POINTS_A_PAGE,
        }
        for page in reader.pages("ListFloatSeries", request):
            for of_run in page.get("run_points", ()):
                for one in of_run.get("series", ()):
                    yield _table(run, one, None, None)
    if any(one.scale in rl_scales for one in found):
        yield from _rl_points(reader, scope, run)


def _rl_points(reader: Reader, scope: dict[str, str], run: str) -> Iterator[Any]:
    request = {**scope, "run": run}
    (info,) = reader.pages("GetRLInfo", request)
    anchor = {"episode": info.get("latest_episode", 0)}
    environments = [
        one
        for page in reader.pages("ListRLEnvironments", {**request, "scale_selector": anchor})
        for one in page.get("environments", ())
    ]
    for environment in environments:
        name = environment["environment_id"]
        for episode in range(environment.get("latest_episode", 0) + 1):
            asked = {
                **request,
                "environment": name,
                "scale_selector": {"episode": episode},
                "max_points_per_page": _POINTS_A_PAGE,
            }
            for page in reader.pages("ListRLEnvironmentFloatSeries", asked):
                for one in page.get("series", ()):
                    yield _table(run, one, name, episode)


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
            ("episode", arrow.uint64()),
            ("step", arrow.uint64()),
            ("timestamp", arrow.timestamp("ms", tz="UTC")),
            ("value", arrow.float64()),
        ]
    )


def _table(run: str, series: Any, environment: str | None, episode: int | None) -> Any:
    arrow = pyarrow()
    schema = _schema()
    key, points = SeriesId.of(series["definition"]), series["points"]
    n = len(points["values"])
    labels = arrow.array([list(key.labels.items())], schema.field("labels").type)
    times = points.get("timestamp_millis")
    columns = [
        *(_same(text, n) for text in (run, key.name, key.scale)),
        labels.take(_zeros(n)),
        arrow.nulls(n, schema.field("environment").type)
        if environment is None
        else _same(environment, n),
        arrow.repeat(arrow.scalar(episode, arrow.uint64()), n),
        arrow.array(points["steps"]),
        arrow.nulls(n, schema.field("timestamp").type)
        if times is None
        else arrow.array(times).cast(schema.field("timestamp").type),
        arrow.array(points["values"]),
    ]
    return arrow.Table.from_arrays(columns, schema=schema)


def _zeros(n: int) -> Any:
    arrow = pyarrow()
    return arrow.repeat(arrow.scalar(0, arrow.int32()), n)


def _same(text: str, n: int) -> Any:
    return pyarrow().DictionaryArray.from_arrays(_zeros(n), [text])


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
