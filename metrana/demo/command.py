"""`metrana demo`: a server, a training, and what the terminal shows of them."""

from __future__ import annotations

import importlib.util
import secrets
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

import metrana
from metrana.server import Server

WORKSPACE = "demo"
PROJECT = "cartpole"


def run(*, once: bool, data_dir: str | None, listen: str | None) -> int:
    """Runs the demo; returns the exit code.

    Raises:
        ServerError: The server did not start.
    """
    if importlib.util.find_spec("gymnasium") is None:
        print("the demo needs Gymnasium: pip install 'metrana[demo]'", file=sys.stderr)
        return 2
    # An end from outside is to end the server, too. A shell starts background jobs
    # with Ctrl-C ignored, which would be inherited.
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    try:
        with Server(data_dir, listen) as server:
            succeeded = _train(server.url)
            if not once:
                _serve(server)
    except KeyboardInterrupt:
        print("\n  interrupted", file=sys.stderr)
        return 130
    return 0 if succeeded else 1


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _serve(server: Server) -> None:
    try:
        print("\n  serving until Ctrl-C", flush=True)
        server.wait()
    except KeyboardInterrupt:
        print()


def _train(url: str) -> bool:
    """Trains and reports; whether CartPole was solved and everything arrived."""
    from metrana.demo import cartpole

    config = cartpole.Config()
    name = f"cartpole-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(2)}"
    address = f"{url}/{WORKSPACE}/{PROJECT}/{name}"
    print(f"  metrana {metrana.__version__} demo: {config.environment}, learnt from scratch")
    print(f"  watch it at {address}\n")
    began = time.monotonic()
    metrana.init(
        workspace_name=WORKSPACE,
        project_name=PROJECT,
        run_name=name,
        ingestion_url=url,
        tags=["demo", "cross-entropy-method"],
        description=f"{config.environment} by the cross-entropy method, seed {config.seed}",
        config=cartpole.describe(config),
        backpressure_strategy="block",  # losing nothing matters more than speed here
        max_send_retries=None,
        log_level="WARNING",
    )
    print(f"  {'round':>5}  {'population':>10}  {'evaluation':>10}")
    try:
        result = cartpole.train(config, _show_round)
    finally:
        metrics = metrana.close(close_timeout=60)
    solved = result >= cartpole.SOLVED
    verdict = "solved" if solved else f"not solved, which takes {cartpole.SOLVED:.0f}"
    print(f"\n  mean return {result:.1f} over {config.final_episodes} episodes: {verdict}", end="")
    print(f", in {time.monotonic() - began:.1f} s")
    print(
        f"  delivered {metrics.added:,} added / {metrics.sent:,} sent / {metrics.dropped:,} dropped"
    )
    print(f"  see it at {address}", flush=True)
    return solved and metrics.added == metrics.sent and not metrics.dropped


def _show_round(number: int, population: float, evaluation: float) -> None:
    bar = "━" * round(evaluation / 500 * 30)
    print(f"  {number + 1:>5}  {population:>10.1f}  {evaluation:>10.1f}  {bar}", flush=True)
