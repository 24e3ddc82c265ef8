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

README = Path(__file__).parents[2] / "README.md"

FUNCTIONS = [
    name
    for name in metrana.__all__
    if name == "OpenRun" or inspect.isfunction(getattr(metrana, name))
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_of_a_docstring(
    name: str,
    begin: Callable[..., metrana.OpenRun],
    server: ServerProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    documented = inspect.getdoc(getattr(metrana, name)) or ""
    names = {"metrana": metrana, "np": np}
    example = doctest.DocTestParser().get_doctest(documented, names, name, None, None)
    assert example.examples, f"{name} has no example"
    monkeypatch.setenv("METRANA_INGESTION_URL", server.url)
    if "metrana.init(" not in documented:
        begin()
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=said.append)
    assert not said, "".join(said)


def test_the_programs_of_the_readme(server: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    whole = [program for program in programs if "import metrana" in program]
    assert len(whole) >= 2
    monkeypatch.setenv("METRANA_INGESTION_URL", server.url)
    for program in whole:
        exec(compile(program, str(README), "exec"), {"__name__": "__main__"})  # noqa: S102
        assert not metrana.is_initialized(), "the program leaves its run open"
