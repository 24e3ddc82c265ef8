"""What the commands that read from a server take: its address, and paths of what it holds."""

from __future__ import annotations

import argparse
import contextlib
import os

from metrana._reader import Reader
from metrana.errors import MetranaQueryConfigError
from metrana.settings import DEFAULT_URL

PATH_HELP = "WORKSPACE, WORKSPACE/PROJECT or WORKSPACE/PROJECT/RUN; nothing: the workspaces"


def add_url(parser: argparse.ArgumentParser) -> None:
    """Lets a command say which server is meant."""
    parser.add_argument(
        "--url",
        metavar="URL",
        help="the server; else METRANA_QUERY_API_URL, METRANA_INGESTION_URL, " + DEFAULT_URL,
    )


def reader_of(options: argparse.Namespace) -> contextlib.closing[Reader]:
    """A connection to the server that is meant."""
    variables = ("METRANA_QUERY_API_URL", "METRANA_INGESTION_URL")
    url = options.url or next(filter(None, map(os.environ.get, variables)), DEFAULT_URL)
    return contextlib.closing(Reader(url, os.environ.get("METRANA_API_KEY") or None))


def split_path(path: str, most: int, least: int = 0) -> list[str]:
    """The names of a path, so many of them."""
    names = path.strip("/").split("/") if path else []
    if not least <= len(names) <= most or not all(names):
        raise MetranaQueryConfigError(f"{path!r} is not {PATH_HELP}")
    return names
