"""Reads the series of ten million points that `extras` made into NumPy; prints figures as JSON.

Server and client share the machine's processors: what each spends is told apart.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from metrana.query import QueryClient
from run import Server

POINTS = 10_000_000
RUN, SERIES = "long", "loss()"


def measure(server: Server, rounds: int, timestamps: bool) -> dict[str, Any]:
    """The median of some reads after one that warms both sides up."""
    figures: dict[str, list[float]] = {"seconds": [], "client_cpu": [], "server_cpu": []}
    with QueryClient(
        workspace_name="bench", project_name="bench", query_url=server.url, progress=False
    ) as client:
        for number in range(rounds + 1):
            before, ours, its = time.perf_counter(), time.process_time(), server.cpu_seconds()
            (found,) = client.fetch_float_series(RUN, SERIES, include_timestamps=timestamps)
            took = time.perf_counter() - before
            spent = time.process_time() - ours, server.cpu_seconds() - its
            if number == 0:
                check(found.steps, found.values)
                continue
            del found  # or two answers would be in memory at once
            for name, figure in zip(figures, (took, *spent), strict=True):
                figures[name].append(figure)
    medians = {name: statistics.median(found) for name, found in figures.items()}
    return {
        "seconds": medians["seconds"],
        "client_cpu_ns_per_point": medians["client_cpu"] * 1e9 / POINTS,
        "server_cpu_ns_per_point": medians["server_cpu"] * 1e9 / POINTS,
        "all_seconds": figures["seconds"],
    }


def check(steps: Any, values: Any) -> None:
    """It has to be the series, and all of it."""
    if len(values) != POINTS or not np.array_equal(steps, np.arange(POINTS, dtype=np.uint64)):
        raise RuntimeError(f"{len(values)} points came back, or not at their steps")
    if not np.isfinite(values).all():
        raise RuntimeError("values came back that were never logged")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="a data directory after `extras`")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    server = Server(arguments.dir)
    try:
        figures = measure(server, arguments.rounds, timestamps=False)
        figures["with_timestamps"] = measure(server, arguments.rounds, timestamps=True)
        figures["client_peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figures["server_peak_rss_mb"] = server.peak_rss_mb()
    finally:
        server.stop()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
