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
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import PurePath
from typing import Any, TypeAlias

import numpy as np

from metrana import arrays
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

# Sequences that are leaves.
_TEXTS = (str, bytes, bytearray, memoryview)

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def flatten(prefix: str, value: object) -> list[Update]:
    """Everything inside `value`, under `prefix`; an empty prefix gives bare keys.

    Raises:
        TypeError: A key is no string, or a leaf is of a kind that has no attribute.
        MetranaValidationError: An empty key, an int beyond 64 bits, a time that
            nanoseconds cannot count, or a container inside itself.
    """
    return list(_walk(prefix, value, 0))


def tags(given: object) -> list[str]:
    """A list of tags, without repetitions, in the order given.

    Raises:
        TypeError: It is not a list of strings.
        MetranaValidationError: A tag is empty, or no Unicode text.
    """
    if isinstance(given, str) or not isinstance(given, (list, tuple, AbstractSet)):
        raise TypeError(f"tags must be a list of strings, not {given!r}")
    for tag in given:
        if not isinstance(tag, str):
            raise TypeError(f"tags must be strings, but {tag!r} is of type {type(tag).__name__}")
        if not tag:
            raise MetranaValidationError(f"tags must not be empty, but one is: {given!r}")
        _encodable("a tag", tag)
    return list(dict.fromkeys(sorted(given) if isinstance(given, AbstractSet) else given))


def _walk(path: str, value: object, depth: int) -> Iterator[Update]:
    if depth > _DEEPEST:
        raise MetranaValidationError(
            f"{path[:60]}… is nested deeper than {_DEEPEST} levels: does it contain itself?"
        )
    if path == TAGS and isinstance(value, (list, tuple, AbstractSet)):
        yield path, "string_set", tags(value)
        return
    if _is_array(value):
        value = _unpacked(path, value)
    children = _children(value)
    if children is None:
        yield (path, *_leaf(path, value))
        return
    for key, child in children:
        shown = path or "the mapping"
        if not isinstance(key, str):
            raise TypeError(f"keys must be strings: {shown} has the key {key!r}")
        if not key:
            raise MetranaValidationError(f"keys must not be empty: {shown} has the key ''")
        key = _encodable(f"a key of {shown}", _plain(key))
        yield from _walk(f"{path}/{key}" if path else key, child, depth + 1)


def _children(value: Any) -> list[tuple[Any, Any]] | None:
    """Keys and values of a container; None for a leaf."""
    if isinstance(value, Mapping):
        return sorted(value.items(), key=lambda item: _plain(item[0]))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]
    if isinstance(value, _namespaces()):
        return sorted(vars(value).items())
    if isinstance(value, AbstractSet):
        value = sorted(value, key=lambda element: (type(element).__name__, str(element)))
    elif not isinstance(value, Sequence) or isinstance(value, _TEXTS):
        return None
    return [(str(index), element) for index, element in enumerate(value)]


def _plain(key: object) -> str:
    """The text of a str, also where it is a member of an enum; of other things any text."""
    return str.__str__(key) if isinstance(key, str) else str(key)


def _is_array(value: Any) -> bool:
    """Whether it is an array or a scalar of NumPy, or a tensor of a framework."""
    return hasattr(value, "__array__") and not isinstance(value, type)


def _unpacked(path: str, value: Any) -> Any:
    """An array as its rows, a record as its fields, a scalar as Python has it."""
    if not isinstance(value, (np.ndarray, np.generic)):
        value = arrays.to_numpy(value, path or "the value")
    if value.ndim:
        return list(value)
    if value.dtype.names is not None:
        return {name: value[name] for name in value.dtype.names}
    if getattr(value, "mask", False):
        return None
    if value.dtype.kind in "mM":
        return value[()]  # Python's own times are coarser and do not reach as far
    return float(value) if value.dtype.kind == "f" else value.item()


def _leaf(path: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, enum.Enum):
        # The value where it is one that an attribute can hold, else the name.
        inner = value.value
        return _leaf(path, inner if isinstance(inner, (bool, int, float, str)) else value.name)
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


def _int(path: str, value: int) -> tuple[str, Any]:
    if -(2**63) <= value < 2**63:
        return "int", int(value)
    if 0 < value < 2**64:
        return "float", float(value)
    raise MetranaValidationError(f"{path} is {value}, which does not fit into 64 bits")


def _float(_path: str, value: float) -> tuple[str, Any]:
    return ("float", float(value)) if math.isfinite(value) else ("null", None)


def _datetime(path: str, value: datetime.datetime) -> tuple[str, Any]:
    if value != value:  # the NaT of pandas
        return "null", None
    try:
        # Without a zone it is local time, as everywhere in Python. (The method of
        # pandas' subclass would want a zone.)
        since = (value if value.tzinfo else datetime.datetime.astimezone(value)) - _EPOCH
    except (OverflowError, ValueError):
        raise _no_timestamp(path, value) from None
    seconds = since.days * 86_400 + since.seconds
    return _timestamp(path, value, seconds * 10**9 + since.microseconds * 1000)


def _datetime64(path: str, value: np.datetime64) -> tuple[str, Any]:
    if np.isnat(value):
        return "null", None
    # Without a zone NumPy means UTC.
    fine = np.datetime_data(value.dtype)[0] in ("ns", "ps", "fs", "as")
    counted = value.astype("datetime64[ns]" if fine else "datetime64[us]").astype(np.int64)
    return _timestamp(path, value, int(counted) * (1 if fine else 1000))


def _timestamp(path: str, value: object, nanoseconds: int) -> tuple[str, Any]:
    if not -(2**63) <= nanoseconds < 2**63:
        raise _no_timestamp(path, value)
    return "timestamp", nanoseconds


def _no_timestamp(path: str, value: object) -> MetranaValidationError:
    return MetranaValidationError(
        f"{path} is {value}, which is no timestamp: it must be between the years 1678 and 2262"
    )


def _timedelta64(path: str, value: np.timedelta64) -> tuple[str, Any]:
    if np.datetime_data(value.dtype)[0] in ("Y", "M"):
        value = value.astype("timedelta64[s]")  # of the average length
    return _float(path, float(value / np.timedelta64(1, "s")))


def _text(path: str, value: object) -> tuple[str, Any]:
    return "string", _encodable(path, str(value))


def _encodable(what: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise MetranaValidationError(f"{what} is {text!r}, no Unicode text: {error}") from None
    return text


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
        np.datetime64: _datetime64,
        np.timedelta64: _timedelta64,
        decimal.Decimal: lambda path, value: _float(
            path, math.nan if value.is_nan() else float(value)
        ),
        PurePath: _text,
        uuid.UUID: _text,
    }
