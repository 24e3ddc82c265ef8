"""The figures of store.py as a table: ours, the peers', the ratio, the target, met or not.

python tests/bench/store_table.py FILE.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

Figures = dict[str, Any]
ABSENT = "-"


class Row(NamedTuple):
    """One figure of ours; those of the peers lie where the report has the like of it."""

    name: str
    unit: str
    ours: str  # a path through the report, or a query: its warm median
    limit: str = ""  # with >= it must be reached
    share: float = 0  # of chDB's figure that ours may be

    @property
    def path(self) -> str:
        return self.ours if "/" in self.ours else f"queries/process/{self.ours}/median_ms"

    @property
    def peer_path(self) -> str:
        """The figure below a peer; it has one kind of ingest, and no other way to be asked."""
        path = self.path.replace("queries/process/", "queries/")
        first, rest = path.split("/", 1)
        return f"ingest/{rest}" if first in {"rl", "std"} else path


ROWS = [
    Row("ingest, compacted", "ns CPU/pt", "rl/cpu_ns_per_point", "<= 35", 0.4),
    Row("  until durable", "ns CPU/pt", "rl/durable_cpu_ns_per_point"),
    Row("  wall", "points/s", "rl/points_per_second"),
    Row("  peak RSS", "MB", "rl/peak_rss_mb", "<= 1024"),
    Row("ingest, ordinary series", "ns CPU/pt", "std/cpu_ns_per_point", "<= 35", 0.4),
    Row("stored, at the last ack", "bytes/pt", "rl/acked_bytes_per_point"),
    Row("stored, settled", "bytes/pt", "rl/settled_bytes_per_point", "{bytes}", 0.92),
    Row("  floor of these values", "bytes/pt", "floor/bytes_per_point"),
    Row("  all files after closing", "bytes/pt", "rl/disk_bytes_per_point"),
    Row("  ordinary series", "bytes/pt", "std/settled_bytes_per_point", "{bytes}", 0.92),
    Row("stored, float32 noise", "bytes/pt", "kinds/f32noise/settled_bytes_per_point", "<= 3.45"),
    Row("stored, float64 walk", "bytes/pt", "kinds/walk64/settled_bytes_per_point", "<= 7.4"),
    Row("stored, random bits", "bytes/pt", "kinds/random/settled_bytes_per_point", "<= 8.2"),
    Row("stored, all but values", "bytes/pt", "kinds/constant/settled_bytes_per_point", "<= 0.1"),
    Row("16,384 series of 3 points", "bytes/pt", "sparse/bytes_per_point", "<= 40"),
    Row("  all files", "bytes/pt", "sparse/disk_bytes_per_point"),
    Row("q1 series to 1,000 buckets", "ms", "q1", "<= 0.5", 0.1),
    Row("q2 a twentieth of a series", "ms", "q2"),
    Row("q3 100 series", "ms", "q3", "<= 10"),
    Row("q4 mean, std per rl_step", "ms", "q4", "<= 5"),
    Row("  of some environments", "ms", "q4_filtered", "", 1),
    Row("  median", "ms", "q4_median", "", 1),
    Row("q5 last of 16,384 series", "ms", "q5", "<= 5"),
    Row("10M points to buckets", "ms", "long_series", "<= 5"),
    Row("table of 10,000 runs", "ms", "run_table", "<= 50"),
    Row("page of 100,000 metrics", "ms", "definitions", "<= 20"),
    Row("10M points into NumPy", "s", "bulk_read/seconds", "<= 0.3"),
    Row("  CPU of the client", "ns CPU/pt", "bulk_read/client_cpu_ns_per_point"),
    Row("  CPU of the server", "ns CPU/pt", "bulk_read/server_cpu_ns_per_point"),
    Row("  with times", "s", "bulk_read/with_timestamps/seconds"),
    Row("idle server", "MB", "streams/idle_rss_mb", "<= 80"),
    Row("peak of a server that answers", "MB", "queries/server_peak_rss_mb", "<= 1024"),
    Row("scalar acknowledged, p50", "ms", "streams/ack_p50_ms"),
    Row("  beyond the disk's fsync", "ms", "streams/ack_p50_beyond_fsync_ms", "<= 1"),
    Row("streams at once", "", "streams/streams", ">= 1000"),
    Row("  opened in", "s", "streams/streams_open_seconds"),
    Row("  requests", "1/s", "streams/streams_requests_per_second"),
    Row("  peak of the server", "MB", "streams/streams_server_peak_rss_mb", "<= 1024"),
    Row("open, after closing", "s", "open/closed/open_seconds", "<= 2"),
    Row("  every run read", "s", "open/closed/ready_seconds"),
    Row("open, after kill -9", "s", "open/killed/open_seconds", "<= 2"),
    Row("  every run read", "s", "open/killed/ready_seconds"),
    Row("clients over gRPC, durable", "points/s", "clients/points_per_second", ">= 5000000"),
    Row("  CPU of the server", "ns CPU/pt", "clients/server_cpu_ns_per_point", "<= 66.7"),
    Row("  peak of the server", "MB", "clients/server_peak_rss_mb", "<= 1024"),
    Row("  float64 walks", "points/s", "clients_float64/points_per_second"),
    Row("  CPU of the server", "ns CPU/pt", "clients_float64/server_cpu_ns_per_point"),
]
BYTES = {"f32noise": "<= 3.45", "walk64": "<= 7.4", "random": "<= 8.2"}
BUSY_LIMIT = 3


def at(report: Figures, path: str) -> float | None:
    """The figure at the end of a path; None where that part was not run."""
    found: Any = report
    for key in path.split("/"):
        if not isinstance(found, dict) or key not in found:
            return None
        found = found[key]
    return float(found)


def number(value: float | None) -> str:
    if value is None:
        return ABSENT
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def reached(value: float, limit: str) -> bool:
    sign, bound = limit.split()
    return value <= float(bound) if sign == "<=" else value >= float(bound)


def verdict(row: Row, report: Figures) -> tuple[str, str]:
    """The target as text, and whether it is met."""
    ours, chdb = at(report, row.path), at(report, f"chdb/{row.peer_path}")
    limit = row.limit.format(bytes=BYTES[report["values"]])
    targets = [limit] if limit else []
    met = [reached(ours, limit)] if limit and ours is not None else []
    if row.share:
        targets.append(f"{row.share:g} x chDB")
        if ours is not None and chdb is not None:
            met.append(ours <= row.share * chdb)
    if not targets:
        return "", ""
    if ours is None:
        missing = at_text(report, row.path)
        return ", ".join(targets), missing or "not run"
    return ", ".join(targets), "met" if all(met) else "MISSED"


def at_text(report: Figures, path: str) -> str:
    """Why a query has no figure, where it says so."""
    found: Any = report
    for key in path.split("/")[:-1]:
        found = found.get(key, {})
    return "not answered" if "unanswered" in found else ""


def table(report: Figures) -> str:
    head = f"{'':31}{'unit':>10}{'ours':>12}{'chDB':>12}{'DuckDB':>12}{'ours/chDB':>10}  target"
    lines = [head]
    for row in ROWS:
        ours = at(report, row.path)
        chdb, duckdb = (at(report, f"{peer}/{row.peer_path}") for peer in ("chdb", "duckdb"))
        ratio = ours / chdb if ours is not None and chdb else None
        target, met = verdict(row, report)
        cells = "".join(f"{number(v):>12}" for v in (ours, chdb, duckdb))
        line = f"{row.name:31}{row.unit:>10}{cells}{number(ratio):>10}  {target}  {met}"
        lines.append(line.rstrip())
    lines += [
        f"{name}: NOT VALID, the server does not hold all that was logged"
        for name in ("clients", "clients_float64")
        if not report.get(name, {}).get("valid", True)
    ]
    return "\n".join([*lines, "", *queries(report)])


def queries(report: Figures) -> list[str]:
    """Each query cold, warm, over RPC and while a run is logged."""
    asked = report.get("queries", {})
    busy_rate = number(asked.get("busy_points_per_second"))
    lines = [
        f"queries in ms; logging meanwhile at {busy_rate} points/s",
        f"{'':16}{'first':>10}{'warm':>10}{'RPC':>10}{'logging':>10}  at most {BUSY_LIMIT} x warm",
    ]
    for name, times in asked.get("process", {}).items():
        if "unanswered" in times:
            lines.append(f"{name:16}  not answered: {times['unanswered']}")
            continue
        busy = at(asked, f"busy/{name}/median_ms")
        cells = [times["first_ms"], times["median_ms"], at(asked, f"rpc/{name}/median_ms"), busy]
        met = ""
        if busy is not None:
            met = "met" if busy <= BUSY_LIMIT * times["median_ms"] else "MISSED"
        lines.append(f"{name:16}" + "".join(f"{number(v):>10}" for v in cells) + f"  {met}")
    return lines


def main() -> None:
    print(table(json.loads(Path(sys.argv[1]).read_text())))


if __name__ == "__main__":
    main()
