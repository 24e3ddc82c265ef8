"""`metrana export`: each point that was logged is in the file, once."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import metrana
from conftest import ServerProcess
from metrana import export

ENVS = ["env-0", "env-1", "env-2"]
RANDOM = np.random.default_rng(7)
TIME = 1_700_000_000_000
Row = tuple[Any, ...]


def _rows(values: np.ndarray[Any, Any], first: tuple[Any, ...], places: list[Row]) -> list[Row]:
    return [(*first, *place, value) for place, value in zip(places, values.tolist(), strict=True)]


def _log_ordinary(run: metrana.OpenRun, name: str) -> list[Row]:
    """Logs ordinary points; the rows of the file that they should be."""
    loss, accuracy, odd = RANDOM.normal(size=1234), RANDOM.normal(size=40), RANDOM.normal(size=3)
    run.log("loss", loss, timestamp=TIME)
    run.log("accuracy", accuracy, step=range(0, 80, 2), labels={"split": "a, b"}, timestamp=TIME)
    run.log("last", odd, timestamp=TIME)  # a word of the grammar of queries
    run.log("length", odd, scale="EPISODE", timestamp=TIME)  # though of no environment
    run.log_distributed("rank", odd, step=[9, 3, 6], timestamp=TIME)

    def of(
        metric: str, values: Any, steps: Any, scale: str = "ML_STEP", **labels: str
    ) -> list[Row]:
        places = [(None, None, None, int(step)) for step in steps]
        return _rows(values, (name, metric, scale, tuple(labels.items())), places)

    return [
        *of("loss", loss, range(1234)),
        *of("accuracy", accuracy, range(0, 80, 2), split="a, b"),
        *of("last", odd, range(3)),
        *of("length", odd, range(3), "EPISODE"),
        *of("rank", odd, [9, 3, 6]),
    ]


def _log_environments(run: metrana.OpenRun, name: str) -> list[Row]:
    """Likewise for points of environments: with episodes and without, and of episodes."""
    rows: list[Row] = []
    for rl_step in range(6):
        rewards, free = RANDOM.normal(size=(3, 50)), RANDOM.normal(size=(3, 20))
        returns = RANDOM.normal(size=3)
        at: dict[str, Any] = {"rl_step": rl_step, "env_id": ENVS, "timestamp": TIME}
        # Two updates an episode; episodes are far apart.
        episode = rl_step // 2 * 1000
        run.log_rl_environment_step("reward", rewards, episode=episode, **at)
        run.log_rl_environment_step("reward", free, **at)
        run.log_rl_episode("return", returns, episode=episode + rl_step % 2, **at)
        for env, of_env in enumerate(ENVS):
            key = (name, "reward", "ENVIRONMENT_STEP", ())
            first = rl_step % 2 * 50
            rows += _rows(
                rewards[env], key, [(of_env, rl_step, episode, first + k) for k in range(50)]
            )
            rows += _rows(
                free[env], key, [(of_env, rl_step, None, rl_step * 20 + k) for k in range(20)]
            )
            of_episode = episode + rl_step % 2
            rows += _rows(
                returns[env : env + 1], (name, "return", "EPISODE", ()),
                [(of_env, rl_step, of_episode, of_episode)],
            )  # fmt: skip
    return rows


def _exported(file: Path) -> list[Row]:
    columns = pq.read_table(file).to_pydict()
    assert {moment.timestamp() for moment in columns.pop("timestamp")} == {TIME / 1000}
    columns["labels"] = [tuple(labels) for labels in columns["labels"]]
    names = [
        "run",
        "metric",
        "scale",
        "labels",
        "environment",
        "rl_step",
        "episode",
        "step",
        "value",
    ]
    return list(zip(*(columns[name] for name in names), strict=True))


@pytest.mark.parametrize("page", [100, 1_000_000])
def test_each_point_is_in_the_file_once(
    page: int,
    begin: Callable[..., metrana.OpenRun],
    server: ServerProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    logged: dict[str, list[Row]] = {}
    for name in ("one", "two"):
        with begin(run_name=name) as run:
            logged[name] = _log_ordinary(run, name) + _log_environments(run, name)
    rows = logged["one"] + logged["two"]
    file = tmp_path / "points.parquet"
    monkeypatch.setattr(export, "_POINTS_A_PAGE", page)
    export.export(["ws/p/one", "ws/p/two", "-o", str(file), "--url", server.url])
    assert Counter(_exported(file)) == Counter(rows)
    assert capsys.readouterr().out == f"{len(rows):,} points in {file}\n"
    pages = 2 * -(-len(logged["one"]) // page)
    assert pq.ParquetFile(file).num_row_groups == pages, (
        "a request for each page, all but the last full"
    )


def _metrana(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "metrana", "export", *arguments, "--url", url],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_file_is_written_whole_or_not_at_all(
    begin: Callable[..., metrana.OpenRun], server: ServerProcess, tmp_path: Path
) -> None:
    with begin() as run:
        run.log("loss", [1.0, np.nan, np.inf])
    file = tmp_path / "out.parquet"
    done = _metrana(server.url, "ws/p/r", "ws/p/r", "-o", str(file))
    assert done.stdout == f"3 points in {file}\n", done.stderr
    np.testing.assert_array_equal(pq.read_table(file)["value"], [1.0, np.nan, np.inf])
    again = _metrana(server.url, "ws/p/r", "-o", str(file))
    assert again.returncode == 1
    assert "exists already" in again.stderr
    assert _metrana(server.url, "ws/p/r", "-o", str(file), "--force").returncode == 0
    missing = _metrana(server.url, "ws/p/r", "ws/p/nope", "-o", str(tmp_path / "no.parquet"))
    assert missing.returncode == 1
    assert "NOT_FOUND" in missing.stderr
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.parquet"]


def test_a_run_without_points_is_a_table_without_rows(
    begin: Callable[..., metrana.OpenRun], server: ServerProcess, tmp_path: Path
) -> None:
    with begin():
        pass
    file = tmp_path / "out.parquet"
    assert _metrana(server.url, "ws/p/r", "-o", str(file)).stdout == f"0 points in {file}\n"
    assert pq.read_table(file).num_rows == 0
