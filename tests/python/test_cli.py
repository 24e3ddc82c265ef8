from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import metrana
import metrana.server
from metrana import cli


@pytest.fixture
def fake_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script at the server program's place; the test writes what it does."""
    path = tmp_path / "metrana-server"
    monkeypatch.setattr(metrana.server, "program", lambda: path)
    return path


def write(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: metrana <command>")
    for command in cli._COMMANDS:
        assert f"\n  {command} " in shown


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"metrana {metrana.__version__}\n"


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve"]) == 2
    assert capsys.readouterr().err == (
        "error: there is no command 'serve'; known are archive, backup, check, delete, "
        "demo, export, ls, restore, retain, server, unarchive, watch\n"
    )


def test_the_module_is_the_command() -> None:
    command = [sys.executable, "-m", "metrana", "--version"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown == f"metrana {metrana.__version__}\n"


def test_server_becomes_the_program(fake_program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[tuple[str, list[str]]] = []

    def execv(path: str, arguments: list[str]) -> None:
        became.append((path, arguments))
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", execv)
    with pytest.raises(SystemExit):
        cli.main(["server", "--data-dir", "d", "--help"])
    path = str(fake_program)
    assert became == [(path, [path, "serve", "--data-dir", "d", "--help"])]


def test_a_missing_program_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metrana.server, "__file__", str(tmp_path / "server.py"))
    assert cli.main(["server"]) == 1
    assert "is missing: install metrana again" in capsys.readouterr().err


def test_the_demo_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert cli.main(["demo", "--once"]) == 2
    assert capsys.readouterr().err == "the demo needs Gymnasium: pip install 'metrana[demo]'\n"


def test_the_demo_shows_why_the_server_did_not_start(
    fake_program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("gymnasium")
    write(fake_program, "echo 'error: 127.0.0.1:7420 is in use by pid 12' >&2; exit 3")
    assert cli.main(["demo", "--once"]) == 1
    assert capsys.readouterr().err == "error: 127.0.0.1:7420 is in use by pid 12\n"


def test_a_server_gets_its_options_and_is_stopped_in_the_end(fake_program: Path) -> None:
    write(fake_program, 'echo "listening on http://$*"; exec sleep 1000')
    server = metrana.server.Server("dir", "127.0.0.1:0")
    assert server.url == "http://serve --data-dir dir --listen 127.0.0.1:0"
    # `sleep` does not turn SIGTERM into exit code 0, as the server does.
    with pytest.raises(metrana.server.ServerError, match="exit code -15"), server:
        assert server._process.poll() is None
    assert server._process.poll() is not None


def test_a_server_that_says_much_does_not_stand_still(fake_program: Path) -> None:
    flood = "yes 'some line of the log' | head -c 300000"
    write(fake_program, f"echo 'listening on http://x'; {flood}; echo gone >&2; exit 7")
    server = metrana.server.Server()
    with pytest.raises(metrana.server.ServerError, match="exit code 7: gone"):
        server.wait()
