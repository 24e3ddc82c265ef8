"""Fills a server with what the tests of the charts and of the table of runs look at.

    python tests/browser/runs_project.py --serve DIR --listen HOST:PORT

Project `runs` has `seed-0` … `seed-11`, which differ in `lr`, `algorithm` and the last digit
of a long `token`, and a run whose name, tag, description, attribute and label are scripts, were
they not shown as text, and whose metric would change.
Project `forks` has `parent` and `child`, which was forked from it; project `branches` has `trunk`
and `branch`, the same with episodes; project `many` has `run-0` … `run-119`.
Project `curves` has `spike`, a million points with one that is far above the others, `odd`
with points that are not finite and values of many sizes, `other`, and `apart`, whose points are
far apart. At the end a line of JSON tells the address.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math

import numpy as np

import metrana
from metrana.server import Server

SCRIPT = "<img src=x onerror=alert(1)>"
LABEL = "<b>bold</b>"
MANY = 120
SPIKE_AT = 654_321


def begin(url: str, project: str, run: str) -> None:
    metrana.init(workspace_name="w", project_name=project, run_name=run, ingestion_url=url)


def make_runs(url: str) -> None:
    for seed in range(12):
        begin(url, "runs", f"seed-{seed}")
        algorithm = "ppo" if seed % 2 else "a2c"
        lr = 10.0 ** -(1 + seed % 4)
        token = 1_234_567 + seed % 2
        metrana.log_config({"seed": seed, "lr": lr, "algorithm": algorithm, "token": token})
        metrana.add_tags(["sweep", algorithm])
        metrana.log("loss", 1 / (1 + np.arange(200) * (1 + seed)))
        metrana.close()
    begin(url, "runs", SCRIPT)
    metrana.log_config({"note": SCRIPT, "lr": 7.0})
    metrana.add_tags([SCRIPT])
    metrana.set_description(SCRIPT)
    metrana.log_attributes("", {"owner": SCRIPT})
    metrana.log("loss", 0.5)
    metrana.log("&lt;b&gt;", [1.0, 2.0], labels={"label": LABEL})
    metrana.close()


def make_forks(url: str) -> None:
    begin(url, "forks", "parent")
    metrana.log("loss", [3.0, 2.0, 1.0])
    metrana.close()
    metrana.init(
        workspace_name="w",
        project_name="forks",
        run_name="child",
        ingestion_url=url,
        fork_from_run="parent",
        fork_at_step=1,
    )
    metrana.log("loss", [0.5])
    metrana.close()


def make_branches(url: str) -> None:
    """Logs kl and an episode an update: trunk 0 to 3 of two environments, branch 2 to 3 of one.

    Trunk alone has a metric `warmup`.
    """
    begin(url, "branches", "trunk")
    metrana.log("warmup", [1.0, 2.0])
    for env in ("left", "right"):
        metrana.log_env_attributes(env, {"task": env})
    for update in range(4):
        metrana.log("kl", 0.1 * (1 + update), step=update)
        log_episodes(update, {"left": float(update), "right": 10.0 + update})
    metrana.close()
    metrana.init(
        workspace_name="w",
        project_name="branches",
        run_name="branch",
        ingestion_url=url,
        fork_from_run="trunk",
        fork_at_step=1,
    )
    for update in (2, 3):
        metrana.log("kl", 0.25 * (update - 1), step=update)
        log_episodes(update, {"left": 100.0 + update})
    metrana.close()


def log_episodes(update: int, returns: dict[str, float]) -> None:
    for env, value in returns.items():
        metrana.log_rl_environment_step(
            "reward", [value, 0.0], rl_step=update, episode=update, env_id=env
        )
        metrana.log_rl_episode("return", value, rl_step=update, episode=update, env_id=env)


def make_many(url: str) -> None:
    for number in range(MANY):
        begin(url, "many", f"run-{number}")
        metrana.log_config({"number": number})
        metrana.close()


def make_curves(url: str) -> None:
    begin(url, "curves", "spike")
    values = np.sin(np.arange(1_000_000) / 5e4)
    values[SPIKE_AT] = 50.0
    metrana.log("signal", values)
    metrana.log("train/loss", np.exp(-np.arange(500) / 50))
    metrana.close()
    begin(url, "curves", "odd")
    loss = np.exp(-np.arange(500) / 20)
    loss[[100, 200]] = math.nan, math.inf
    metrana.log("train/loss", loss)
    metrana.log("sizes", 10.0 ** (np.arange(300) % 7))
    metrana.close()
    begin(url, "curves", "other")
    metrana.log("train/loss", np.exp(-np.arange(500) / 80))
    metrana.close()
    begin(url, "curves", "apart")
    far_apart = [0, 123_456, 999_999]
    metrana.log(
        "sparse",
        [1.0, 2.0, 3.0],
        step=far_apart,
        timestamp=[1_800_000_000_000 + x for x in far_apart],
    )
    metrana.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", required=True, metavar="DIR")
    parser.add_argument("--listen", default="127.0.0.1:0")
    arguments = parser.parse_args()
    with Server(arguments.serve, arguments.listen) as server:
        make_runs(server.url)
        make_forks(server.url)
        make_branches(server.url)
        make_many(server.url)
        make_curves(server.url)
        told = {"url": server.url, "workspace": "w", "project": "runs", "runs": []}
        print(json.dumps(told), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.wait()


if __name__ == "__main__":
    main()
