"""Bits flip in the data directory of a stopped server; then a real server is asked.

It starts and answers right, or says what is missing, or does not start and says
why. It never panics and never gives a number that was not logged. Whenever an
answer is missing, `metrana check` has a fault to name.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import metrana
from conftest import ServerProcess
from metrana.errors import MetranaQueryRpcError
from metrana.query import QueryClient
from metrana.server import program

RUNS = ["large", "small", "journal"]
ENVIRONMENTS = ["a", "b"]
Answer = dict[Any, Any]  # by what a value belongs to


@dataclass(frozen=True)
class Kind:
    """Files of one kind, and how often one of them is damaged."""

    pattern: str
    rounds: int


KINDS = {
    "segment": Kind("segments/*/*.seg", 16),
    "journal": Kind("journal/*.log", 3),
    "table": Kind("pebble/*.sst", 16),
    "manifest": Kind("pebble/MANIFEST-*", 12),
    "database log": Kind("pebble/*.log", 8),
    "options": Kind("pebble/OPTIONS-*", 4),
}


def log_run(server: ServerProcess, name: str, points: int, seed: int) -> None:
    """Logs a series of standard points and one of RL points in each environment."""
    numbers = np.random.default_rng(seed)
    metrana.init(
        workspace_name="w",
        project_name="p",
        run_name=name,
        ingestion_url=server.url,
        resume_strategy="allow",
        config={"seed": seed},
    )
    for rl_step in range(4):
        metrana.flush()  # a request of its own, whose record lies in the journal
        metrana.log("loss", numbers.normal(size=points // 4))
        metrana.log_rl_environment_step(
            "reward", numbers.normal(size=(2, points // 8)), rl_step=rl_step, env_id=ENVIRONMENTS
        )
    metrana.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with points in every place where points can lie."""
    path = tmp_path_factory.mktemp("damage") / "data"
    server = ServerProcess(path)
    try:
        log_run(server, "large", 60_000, 1)
        log_run(server, "small", 800, 2)
        server.stop()
        settle = [str(program()), "stat", "--settle", "--data-dir", str(path)]
        subprocess.run(settle, check=True, capture_output=True)
        # Two ends without a settling leave two files of the journal: what the last
        # one has lost cannot be told from what was never written to its end.
        server.restart()
        log_run(server, "journal", 4_000, 3)
        server.kill()
        server.restart()
        log_run(server, "last", 80, 4)
        server.kill()
    finally:
        server.end()
    return path


def listing(client: QueryClient) -> Answer:
    """Every run, its config and the sums of its series."""
    columns = ["loss():last", "loss():avg", "loss():count"]
    frame = client.fetch_runs(attribute_paths=["config/seed"], series_summaries=columns)
    rows = [row for row in frame.to_dict("records") if row["name"] in RUNS]
    return {
        (row["name"], column): value
        for row in rows
        for column, value in row.items()
        if value is not None and value == value  # not NaN
    }


def points(client: QueryClient, run: str) -> Answer:
    """Standard points by step."""
    read = client.fetch_float_series(run, "loss()")
    return {
        (one.series.key, int(step)): float(value)
        for one in read
        for step, value in zip(one.steps, one.values, strict=True)
    }


def rl_points(client: QueryClient, run: str) -> Answer:
    """RL points of one rl_step, by environment and step."""
    return {
        (env, one.series.key, int(step)): float(value)
        for env in ENVIRONMENTS
        for one in client.fetch_rl_env_float_series(run, env, rl_step=2)
        for step, value in zip(one.steps, one.values, strict=True)
    }


def buckets(client: QueryClient, run: str) -> Answer:
    """Sums of standard points, from the rollups where there are any."""
    return {"table": client.fetch_float_series_buckets(run, "loss()").to_pandas().to_csv()}


def aggregates(client: QueryClient, run: str) -> Answer:
    """Sums over environments, from the sheets."""
    table = client.aggregate_rl_env_series(run, "reward()", aggregations=["avg"], rl_steps=(0, 3))
    return {"table": table.to_csv()}


QUESTIONS: list[Callable[[QueryClient, str], Answer]] = [points, rl_points, buckets, aggregates]


def ask(server: ServerProcess) -> dict[tuple[str, str], Answer | str]:
    """The answer to every question, or the text of the error."""
    answers: dict[tuple[str, str], Answer | str] = {}
    with QueryClient(workspace_name="w", project_name="p", query_url=server.url) as client:
        answers["listing", ""] = answer_of(lambda: listing(client))
        for question in QUESTIONS:
            for run in RUNS:
                answers[question.__name__, run] = answer_of(
                    lambda question=question, run=run: question(client, run)  # type: ignore[misc]
                )
    assert server.process.poll() is None, "the server is gone"
    return answers


def answer_of(question: Callable[[], Answer]) -> Answer | str:
    try:
        return question()
    except MetranaQueryRpcError as error:
        return str(error)


@pytest.fixture(scope="module")
def right(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[Any, Any]:
    """What a server says of the directory as it was left."""
    path = tmp_path_factory.mktemp("right") / "data"
    shutil.copytree(whole, path)
    assert check(path)[0] == 0
    server = ServerProcess(path)
    try:
        answers = ask(server)
    finally:
        server.end()
    odd = {key: answer for key, answer in answers.items() if isinstance(answer, str) or not answer}
    assert not odd
    return answers


def check(path: Path) -> tuple[int, str]:
    """The exit code of the check and what it names."""
    done = subprocess.run(
        [program(), "check", path], capture_output=True, text=True, timeout=60, check=False
    )
    assert_no_panic(done.stderr)
    return done.returncode, done.stderr


def assert_no_panic(said: str) -> None:
    assert "panic" not in said, said
    assert "goroutine " not in said, said


def flip(path: Path, numbers: random.Random) -> str:
    """Flips one bit to three in what is written of the file; says where."""
    data = bytearray(path.read_bytes())
    used = len(data.rstrip(b"\0"))
    places = [numbers.randrange(used * 8) for _ in range(numbers.choice([1, 1, 3]))]
    for place in places:
        data[place // 8] ^= 1 << place % 8
    path.write_bytes(data)
    return f"{path.name} of {used} bytes, bits {places}"


def damage(path: Path, kind: str, numbers: random.Random) -> str:
    files = sorted(path.glob(KINDS[kind].pattern), key=lambda file: (len(file.name), file))
    files = [file for file in files if file.read_bytes().strip(b"\0")]
    if kind == "journal":
        files.pop()
    assert files, f"no file of the kind {kind}"
    return flip(numbers.choice(files), numbers)


def asked(path: Path, log: Path) -> dict[tuple[str, str], Answer | str] | None:
    """All answers of a server on the directory; None when it does not start."""
    try:
        server = ServerProcess(path, log)
    except AssertionError:
        assert_no_panic(log.read_text())
        assert str(path) in log.read_text(), "why it does not start is not said"
        return None
    try:
        answers = ask(server)
        server.stop()
    finally:
        server.end()
        assert_no_panic(log.read_text())
    return answers


def missing(answers: Mapping[Any, Any], right: Mapping[Any, Any], log: str) -> list[Any]:
    """The questions without a whole answer; fails where a number is wrong or its lack not said."""
    lacking = []
    for question, expected in right.items():
        answer = answers[question]
        if answer == expected:
            continue
        lacking.append(question)
        if isinstance(answer, dict):
            wrong = {key: value for key, value in answer.items() if expected.get(key) != value}
            assert not wrong, (question, list(wrong.items())[:3])
            assert "level=ERROR" in log, f"{question}: what is left out is not said"
    return lacking


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_named_and_never_a_wrong_number(
    kind: str, whole: Path, right: Mapping[Any, Any], tmp_path: Path
) -> None:
    for seed in range(KINDS[kind].rounds):
        path, log = tmp_path / f"data-{seed}", tmp_path / f"log-{seed}"
        shutil.copytree(whole, path)
        where = damage(path, kind, random.Random(f"{kind} {seed}"))
        print(f"seed {seed}: {where}")
        code, faults = check(path)
        answers = asked(path, log)
        lacking = None if answers is None else missing(answers, right, log.read_text())
        print(f"  check {code}, lacking {lacking}: {faults[:300]}")
        if lacking is None or lacking:
            assert code == 1, f"the check names nothing, yet {lacking} are lacking"
            assert faults
        shutil.rmtree(path)
