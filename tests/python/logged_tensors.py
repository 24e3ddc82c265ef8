"""A run in which every array is a tensor of some framework, logged and read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import metrana
from conftest import ServerProcess
from read_back import Reader

Tensor = Callable[[Any, str], Any]
"""Makes a tensor of nested lists, of the type with that name."""


def log_and_read_back(server: ServerProcess, tensor: Tensor) -> None:
    """Logs tensors as value, step, timestamp, episode and configuration."""
    metrana.init(
        ingestion_url=server.url,
        workspace_name="ws",
        project_name="p",
        run_name="r",
        config={"lr": tensor(0.5, "bfloat16"), "betas": tensor([0.25, 0.75], "float32")},
    )
    metrana.log("loss", tensor(1.5, "bfloat16"))
    metrana.log("loss", tensor([2.5, 3.5], "float16"), step=tensor(7, "int32"))
    metrana.log(
        {"loss": tensor([4.5, 5.5], "float32")},
        step=tensor([10, 20], "int32"),
        timestamp=tensor([1_000, 2_000], "int32"),
    )
    metrana.log_rl_environment_step(
        "reward",
        tensor([[1.0, 2.0], [3.0, 4.0]], "float32"),
        rl_step=3,
        env_id=["a", "b"],
        episode=tensor([[5, 6], [7, 7]], "int32"),
    )
    metrana.log_rl_episode(
        "return", [tensor(9.0, "bfloat16")], rl_step=3, env_id=["a"], episode=tensor([5], "int32")
    )
    metrana.close(close_timeout=60)

    read = Reader(server.url, "ws", "p", "r")
    points = read.float_series("loss()")[""]
    assert [point[:2] for point in points] == [(0, 1.5), (7, 2.5), (8, 3.5), (10, 4.5), (20, 5.5)]
    assert [time for *_, time in points[3:]] == [1_000, 2_000]
    assert read.rl_series("a", episode=5) == {
        ("reward", "ENVIRONMENT_STEP"): [(0, 1.0)],
        ("return", "EPISODE"): [(5, 9.0)],
    }
    assert read.rl_series("a", episode=6)["reward", "ENVIRONMENT_STEP"] == [(0, 2.0)]
    assert read.rl_series("b", episode=7)["reward", "ENVIRONMENT_STEP"] == [(0, 3.0), (1, 4.0)]
    attributes = read.attributes()
    config = {path: attributes[path] for path in attributes if path.startswith("config/")}
    assert config == {"config/lr": 0.5, "config/betas/0": 0.25, "config/betas/1": 0.75}
