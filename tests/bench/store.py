"""Measures the store and its queries on this machine, with peers beside them.

Ours, the embedded ClickHouse and DuckDB get the same values in the same run,
each in a process and a directory of its own. Compare ratios, not runs: the
machine is never quite quiet. README.md in the folder above says what each
figure is.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import run
import store_table

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SERVER = ROOT / "metrana" / "_lib" / "metrana-server"
KINDS = ["f32noise", "walk64", "random"]
HOUR = 3600
Figures = dict[str, Any]


class Bench:
    """The programs that measure, with what they share."""

    def __init__(self, arguments: argparse.Namespace, directory: Path) -> None:
        self.program: Path = arguments.program
        self.peer_python: Path | None = arguments.peer_python
        self.points: int = arguments.points
        self.kind: str = arguments.values
        self.directory = directory

    def ours(self, command: str, *options: object) -> Figures:
        done = subprocess.run(
            [self.program, command, *map(str, options)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=HOUR,
        )
        return dict(json.loads(done.stdout))

    def ingest(
        self, directory: Path, layout: str, kind: str, points: int, *options: object
    ) -> Figures:
        """Logs a run named after its layout, or says how the process died."""
        os.sync()  # what others left for the disk would be written on our time
        wanted = ["--kind", kind, "--points", str(points)]
        with subprocess.Popen(
            [self.program, "values", *wanted], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as values:
            command: list[str | Path] = [
                self.program,
                "ingest",
                "--dir",
                directory,
                "--layout",
                layout,
            ]
            command += ["--run", layout, "--points", str(points), *map(str, options)]
            done = subprocess.run(
                command, stdin=values.stdout, stdout=subprocess.PIPE, text=True, timeout=HOUR
            )
            assert values.stdout is not None
            values.stdout.close()
        if done.returncode < 0 and "--die-after" in options:
            return {"signal": -done.returncode}
        done.check_returncode()
        return dict(json.loads(done.stdout))

    def peer(self, engine: str, kind: str, points: int, *options: str) -> Figures:
        assert self.peer_python is not None
        os.sync()
        with tempfile.TemporaryDirectory(prefix=engine, dir=self.directory) as directory:
            command: list[str | Path] = [self.peer_python, HERE / "peers.py", "--engine", engine]
            command += ["--program", self.program, "--kind", kind, "--points", str(points)]
            command += ["--directory", Path(directory) / "data", *options]
            done = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, text=True, timeout=HOUR
            )
        return dict(json.loads(done.stdout.splitlines()[-1]))


def ingest_rounds(bench: Bench, rounds: int) -> Figures:
    """Ingest in turns, A B C A B C …: medians. The last of our directories is kept as `main`."""
    ours: dict[str, list[Figures]] = {"rl": [], "std": []}
    peers: dict[str, list[Figures]] = {"chdb": [], "duckdb": []}
    for number in range(rounds):
        last = number == rounds - 1
        say(f"round {number + 1} of {rounds}: ingest of {bench.points:,} points")
        with tempfile.TemporaryDirectory(dir=bench.directory) as scratch:
            directory = bench.directory / "main" if last else Path(scratch) / "data"
            for layout, results in ours.items():
                results.append(bench.ingest(directory, layout, bench.kind, bench.points))
        if bench.peer_python:
            for engine, results in peers.items():
                say(f"round {number + 1} of {rounds}: {engine}")
                results.append(
                    bench.peer(
                        engine, bench.kind, bench.points, *([] if last else ["--no-queries"])
                    )
                )
    figures: Figures = {layout: medians(results) for layout, results in ours.items()}
    for engine, results in peers.items():
        if results:
            figures[engine] = {**results[-1], "ingest": medians([r["ingest"] for r in results])}
    return figures


def medians(rounds: list[Figures]) -> Figures:
    return {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}


def opening(bench: Bench) -> Figures:
    """Opening `main` after it was closed, and after a process that logged to it was killed."""
    directory = bench.directory / "main"
    figures: Figures = {"closed": bench.ours("open", "--dir", directory)}
    more = max(bench.points // 10, 5_000_000)
    died = bench.ingest(
        directory, "std", bench.kind, 2 * more, "--run", "killed", "--die-after", more
    )
    if died.get("signal") != 9:
        raise RuntimeError(f"the process that was to be killed reports {died}")
    figures["killed"] = bench.ours("open", "--dir", directory)
    figures["killed_again"] = bench.ours("open", "--dir", directory)
    return figures


def kinds(bench: Bench, points: int) -> Figures:
    """Bytes a point of each kind of values; constant ones cost what is not values."""
    figures: Figures = {}
    for kind in [*KINDS, "constant"]:
        say(f"bytes of {kind} values")
        with tempfile.TemporaryDirectory(dir=bench.directory) as scratch:
            figures[kind] = bench.ingest(Path(scratch) / "data", "rl", kind, points)
        if bench.peer_python and kind in KINDS:
            figures[kind]["floor"] = bench.peer("floor", kind, 5_000_000)["bytes_per_point"]
            figures[kind]["chdb"] = bench.peer("chdb", kind, points, "--no-queries")["ingest"]
    return figures


def bulk_read(directory: Path) -> Figures:
    """Reading in Python what `extras` made, in a process of its own."""
    done = subprocess.run(
        [sys.executable, HERE / "bulk_read.py", "--dir", directory],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=HOUR,
    )
    return dict(json.loads(done.stdout))


def checked(directory: Path) -> Figures:
    """What `metrana check` says of a directory."""
    done = subprocess.run(
        [SERVER, "check", "--data-dir", directory], capture_output=True, text=True, timeout=HOUR
    )
    return {"exit": done.returncode, "stdout": done.stdout, "stderr": done.stderr}


def measure(bench: Bench, rounds: int, quick: bool, check: bool) -> Figures:
    figures: Figures = ingest_rounds(bench, rounds)
    if bench.peer_python:
        figures["floor"] = bench.peer("floor", bench.kind, 5_000_000)
    main = bench.directory / "main"
    say("opening")
    figures["open"] = opening(bench)
    say("queries")
    bench.ours("extras", "--dir", main)
    half = figures["rl"]["points_per_second"] / 2
    asked = ["--dir", main, "--points", bench.points, "--kind", bench.kind, "--server", SERVER]
    figures["queries"] = bench.ours("queries", *asked, "--busy-rate", half)
    say("ten million points into NumPy")
    figures["bulk_read"] = bulk_read(main)
    if check:
        say("metrana check")
        figures["check"] = checked(main)
    say("streams")
    figures["streams"] = bench.ours("streams", "--server", SERVER, "--dir", bench.directory / "new")
    figures["sparse"] = bench.ours("sparse", "--dir", bench.directory / "sparse")
    if not quick:
        figures["kinds"] = kinds(bench, max(bench.points // 5, 10_000_000))
        say("clients over gRPC")
        logging = (Path(sys.executable), "metrana", bench.points // 2)
        figures["clients"] = run.sustained(*logging, "--single")
        figures["clients_float64"] = run.sustained(*logging)
    return figures


def say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, required=True, help="go/bench/store, built")
    parser.add_argument("--peer-python", type=Path, help="python with chDB and DuckDB")
    parser.add_argument("--points", type=int, default=100_000_000)
    parser.add_argument("--values", choices=KINDS, default="f32noise")
    parser.add_argument("--rounds", type=int, default=1, help="how often to ingest, in turns")
    parser.add_argument("--quick", action="store_true", help="without other kinds and clients")
    parser.add_argument("--check", action="store_true", help="run `metrana check` on it, too")
    parser.add_argument("--directory", type=Path, help="where the data lies meanwhile")
    parser.add_argument("--output", type=Path, help="where the JSON goes as well")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="metrana-bench-", dir=arguments.directory) as directory:
        bench = Bench(arguments, Path(directory))
        report = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "points": arguments.points,
            "values": arguments.values,
            **measure(bench, arguments.rounds, arguments.quick, arguments.check),
        }
    text = json.dumps(report, indent=1)
    print(text)
    print(store_table.table(report), file=sys.stderr)
    if arguments.output:
        arguments.output.write_text(text + "\n")
    clients = [report.get(name, {}) for name in ("clients", "clients_float64")]
    return 0 if all(figures.get("valid", True) for figures in clients) else 1


if __name__ == "__main__":
    sys.exit(main())
