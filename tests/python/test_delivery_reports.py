"""What a client counted is known to the server when it has closed."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import numpy as np

import metrana
from conftest import ServerProcess


def health(server: ServerProcess, run: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{server.url}/metrana.views.v1.ViewsService/GetRunHealth",
        json.dumps({"run": {"workspace": "ws", "project": "p", "run": run}}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return dict(json.load(answer))


def test_the_server_knows_what_was_logged_and_delivered(
    begin: Callable[..., None], server: ServerProcess
) -> None:
    begin()
    metrana.log("loss", np.arange(1000.0))
    metrana.log_rl_environment_step("reward", np.ones((4, 10)), 0, [f"env-{i}" for i in range(4)])
    metrana.log_config({"lr": 0.1})
    counted = metrana.close()
    (report,) = health(server, "r")["deliveries"]
    points = {"added": "1000", "enqueued": "1000", "sent": "1000"}
    assert report["delivery"]["floatPoints"] == points
    assert report["delivery"]["rlFloatPoints"] == {"added": "40", "enqueued": "40", "sent": "40"}
    assert int(report["delivery"]["requestsSent"]) == counted.requests_sent
