from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from metrana import git


def test_the_commit_of_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for arguments in (["init", "-q"], [*identity, "commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    sha = git.commit_sha()
    assert sha is not None
    assert len(sha) == 40


def test_outside_a_repository_there_is_none_and_no_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git.commit_sha() is None
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert git.commit_sha() is None  # no commit yet
    assert capfd.readouterr() == ("", "")


def test_without_git_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git.commit_sha() is None
