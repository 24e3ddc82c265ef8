"""`metrana ls`: what a server holds, on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from metrana._reader import Reader
from metrana.answers import instant
from metrana.command_options import PATH_HELP, add_url, reader_of, split_path
from metrana.filters import AttrFilter
from metrana.frames import SeriesId
from metrana.request import NAMES_A_PAGE


def ls(arguments: Sequence[str]) -> int:
    """Lists workspaces, projects, runs, or the series of a run."""
    parser = argparse.ArgumentParser(prog="metrana ls", description="Lists what a server holds.")
    parser.add_argument("path", nargs="?", default="", metavar="PATH", help=PATH_HELP)
    add_url(parser)
    options = parser.parse_args(arguments)
    names = split_path(options.path, most=3)
    with reader_of(options) as reader:
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
    request = {"workspace": workspace, "project": project, "run": run, "limit": NAMES_A_PAGE}
    for page in reader.pages("ListSeriesDefinitions", request):
        for found in map(SeriesId.of, page.get("series_definitions", ())):
            labels = ", ".join(f"{key}={value}" for key, value in found.labels.items())
            yield found.name + (f"({labels})" if labels else ""), found.scale
