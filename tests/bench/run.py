"""Measures the way of a point on this machine and sets the published engine beside it.

Both engines log to the same server program, each into a data directory of its
own, in turns (A B A B ...), because the machine is never quite quiet. Figures
are medians over the rounds; ratios are taken within this run. The sustained
figures count only when nothing was dropped and the server, asked after it
stopped, holds exactly the points that were added.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SERVER = ROOT / "metrana" / "_lib" / "metrana-server"
WORKLOADS = ["scalar", "stalled", "disabled", "call_1024", "call_1024x100", "burst"]
ONLY_OURS = {"disabled"}
Figures = dict[str, Any]

# name, where the figure lies, unit, target (the figure may not exceed, or with > must reach)
ROWS = [
    ("log('loss', x) p50", ("scalar", "p50"), "ns", "<= 300"),
    ("log('loss', x) p99", ("scalar", "p99"), "ns", ""),
    ("log('loss', x) p99.9", ("scalar", "p99.9"), "ns", ""),
    ("… p99.9, server stalled", ("stalled", "p99.9"), "ns", "<= 1000000"),
    ("… disabled", ("disabled", "p50"), "ns", "<= 100"),
    ("[1024] call p50", ("call_1024", "p50"), "us", ""),
    ("[1024, 100] call p50", ("call_1024x100", "p50"), "us", ""),
    ("burst enqueue", ("burst", "p50"), "ns/point", "<= 2"),
    ("end to end, durable", ("sustained", "points_per_second"), "points/s", ">= 3000000"),
    ("client CPU", ("sustained", "client_cpu_ns_per_point"), "ns/point", ""),
    ("client peak RSS", ("sustained", "client_peak_rss_mb"), "MB", ""),
    ("server CPU", ("sustained", "server_cpu_ns_per_point"), "ns/point", ""),
    ("server peak RSS", ("sustained", "server_peak_rss_mb"), "MB", ""),
    ("stored, at the last ack", ("sustained", "stored_bytes_per_point"), "bytes/point", ""),
    ("stored, settled", ("sustained", "settled_bytes_per_point"), "bytes/point", ""),
]


class Server:
    """One server process on a directory of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._process = subprocess.Popen(
            [SERVER, "serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError(f"the server did not start: {line!r}")
        self.url, self.pid = line.split()[-1], self._process.pid

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_rss_mb(self) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 1024

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        if self._process.wait(timeout=300) != 0:
            raise RuntimeError(f"the server exited with {self._process.returncode}")


@contextmanager
def served() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="metrana-bench-") as directory:
        server = Server(Path(directory) / "data")
        try:
            yield server
        finally:
            server.stop()


def size_of(directory: Path) -> int:
    return sum(f.stat().st_blocks * 512 for f in directory.rglob("*") if f.is_file())


def worker(
    python: Path, engine: str, workload: str, server: Server, points: int, *options: str
) -> Figures:
    command: list[str | Path] = [
        python,
        HERE / "worker.py",
        "--engine",
        engine,
        "--workload",
        workload,
    ]
    command += ["--url", server.url, "--server", str(server.pid)]
    command += ["--run", workload, "--points", str(points), *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=1800)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def sustained(python: Path, engine: str, points: int, *options: str) -> Figures:
    with tempfile.TemporaryDirectory(prefix="metrana-bench-") as directory:
        server = Server(Path(directory) / "data")
        before = server.cpu_seconds()
        figures = worker(python, engine, "sustained", server, points, *options)
        added = figures["added"]
        figures["stored_bytes_per_point"] = size_of(server.data_dir) / added
        cpu, figures["server_peak_rss_mb"] = server.cpu_seconds() - before, server.peak_rss_mb()
        figures["server_cpu_ns_per_point"] = cpu * 1e9 / added
        server.stop()
        stat = subprocess.run(
            [SERVER, "stat", "--settle", "--data-dir", server.data_dir],
            check=True,
            capture_output=True,
            text=True,
        )
        figures["server_points"] = json.loads(stat.stdout)["points"]
        figures["settled_bytes_per_point"] = size_of(server.data_dir) / added
    figures["valid"] = figures["dropped"] == 0 and figures["server_points"] == added
    return figures


def measure(pythons: dict[str, Path], rounds: int, points: int) -> dict[str, list[Figures]]:
    results: dict[str, list[Figures]] = defaultdict(list)
    for number in range(rounds):
        for engine, python in pythons.items():
            print(f"round {number + 1} of {rounds}: {engine}", file=sys.stderr)
            figures: Figures = {}
            for workload in WORKLOADS:
                if workload in ONLY_OURS and engine != "metrana":
                    continue
                with served() as server:
                    figures[workload] = worker(python, engine, workload, server, points)
            figures["sustained"] = sustained(python, engine, points)
            results[engine].append(figures)
    return results


def medians(rounds: list[Figures]) -> Figures:
    first = rounds[0]
    return {
        workload: {
            name: all(r[workload][name] for r in rounds)
            if isinstance(value, bool)
            else statistics.median(r[workload][name] for r in rounds)
            for name, value in figures.items()
        }
        for workload, figures in first.items()
    }


def met(value: float, target: str) -> str:
    if not target:
        return ""
    sign, limit = target.split()
    reached = value <= float(limit) if sign == "<=" else value >= float(limit)
    return f"{sign} {float(limit):,.0f} {'met' if reached else 'MISSED'}"


def table(medians_of: dict[str, Figures]) -> str:
    ours = medians_of["metrana"]
    theirs = medians_of.get("published")
    lines = [f"{'':26}{'unit':>12}{'metrana':>14}{'published':>14}{'ratio':>8}  target"]
    for name, (workload, figure), unit, target in ROWS:
        value = ours[workload][figure]
        line = f"{name:26}{unit:>12}{value:>14,.2f}"
        if theirs and workload not in ONLY_OURS:
            other = theirs[workload][figure]
            line += f"{other:>14,.2f}{value / other:>8.2f}"
        lines.append(f"{line:<74}  {met(value, target)}".rstrip())
    for engine, figures in medians_of.items():
        s = figures["sustained"]
        lines.append(
            f"{engine}: added {s['added']:,.0f}, sent {s['sent']:,.0f}, "
            f"dropped {s['dropped']:,.0f}, on the server {s['server_points']:,.0f}: "
            f"{'valid' if s['valid'] else 'NOT VALID'}"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", type=Path, help="python with the published engine")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--points", type=int, default=50_000_000)
    parser.add_argument("--output", type=Path, help="where the JSON goes as well")
    arguments = parser.parse_args()

    pythons = {"metrana": Path(sys.executable)}
    if arguments.peer_python:
        pythons["published"] = arguments.peer_python
    rounds = measure(pythons, arguments.rounds, arguments.points)
    summary = {engine: medians(figures) for engine, figures in rounds.items()}
    report = {
        "machine": {
            "cores": os.cpu_count(),
            "cpu": _cpu_name(),
            "python": platform.python_version(),
        },
        "rounds": rounds,
        "medians": summary,
    }
    text = json.dumps(report, indent=1)
    print(text)
    print(table(summary), file=sys.stderr)
    if arguments.output:
        arguments.output.write_text(text + "\n")
    return 0 if all(figures["sustained"]["valid"] for figures in summary.values()) else 1


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


if __name__ == "__main__":
    sys.exit(main())
