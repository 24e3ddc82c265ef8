"""The examples in docstrings and in the README run as they are written."""

from __future__ import annotations

import doctest
import inspect
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import metrana
from conftest import ServerProcess
from metrana.query import QueryClient

README = Path(__file__).parents[2] / "README.md"

FUNCTIONS = [
    name
    for name in metrana.__all__
    if name == "OpenRun" or inspect.isfunction(getattr(metrana, name))
]

QUESTIONS = [
    name
    for name, method in inspect.getmembers(QueryClient, inspect.isfunction)
    if ">>>" in (inspect.getdoc(method) or "")
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_of_a_docstring(
    name: str,
    begin: Callable[..., metrana.OpenRun],
    server: ServerProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    documented = inspect.getdoc(getattr(metrana, name)) or ""
    monkeypatch.setenv("METRANA_INGESTION_URL", server.url)
    if "metrana.init(" not in documented:
        begin()
    run_example(name, documented, {"metrana": metrana, "np": np})


def run_example(name: str, documented: str, names: dict[str, object]) -> None:
    example = doctest.DocTestParser().get_doctest(documented, names, name, None, None)
    assert example.examples, f"{name} has no example"
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=said.append)
    assert not said, "".join(said)


def test_the_examples_of_questions(
    begin: Callable[..., metrana.OpenRun], server: ServerProcess
) -> None:
    assert len(QUESTIONS) >= 5
    for name in ("ppo-1", "ppo-2", "dqn-1", "dqn-2"):
        with begin(run_name=name) as run:
            run.log("loss", np.random.default_rng(1).normal(size=100))
            run.log_rl_episode(
                "return", np.random.default_rng(2).normal(size=(3, 20)), rl_step=0, episode=0,
                env_id=["env-0", "env-1", "env-2"],
            )  # fmt: skip
            for env_id, task in {"env-0": "reach", "env-1": "walk", "env-2": "walk"}.items():
                run.log_env_attributes(env_id, {"task": task})
    with QueryClient(workspace_name="ws", project_name="p", query_url=server.url) as client:
        for name in QUESTIONS:
            documented = inspect.getdoc(getattr(QueryClient, name)) or ""
            run_example(f"QueryClient.{name}", documented, {"client": client})


def test_the_programs_of_the_readme(server: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    whole = [program for program in programs if "import metrana" in program]
    assert len(whole) >= 2
    monkeypatch.setenv("METRANA_INGESTION_URL", server.url)
    for program in whole:
        exec(compile(program, str(README), "exec"), {"__name__": "__main__"})  # noqa: S102
        assert not metrana.is_initialized(), "the program leaves its run open"
