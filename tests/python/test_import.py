"""What `import metrana` must not do."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
import metrana
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""

MAPS = """
import metrana
print("libmetrana" in open("/proc/self/maps").read())
"""


def run(script: str) -> str:
    command = [sys.executable, "-W", "error", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_import_brings_no_framework() -> None:
    loaded = run(SCRIPT).split()
    assert "metrana" in loaded
    assert not {"torch", "jax", "tensorflow", "gymnasium", "av", "google"} & set(loaded)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_import_does_not_load_the_engine() -> None:
    assert run(MAPS).strip() == "False"
