"""Runs one workload on one engine in this process; prints its figures as JSON."""

from __future__ import annotations

import argparse
import json

import workloads
from engines import ENGINES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, required=True)
    parser.add_argument("--workload", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--server", type=int, help="the server's process, to stop it for a while")
    parser.add_argument("--points", type=int, default=50_000_000)
    parser.add_argument("--single", action="store_true", help="sustained: single precision")
    arguments = parser.parse_args()

    # A short queue makes the sustained rate that of the whole way, not of memory.
    options: dict[str, object] = {"queue_capacity": 64} if arguments.workload == "sustained" else {}
    strategy = "drop_new" if arguments.workload == "stalled" else "block"
    if arguments.workload == "disabled":
        options["mode"] = "disabled"
    engine = ENGINES[arguments.engine](
        arguments.url, arguments.run, backpressure_strategy=strategy, **options
    )
    if arguments.workload == "sustained":
        sustained = workloads.sustained(engine, arguments.points, engine.close, arguments.single)
        print(json.dumps(sustained))
        return
    figures = {
        "scalar": lambda: workloads.scalar(engine),
        "call_1024": lambda: workloads.call(engine, 1, 400),
        "call_1024x100": lambda: workloads.call(engine, workloads.STEPS, 200),
        "burst": lambda: workloads.burst(engine),
        "stalled": lambda: workloads.stalled(engine, arguments.server),
        "disabled": lambda: workloads.disabled(engine),
    }[arguments.workload]()
    engine.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
