"""The table of promises in tests/README.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def promises() -> list[tuple[str, str]]:
    """Promise and tests, from each row of the table."""
    table = (ROOT / "tests" / "README.md").read_text().partition("## Promises")[2]
    rows = [
        re.split(r"(?<!\\)\|", line)[1:3] for line in table.splitlines() if line.startswith("| ")
    ]
    return [(promise.strip(), tests) for promise, tests in rows[1:]]


def test_every_promise_is_there_once() -> None:
    named = [promise for promise, _ in promises()]
    assert len(named) > 200
    assert sorted(named) == sorted(set(named))


def test_every_promise_names_tests_that_exist() -> None:
    in_python = {
        (path.name, name)
        for path in (ROOT / "tests" / "python").glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    files = {file for file, _ in in_python}
    in_go = {
        name
        for path in (ROOT / "go").rglob("*_test.go")
        for name in re.findall(r"^func (Test\w+)", path.read_text(), re.MULTILINE)
    }
    for promise, tests in promises():
        found = re.findall(r"`(?:(test_\w+\.py)(?:::(\w+))?|(Test\w+))`", tests)
        assert found, f"no test for: {promise}"
        for file, name, go in found:
            exists = (
                go in in_go if go else (file, name) in in_python or (not name and file in files)
            )
            assert exists, f"{promise}: there is no {go or f'{file}::{name}'}"
