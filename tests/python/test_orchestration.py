from __future__ import annotations

import os
import subprocess
import sys

import pytest

from metrana import orchestration

SOURCES = ["METRANA_ORCHESTRATION_ID", "TORCHELASTIC_RUN_ID", "SLURM_JOB_ID", "RAY_JOB_ID"]


@pytest.mark.parametrize("first", range(len(SOURCES)))
def test_the_first_source_that_speaks_wins(monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    for source in SOURCES[first:]:
        monkeypatch.setenv(source, f"from {source}")
    assert orchestration.resolve(None) == f"from {SOURCES[first]}"
    assert orchestration.resolve("given") == "given"
    assert orchestration.resolve("") == f"from {SOURCES[first]}"


def test_an_empty_source_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for source in SOURCES[:-1]:
        monkeypatch.setenv(source, "")
    monkeypatch.setenv(SOURCES[-1], "last")
    assert orchestration.resolve(None) == "last"


def test_without_a_source_it_is_random() -> None:
    one, other = orchestration.resolve(None), orchestration.resolve(None)
    assert one != other
    assert len(bytes.fromhex(one)) == len(bytes.fromhex(other)) == 16


def test_published_identifiers_are_found_by_the_next() -> None:
    identifier = orchestration.resolve(None)
    orchestration.publish(identifier)
    assert os.environ["METRANA_ORCHESTRATION_ID"] == identifier
    assert orchestration.resolve(None) == identifier
    script = "from metrana import orchestration; print(orchestration.resolve(None))"
    command = [sys.executable, "-W", "error", "-c", script]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    assert child.stdout.strip() == identifier
