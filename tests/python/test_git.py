from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
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


def test_in_a_directory_that_is_gone_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert git.commit_sha() is None


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a script the only git, and the only program, there is."""

    def put(script: str) -> None:
        (tmp_path / "git").write_text(script)
        (tmp_path / "git").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return put


def test_a_git_that_hangs_is_given_up(
    stand_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also where it has children that keep its output open."""
    monkeypatch.setattr(git, "_TIMEOUT_SECS", 0.5)
    child, late = f"/bin/sleep 20 & echo $! > {tmp_path}/pid", f"echo {'a1' * 20}"
    stand_in(f"#!/bin/sh\n{child}\n/bin/sleep 20\n{late}\n")
    assert git.commit_sha() is None
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/sh\necho HEAD\n",
        "#!/bin/sh\necho usage: git; echo much noise >&2\n",
        "#!/bin/sh\nexit 128\n",
        "#!/bin/sh\nprintf '\\377\\n'\n",
        "#!/nowhere\n",
        "",
    ],
)
def test_what_is_no_commit_is_none_and_no_noise(
    stand_in: Callable[[str], None], capfd: pytest.CaptureFixture[str], script: str
) -> None:
    stand_in(script)
    assert git.commit_sha() is None
    assert capfd.readouterr() == ("", "")


def test_git_takes_no_input_of_the_programs(stand_in: Callable[[str], None]) -> None:
    stand_in(f"#!/bin/sh\nread -r answer && exit 1\necho {'a1' * 20}\n")
    script = "from metrana import git; print(git.commit_sha(), input())"
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, input="theirs\n", capture_output=True, text=True, check=True)
    assert done.stdout == f"{'a1' * 20} theirs\n"
