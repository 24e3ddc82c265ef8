"""metrana's own messages: shown by default, and never in the way."""

from __future__ import annotations

import subprocess
import sys

import pytest

from metrana import LogLevel

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


def test_a_program_may_set_up_loguru_later() -> None:
    lines = shown(
        "from metrana import messages\n"
        "from metrana.enums import LogLevel\n"
        "messages.show(LogLevel.INFO)\n"
        "logger.remove(); logger.add(sys.stderr, level='WARNING', format='mine {message}')",
        levels="['INFO', 'TRACE']",
    ).splitlines()
    assert lines == ["mine our warning"]


STREAM = """
class Stream:
    def write(self, text):
        sys.stdout.write(text)
    def flush(self):
        pass
sys.stderr = Stream()
"""


@pytest.mark.parametrize("setup", [STREAM, "sys.stderr = None"])
def test_whatever_stands_for_stderr_is_no_hindrance(setup: str) -> None:
    script = SCRIPT.format(setup=setup, levels="['SUCCESS']")
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert ("metrana | our warning" in done.stdout) == (setup == STREAM)


def test_stderr_may_be_closed() -> None:
    script = SCRIPT.format(setup="sys.stderr.close()", levels="['SUCCESS']")
    script = script.partition("ours =")[0] + "print('went on')"
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "went on\n"


@pytest.mark.parametrize("level", list(LogLevel))
def test_each_level_shows_itself_and_above(level: LogLevel) -> None:
    script = f"""
from loguru import logger
from metrana import messages
from metrana.enums import LogLevel
messages.show(LogLevel[{level.name!r}])
ours = logger.patch(lambda record: record.update(name="metrana.run"))
for level in LogLevel:
    ours.log(str(level), str(level))
"""
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    order = [str(one) for one in LogLevel]
    wanted = [f"metrana | {one}" for one in order[order.index(level) :]]
    assert done.stderr.splitlines() == wanted


def test_a_program_that_set_up_loguru_is_left_alone() -> None:
    setup = "logger.remove(); logger.add(sys.stderr, level='INFO', format='mine {message}')"
    assert shown(setup).splitlines() == ["mine our info", "mine our warning"]
