"""What a training loop does to its tracker, timed in the calling thread.

Values are float64 random walks: noisy, so that neither engine is flattered by
data that compresses to nothing. They are made before the clock starts.
"""

from __future__ import annotations

import os
import resource
import signal
import time
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np

from engines import Delivery, Engine, Values

ENVIRONMENTS = [f"env-{i:04d}" for i in range(1024)]
METRICS = [f"metric-{i:02d}" for i in range(16)]
STEPS = 100
BURST_POINTS = len(ENVIRONMENTS) * len(METRICS) * STEPS
Figures = dict[str, float]


def blocks(count: int, steps: int, single: bool = False) -> list[Values]:
    """Walks; `single` rounds each value to single precision, as PyTorch's and JAX's are."""
    numbers = np.random.default_rng(5)
    walks = [numbers.normal(size=(len(ENVIRONMENTS), steps)).cumsum(axis=1) for _ in range(count)]
    return [walk.astype(np.float32).astype(np.float64) if single else walk for walk in walks]


def drained(engine: Engine) -> None:
    """Waits until nothing is queued: each timed call meets an idle engine."""
    while True:
        delivery = engine.delivery()
        if delivery.sent + delivery.dropped == delivery.added:
            return
        time.sleep(0.005)


def percentiles(nanoseconds: list[int], unit: float = 1.0) -> Figures:
    p50, p99, p999 = np.percentile(nanoseconds, [50, 99, 99.9]) / unit
    return {"p50": float(p50), "p99": float(p99), "p99.9": float(p999)}


def scalar(engine: Engine) -> Figures:
    """ns of one `log("loss", x)`: 20 x 5,000 calls, less what reading the clock takes."""
    log, clock = engine.log, time.perf_counter_ns
    empty = clock_cost()
    values = np.random.default_rng(3).normal(size=5_000).tolist()
    taken: list[int] = []
    for _ in range(20):
        for value in values:
            start = clock()
            log("loss", value)
            taken.append(clock() - start)
        drained(engine)
    return {**percentiles([t - empty for t in taken]), "clock": empty}


def stalled(engine: Engine, server: int) -> Figures:
    """ns of one `log("loss", x)` while the server stands still.

    100,000 calls, or as many as five seconds hold.
    """
    log, clock = engine.log, time.perf_counter_ns
    log("loss", 0.0)
    drained(engine)
    empty = clock_cost()
    taken: list[int] = []
    os.kill(server, signal.SIGSTOP)
    try:
        end = clock() + 5_000_000_000
        while len(taken) < 100_000 and clock() < end:
            start = clock()
            log("loss", 1.0)
            taken.append(clock() - start)
    finally:
        os.kill(server, signal.SIGCONT)
    return {**percentiles([t - empty for t in taken]), "calls": len(taken)}


def disabled(engine: Engine) -> Figures:
    """ns of one `log("loss", x)` that is to do nothing: 20 times 5,000 calls."""
    log = engine.log
    per_call = timeit.repeat(lambda: log("loss", 1.0), number=5_000, repeat=20)
    nothing = timeit.repeat(lambda: None, number=5_000, repeat=20)
    return {"p50": float(np.median(per_call) - np.median(nothing)) / 5_000 * 1e9}


def clock_cost() -> int:
    """ns between two readings of the clock with nothing between them, the median."""
    clock, taken = time.perf_counter_ns, []
    for _ in range(20_000):
        start = clock()
        taken.append(clock() - start)
    return int(np.median(taken))


def call(engine: Engine, steps: int, calls: int) -> Figures:
    """µs of one call for 1,024 environments with `steps` points each."""
    values = blocks(4, steps)
    if steps == 1:
        values = [block[:, 0].copy() for block in values]
    taken = []
    for i in range(calls):
        start = time.perf_counter_ns()
        engine.log_block("reward", i, ENVIRONMENTS, values[i % 4], i)
        taken.append(time.perf_counter_ns() - start)
        if i % 16 == 15:
            drained(engine)
    return percentiles(taken, 1e3)


def log_burst(engine: Engine, rl_step: int, values: list[Values]) -> None:
    for i, metric in enumerate(METRICS):
        engine.log_block(
            metric, rl_step, ENVIRONMENTS, values[(rl_step + i) % len(values)], rl_step
        )


def burst(engine: Engine) -> Figures:
    """ns per point of the calling thread: 16 calls of [1024, 100], then idle."""
    values = blocks(8, STEPS)
    taken = []
    for rl_step in range(12):
        start = time.perf_counter_ns()
        log_burst(engine, rl_step, values)
        taken.append((time.perf_counter_ns() - start) / BURST_POINTS)
        drained(engine)
    return {"p50": float(np.median(taken[2:]))}


def sustained(
    engine: Engine, points: int, finished: Callable[[], Delivery], single: bool
) -> dict[str, Any]:
    """Bursts without a pause until `points` are logged, then until all are durable."""
    values = blocks(8, STEPS, single)
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    for rl_step in range(-(-points // BURST_POINTS)):
        log_burst(engine, rl_step, values)
    logged = time.perf_counter()
    delivery = finished()
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "added": delivery.added,
        "sent": delivery.sent,
        "dropped": delivery.dropped,
        "seconds": seconds,
        "logging_seconds": logged - start,
        "points_per_second": delivery.added / seconds,
        "client_cpu_ns_per_point": cpu * 1e9 / delivery.added,
        "client_peak_rss_mb": after.ru_maxrss / 1024,
    }
