"""metrana's own messages: shown by default, and never in the way."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from loguru import logger
{setup}
from metrana import messages
from metrana.enums import LogLevel
for level in {levels}:
    messages.show(LogLevel[level])
ours = logger.patch(lambda record: record.update(name="metrana.run"))
ours.info("our info")
ours.warning("our warning")
logger.debug("their debug")
"""


def shown(setup: str = "", levels: str = "['SUCCESS']") -> str:
    script = SCRIPT.format(setup=setup, levels=levels)
    command = [sys.executable, "-W", "error", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def test_messages_are_shown_once_from_their_level_on() -> None:
    lines = shown().splitlines()
    assert [line for line in lines if "our" in line] == ["metrana | our warning"]
    assert [line for line in lines if "their debug" in line] == lines[1:]


def test_the_level_can_change() -> None:
    lines = shown(levels="['SUCCESS', 'INFO', 'INFO']").splitlines()
    assert lines[:2] == ["metrana | our info", "metrana | our warning"]
    assert len(lines) == 3


def test_a_program_that_set_up_loguru_is_left_alone() -> None:
    setup = "logger.remove(); logger.add(sys.stderr, level='INFO', format='mine {message}')"
    assert shown(setup).splitlines() == ["mine our info", "mine our warning"]
