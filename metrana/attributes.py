"""Configs and attributes as flat lists of (path, kind, value), ready for the wire.

Mappings, dataclasses and sequences recurse with `/`, sequences by index. Leaves
become one of the kinds below; NaN, infinities and None become `null`, which clears
the attribute. Paths are checked by the engine, with everything else of the call.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import math
import types
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import PurePath
from typing import Any, TypeAlias

import numpy as np

from metrana.errors import MetranaValidationError

Update: TypeAlias = tuple[str, str, Any]
"""Path, kind, value. The kinds and their Python values:

bool bool · int int · float float · string str · null None ·
timestamp int, nanoseconds since 1970 UTC · string_set list[str] ·
string_set_delta tuple of the added and the removed list[str]
"""

TAGS = "sys/tags"
DESCRIPTION = "sys/description"

# Deeper than any config; shallower than what a container inside itself reaches.
_DEEPEST = 100

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def flatten(prefix: str, value: object) -> list[Update]:
    """Everything inside `value`, under `prefix`; an empty prefix gives bare keys.

    Raises:
        TypeError: A key is no string, or a leaf is of a kind that has no attribute.
        MetranaValidationError: An int beyond 64 bits, or a container inside itself.
    """
    return list(_walk(prefix, value, 0))


def tags(given: object) -> list[str]:
    """A list of tags, without repetitions, in the order given.

    Raises:
        TypeError: It is not a list of strings.
        MetranaValidationError: A tag is empty.
    """
    if isinstance(given, str) or not isinstance(given, (list, tuple, AbstractSet)):
        raise TypeError(f"tags must be a list of strings, not {given!r}")
    for tag in given:
        if not isinstance(tag, str):
            raise TypeError(f"tags must be strings, but {tag!r} is of type {type(tag).__name__}")
        if not tag:
            raise MetranaValidationError("a tag must not be empty")
    return list(dict.fromkeys(sorted(given) if isinstance(given, AbstractSet) else given))


def _walk(path: str, value: object, depth: int) -> Iterator[Update]:
    if depth > _DEEPEST:
        raise MetranaValidationError(
            f"{path[:60]}… is nested deeper than {_DEEPEST} levels: does it contain itself?"
        )
    if path == TAGS and isinstance(value, (list, tuple, AbstractSet)):
        yield path, "string_set", tags(value)
        return
    children = _children(value)
    if children is None:
        yield (path, *_leaf(path, value))
        return
    for key, child in children:
        if not isinstance(key, str):
            raise TypeError(f"keys must be strings: {path or 'the mapping'} has the key {key!r}")
        yield from _walk(f"{path}/{key}" if path else key, child, depth + 1)


def _children(value: Any) -> list[tuple[Any, Any]] | None:
    """Keys and values of a container; None for a leaf."""
    if isinstance(value, Mapping):
        return sorted(value.items(), key=lambda item: str(item[0]))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]
    if isinstance(value, _namespaces()):
        return sorted(vars(value).items())
    if isinstance(value, AbstractSet):
        value = sorted(value, key=lambda element: (type(element).__name__, str(element)))
    elif _is_array(value):
        if not value.ndim:
            return None
        value = list(value)
    elif not isinstance(value, (list, tuple, range)):
        return None
    return [(str(index), element) for index, element in enumerate(value)]


def _is_array(value: Any) -> bool:
    """Whether it is an array of NumPy or a tensor of a framework."""
    return hasattr(value, "__array__") and hasattr(value, "ndim") and not isinstance(value, type)


def _leaf(path: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, enum.Enum):
        # The value where it is one that an attribute can hold, else the name.
        inner = value.value
        return _leaf(path, inner if isinstance(inner, (bool, int, float, str)) else value.name)
    if _is_array(value):
        value = _of_scalar_array(value)
    if value is None:
        return "null", None
    for kind, convert in _leaves().items():
        if isinstance(value, kind):
            return convert(path, value)
    shown = path or "the value"
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(f"{shown} is bytes, which no attribute can hold: decode it to a string")
    raise TypeError(
        f"{shown} is of type {type(value).__name__}, which no attribute can hold: "
        "convert it to a number, a string or a container of them"
    )


def _of_scalar_array(value: Any) -> Any:
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind == "M":  # without a zone NumPy means UTC; NaT gives None
        moment = np.asarray(value).astype("datetime64[us]").item()
        return moment and moment.replace(tzinfo=datetime.timezone.utc)
    if kind == "m":
        return np.asarray(value).astype("timedelta64[us]").item()
    return value.item() if hasattr(value, "item") else np.asarray(value).item()


def _int(path: str, value: int) -> tuple[str, Any]:
    if -(2**63) <= value < 2**63:
        return "int", int(value)
    if 0 < value < 2**64:
        return "float", float(value)
    raise MetranaValidationError(f"{path} is {value}, which does not fit into 64 bits")


def _float(_path: str, value: float) -> tuple[str, Any]:
    return ("float", float(value)) if math.isfinite(value) else ("null", None)


def _datetime(_path: str, value: datetime.datetime) -> tuple[str, Any]:
    # Without a zone it is local time, as everywhere in Python.
    since = value.astimezone(datetime.timezone.utc) - _EPOCH
    return "timestamp", (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def _text(_path: str, value: object) -> tuple[str, Any]:
    return "string", str(value)


# The modules imported below take a while, and many programs log no attributes at all.


@functools.cache
def _namespaces() -> tuple[type, ...]:
    import argparse

    return types.SimpleNamespace, argparse.Namespace


@functools.cache
def _leaves() -> dict[type, Callable[[str, Any], tuple[str, Any]]]:
    """What becomes of which type, to be looked through in order: bool is an int."""
    import decimal
    import uuid

    return {
        bool: lambda _path, value: ("bool", bool(value)),
        int: _int,
        float: _float,
        str: _text,
        datetime.datetime: _datetime,
        datetime.date: lambda _path, value: ("string", value.isoformat()),
        datetime.timedelta: lambda _path, value: ("float", value.total_seconds()),
        decimal.Decimal: lambda path, value: _float(path, float(value)),
        PurePath: _text,
        uuid.UUID: _text,
        np.longdouble: lambda path, value: _float(path, float(value)),
    }
