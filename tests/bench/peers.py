"""Runs the storage workload on a peer; prints its figures as JSON.

A peer stores one row for each series and batch, its values an array: the
layout that suits both best. A batch is durable before the next one comes. Runs
in an environment of its own, so each engine is imported where it is used.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

METRICS, ENVIRONMENTS, STEPS = 16, 1024, 100
SERIES = METRICS * ENVIRONMENTS
BATCH = SERIES * STEPS
FIRST_TIME = 1_700_000_000_000
ASKED = 20
Values = NDArray[Any]


class Peer(Protocol):
    """What the workload asks of an engine. A query gives its rows."""

    version: str

    def insert(self, rows: pa.Table) -> None:
        """Adds the rows of a batch and returns when they are durable."""

    def settle(self) -> None:
        """Merges what was inserted into what reads best."""

    def size(self) -> int:
        """Bytes of the data, without what waits for deletion."""

    def queries(self, batches: int) -> dict[str, Callable[[int], int]]:
        """The questions by name; each is given a number and tells how many rows came."""


class ClickHouse:
    """The embedded ClickHouse, arrays under zstd-1."""

    def __init__(self, directory: Path, value_type: str) -> None:
        from chdb import session

        self._session = session.Session(str(directory))
        self.version = str(self._session.query("SELECT version()")).strip().strip('"')
        self._session.query("CREATE DATABASE bench")
        self._session.query(
            "CREATE TABLE bench.chunks (series UInt32, first_step UInt64, n UInt32,"
            " step_delta UInt32, ts0 Int64, ts_delta Int32,"
            f" vals Array({'Float32' if value_type == 'float32' else 'Float64'}) CODEC(ZSTD(1)))"
            " ENGINE = MergeTree ORDER BY (series, first_step)"
            " SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1"
        )

    def insert(self, rows: pa.Table) -> None:
        self._session.query("INSERT INTO bench.chunks SELECT * FROM Python(rows)")

    def settle(self) -> None:
        self._session.query("OPTIMIZE TABLE bench.chunks FINAL")

    def size(self) -> int:
        answer = self._session.query(
            "SELECT sum(bytes_on_disk) FROM system.parts"
            " WHERE active AND database = 'bench' AND table = 'chunks'"
        )
        return int(str(answer))

    def queries(self, batches: int) -> dict[str, Callable[[int], int]]:
        width = max(1, batches * STEPS // 1000)
        buckets = (
            f"intDiv(first_step + k - 1, {width}) AS b, count(), avg(v), min(v), max(v)"
            " FROM bench.chunks ARRAY JOIN vals AS v, arrayEnumerate(vals) AS k"
        )
        per_step = (
            "FROM bench.chunks WHERE series BETWEEN {0} AND {0} + 1023 GROUP BY first_step"
            " ORDER BY first_step"
        )
        moments = "SELECT first_step, avgArray(vals), stddevPopArray(vals) "
        median = "SELECT first_step, quantileExactArray(0.5)(vals) "
        return {
            "q1": lambda i: self._rows(
                f"SELECT {buckets} WHERE series = {one_series(i)} GROUP BY b ORDER BY b"
            ),
            "q2": lambda i: self._rows(
                "SELECT first_step + k - 1 AS step, v FROM bench.chunks"
                " ARRAY JOIN vals AS v, arrayEnumerate(vals) AS k"
                f" WHERE series = {one_series(i)} AND {twentieth(i, batches)} ORDER BY step"
            ),
            "q3": lambda i: self._rows(
                f"SELECT series, {buckets} WHERE series IN ({hundred_series(i)})"
                " GROUP BY series, b ORDER BY series, b"
            ),
            "q4": lambda i: self._rows(moments + per_step.format(i % METRICS * ENVIRONMENTS)),
            "q4_filtered": lambda i: self._rows(
                moments
                + per_step.format(i % METRICS * ENVIRONMENTS).replace(
                    "GROUP BY", "AND toString(series % 1024) LIKE '%7%' GROUP BY"
                )
            ),
            "q4_median": lambda i: self._rows(median + per_step.format(i % METRICS * ENVIRONMENTS)),
            "q5": lambda _: self._rows(
                "SELECT series, argMax(vals[-1], first_step) FROM bench.chunks GROUP BY series"
            ),
        }

    def _rows(self, text: str) -> int:
        answer = pa.ipc.open_file(self._session.query(text, "Arrow").bytes())
        return int(answer.read_all().num_rows)


class DuckDB:
    """DuckDB, values as lists."""

    def __init__(self, directory: Path, value_type: str) -> None:
        import duckdb

        directory.mkdir(parents=True)
        self._file = directory / "chunks.duckdb"
        self._db = duckdb.connect(str(self._file), config={"threads": 2})
        self.version = duckdb.__version__
        self._db.execute(
            "CREATE TABLE chunks (series UINTEGER, first_step UBIGINT, n UINTEGER,"
            " step_delta UINTEGER, ts0 BIGINT, ts_delta INTEGER,"
            f" vals {'FLOAT' if value_type == 'float32' else 'DOUBLE'}[])"
        )

    def insert(self, rows: pa.Table) -> None:
        self._db.register("rows", rows)
        self._db.execute("INSERT INTO chunks SELECT * FROM rows")
        self._db.unregister("rows")

    def settle(self) -> None:
        self._db.execute("CHECKPOINT")

    def size(self) -> int:
        return sum(f.stat().st_size for f in self._file.parent.iterdir())

    def queries(self, batches: int) -> dict[str, Callable[[int], int]]:
        width = max(1, batches * STEPS // 1000)
        points = (
            "(SELECT series, first_step + unnest(range(len(vals))) AS step, unnest(vals) AS v"
            " FROM chunks WHERE {}) AS points"
        )
        sums = f"step // {width} AS b, count(*), avg(v), min(v), max(v)"
        per_step = (
            "(SELECT first_step, unnest(vals) AS v FROM chunks"
            " WHERE series BETWEEN {0} AND {0} + 1023) GROUP BY first_step ORDER BY first_step"
        )
        moments = "SELECT first_step, avg(v), stddev_pop(v) FROM "
        median = "SELECT first_step, median(v) FROM "
        return {
            "q1": lambda i: self._rows(
                f"SELECT {sums} FROM {points.format(f'series = {one_series(i)}')}"
                " GROUP BY b ORDER BY b"
            ),
            "q2": lambda i: self._rows(
                "SELECT step, v FROM "
                + points.format(f"series = {one_series(i)} AND {twentieth(i, batches)}")
                + " ORDER BY step"
            ),
            "q3": lambda i: self._rows(
                f"SELECT series, {sums} FROM {points.format(f'series IN ({hundred_series(i)})')}"
                " GROUP BY series, b ORDER BY series, b"
            ),
            "q4": lambda i: self._rows(moments + per_step.format(i % METRICS * ENVIRONMENTS)),
            "q4_filtered": lambda i: self._rows(
                moments
                + per_step.format(i % METRICS * ENVIRONMENTS).replace(
                    "+ 1023", "+ 1023 AND (series % 1024)::VARCHAR LIKE '%7%'"
                )
            ),
            "q4_median": lambda i: self._rows(median + per_step.format(i % METRICS * ENVIRONMENTS)),
            "q5": lambda _: self._rows(
                "SELECT series, arg_max(vals[-1], first_step) FROM chunks GROUP BY series"
            ),
        }

    def _rows(self, text: str) -> int:
        return int(self._db.sql(text).to_arrow_table().num_rows)


PEERS: dict[str, Callable[[Path, str], Peer]] = {"chdb": ClickHouse, "duckdb": DuckDB}


def one_series(i: int) -> int:
    return i % METRICS * ENVIRONMENTS + i * 131 % ENVIRONMENTS


def hundred_series(i: int) -> str:
    first = i % METRICS * ENVIRONMENTS
    return ", ".join(str(first + (i + k * 7) % ENVIRONMENTS) for k in range(100))


def twentieth(i: int, batches: int) -> str:
    """Which batches hold a twentieth of the steps, at least one."""
    count = max(1, batches // 20)
    first = i % 19 * batches // 20
    return f"first_step BETWEEN {first * STEPS} AND {(first + count - 1) * STEPS}"


def batches_from(command: list[str]) -> Iterator[Values]:
    """The workload's values, [series, steps] a batch, from the program that makes them."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as made:
        assert made.stdout is not None
        while True:
            values = np.empty(BATCH)
            view = values.data.cast("B")
            filled = 0
            while filled < len(view) and (n := made.stdout.readinto(view[filled:])):  # type: ignore[attr-defined]
                filled += n
            if filled < len(view):
                break
            yield values
    if filled or made.returncode:
        raise RuntimeError(f"{command} ended with {made.returncode} and {filled} bytes too many")


def rows_of(values: Values, batch: int, value_type: str) -> pa.Table:
    def column(value: int, of: str) -> pa.Array:
        return pa.array(np.full(SERIES, value, dtype=of))

    offsets = pa.array(np.arange(0, BATCH + 1, STEPS, dtype=np.int32))
    return pa.table(
        {
            "series": pa.array(np.arange(SERIES, dtype=np.uint32)),
            "first_step": column(batch * STEPS, "uint64"),
            "n": column(STEPS, "uint32"),
            "step_delta": column(1, "uint32"),
            "ts0": column(FIRST_TIME + batch * 1000, "int64"),
            "ts_delta": column(0, "int32"),
            "vals": pa.ListArray.from_arrays(
                offsets, pa.array(values.astype(value_type, copy=False))
            ),
        }
    )


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def ingest(peer: Peer, values: Iterator[Values], value_type: str) -> dict[str, float]:
    """Logs all batches; like ours, the CPU is that of the process without reading values."""
    before, seconds, batches = cpu_seconds(), 0.0, 0
    while True:
        reading = time.thread_time()
        made = next(values, None)
        before += time.thread_time() - reading
        if made is None:
            break
        rows = rows_of(made, batches, value_type)
        start = time.perf_counter()
        peer.insert(rows)
        seconds += time.perf_counter() - start
        batches += 1
    durable, points = cpu_seconds(), batches * BATCH
    acked = peer.size()
    start = time.perf_counter()
    peer.settle()
    settling = time.perf_counter() - start
    return {
        "points": points,
        "batches": batches,
        "seconds": seconds + settling,
        "durable_seconds": seconds,
        "points_per_second": points / (seconds + settling),
        "durable_cpu_ns_per_point": (durable - before) * 1e9 / points,
        "cpu_ns_per_point": (cpu_seconds() - before) * 1e9 / points,
        "acked_bytes_per_point": acked / points,
        "settled_bytes_per_point": peer.size() / points,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def ask(query: Callable[[int], int]) -> dict[str, float]:
    """ms of the first answer and the median of the next 20, each for something else."""
    taken = []
    for i in range(ASKED + 1):
        start = time.perf_counter()
        rows = query(i)
        taken.append((time.perf_counter() - start) * 1e3)
        if rows == 0:
            raise RuntimeError("a query found nothing")
    return {"first_ms": taken[0], "median_ms": statistics.median(taken[1:])}


def floor(values: Iterator[Values], value_type: str) -> float:
    """Bytes a point when only values are stored: bytes of one weight together, zstd-1.

    The first batch is left out: walks that begin at zero are not typical.
    """
    codec = pa.Codec("zstd", compression_level=1)
    stored = points = 0
    for batch, made in enumerate(values):
        if batch == 0:
            continue
        for block in np.split(made.astype(value_type, copy=False), BATCH // 25_600):
            planes = block.view(np.uint8).reshape(block.size, -1).T
            stored += len(codec.compress(np.ascontiguousarray(planes), asbytes=True))
            points += block.size
    return stored / points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=[*PEERS, "floor"], required=True)
    parser.add_argument("--program", required=True, help="what makes the values")
    parser.add_argument("--kind", required=True)
    parser.add_argument("--points", type=int, required=True)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--no-queries", action="store_true")
    arguments = parser.parse_args()

    value_type = "float32" if arguments.kind == "f32noise" else "float64"
    values = batches_from(
        [arguments.program, "values", "--kind", arguments.kind, "--points", str(arguments.points)]
    )
    if arguments.engine == "floor":
        print(json.dumps({"bytes_per_point": floor(values, value_type)}))
        return
    peer = PEERS[arguments.engine](arguments.directory, value_type)
    figures: dict[str, Any] = {"version": peer.version, "cores": os.cpu_count()}
    figures["ingest"] = ingest(peer, values, value_type)
    if not arguments.no_queries:
        asked = peer.queries(int(figures["ingest"]["batches"]))
        figures["queries"] = {name: ask(query) for name, query in asked.items()}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
