"""The closed vocabularies of the public interface.

Wherever one of these is asked for, its value in any case and its CamelCase name
do as well: `BackpressureStrategy.DROP_NEW`, `"drop_new"`, `"DROP_NEW"`, `"DropNew"`.
"""

from __future__ import annotations

import enum
import sys
from typing import TypeVar

if sys.version_info >= (3, 11):
    from enum import StrEnum
else:

    class StrEnum(str, enum.Enum):
        """`enum.StrEnum`, which Python 3.10 lacks."""

        def __str__(self) -> str:
            return str(self.value)


class StandardMetricScale(StrEnum):
    """What one step of a series counts. Any other text is a scale of one's own."""

    ML_STEP = "ML_STEP"
    EPISODE = "EPISODE"
    ENVIRONMENT_STEP = "ENVIRONMENT_STEP"


class LogLevel(StrEnum):
    """From which level on metrana's own messages are shown."""

    TRACE = "TRACE"
    DEBUG = "DEBUG"
    INFO = "INFO"
    SUCCESS = "SUCCESS"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class ErrorStrategy(StrEnum):
    """How errors of the background sender surface."""

    SILENT = "silent"
    WARN = "warn"
    RAISE_ON_LOG = "raise_on_log"
    RAISE_ON_CLOSE = "raise_on_close"


class RunMode(StrEnum):
    """Whether anything is logged at all."""

    ONLINE = "online"
    DISABLED = "disabled"


class ResumeStrategy(StrEnum):
    """Whether a run that another job created may be continued."""

    NEVER = "never"
    ALLOW = "allow"


class BackpressureStrategy(StrEnum):
    """What a call does when the queue stays full for `enqueue_timeout_secs`."""

    DROP_NEW = "drop_new"
    BLOCK = "block"
    RAISE = "raise"


class Compression(StrEnum):
    """How messages to the server are compressed."""

    NONE = "none"
    ZSTD = "zstd"


_E = TypeVar("_E", bound=StrEnum)


def parse(kind: type[_E], given: object) -> _E:
    """The member that `given` spells.

    Raises:
        ValueError: None does; the text lists the accepted values.
    """
    if isinstance(given, kind):
        return given
    if isinstance(given, str):
        wanted = _plain(given)
        for member in kind:
            if wanted in (_plain(member.value), _plain(member.name)):
                return member
    accepted = ", ".join(repr(str(member.value)) for member in kind)
    raise ValueError(f"{given!r} is not a {kind.__name__}: use one of {accepted}")


def _plain(spelling: str) -> str:
    return spelling.strip().replace("_", "").lower()
