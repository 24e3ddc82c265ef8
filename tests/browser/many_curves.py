"""Fills a server with what the tests of large workspaces of charts look at.

    python tests/browser/many_curves.py --serve DIR --listen HOST:PORT

Project `many` has `wide`, with two thousand metrics in twenty sections, and `odd`: a metric
of three hundred series, one of thirty with a single point each, one whose name is markup, one
with a very long name, and one that spans ten powers of ten and sinks below zero once. At the
end a line of JSON tells the address.
"""

from __future__ import annotations

import argparse
import contextlib
import json

import numpy as np

import metrana
from metrana.server import Server

SECTIONS = 20
METRICS = 100
SERIES = 300
SINGLE = 30
MARKUP = "&lt;b&gt;bold&lt;/b&gt;'"
LONG = "a-rather-long-section/" + "and-a-name-that-no-card-holds-" * 6


def begin(url: str, run: str) -> None:
    metrana.init(workspace_name="w", project_name="many", run_name=run, ingestion_url=url)


def make_wide(url: str) -> None:
    begin(url, "wide")
    values = np.linspace(0, 1, 20)
    for section in range(SECTIONS):
        for metric in range(METRICS):
            metrana.log(f"s{section:02}/m{metric:03}", values * metric)
    metrana.close()


def make_odd(url: str) -> None:
    begin(url, "odd")
    for series in range(SERIES):
        metrana.log("spread", np.full(30, float(series)), labels={"n": f"{series:03}"})
    for series in range(SINGLE):
        metrana.log("single", float(series), labels={"n": f"{series:02}"})
    metrana.log(MARKUP, np.arange(10.0))
    metrana.log(LONG, np.arange(10.0))
    sizes = 10.0 ** np.linspace(-5, 5, 200)
    sizes[100] = -1.0
    metrana.log("sizes", sizes)
    metrana.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", required=True, metavar="DIR")
    parser.add_argument("--listen", default="127.0.0.1:0")
    arguments = parser.parse_args()
    with Server(arguments.serve, arguments.listen) as server:
        make_wide(server.url)
        make_odd(server.url)
        told = {"url": server.url, "workspace": "w", "project": "many", "runs": ["wide", "odd"]}
        print(json.dumps(told), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.wait()


if __name__ == "__main__":
    main()
