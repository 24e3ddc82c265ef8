"""Where metrana's own messages go: through loguru, to the terminal by default."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from metrana.enums import LogLevel

if TYPE_CHECKING:
    from loguru import Message, Record
    from loguru import logger as logger
else:

    class _Logger:
        """loguru's logger, imported when it is first needed: that takes a while."""

        def __getattr__(self, name: str) -> Any:
            from loguru import logger

            return getattr(logger, name)

    logger = _Logger()

_FORMAT = "<level>metrana</level> | {message}"

# loguru numbers its handlers; the one it starts with is the first.
_LOGURU_DEFAULT = 0

_handlers: list[int] = []


def show(level: LogLevel) -> None:
    """Shows messages of at least `level` on stderr, briefly formatted.

    A program that has set up loguru itself (its default handler is gone) is left
    alone: there, metrana's messages go wherever the program sends them.
    """
    try:
        logger.remove(_handlers.pop() if _handlers else _LOGURU_DEFAULT)
    except ValueError:
        _handlers.clear()
        return
    if not _handlers:
        # As it was, for the messages of everybody else.
        _handlers.append(logger.add(_write, filter=_is_foreign, colorize=_colorful()))
    _handlers.append(
        logger.add(_write, level=str(level), filter=_is_ours, format=_FORMAT, colorize=_colorful())
    )


def _write(message: Message) -> None:
    # Looked up at each message, since programs and tests replace sys.stderr.
    if sys.stderr is not None:
        sys.stderr.write(message)


def _colorful() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or what stands there is no file
        return False


def _is_ours(record: Record) -> bool:
    name = record["name"]
    return name is not None and (name == "metrana" or name.startswith("metrana."))


def _is_foreign(record: Record) -> bool:
    return not _is_ours(record)
