from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime
import enum
import math
import pathlib
import types
import uuid
from decimal import Decimal

import numpy as np
import pytest

from metrana import attributes
from metrana.errors import MetranaValidationError


class Color(enum.Enum):
    RED = "red"
    PAIR = (1, 2)


class Level(enum.IntEnum):
    HIGH = 3


class Word(str, enum.Enum):
    YES = "yes"


@dataclasses.dataclass
class Adam:
    lr: float
    betas: tuple[float, float] = (0.9, 0.999)


Point = collections.namedtuple("Point", "x y")

UTC = datetime.timezone.utc
MOMENT = datetime.datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
NANOSECONDS = 1704164645_678901_000


@pytest.mark.parametrize(
    ("leaf", "kind", "value"),
    [
        (True, "bool", True),
        (np.bool_(False), "bool", False),
        (3, "int", 3),
        (-(2**63), "int", -(2**63)),
        (np.int32(3), "int", 3),
        (np.uint8(3), "int", 3),
        (Level.HIGH, "int", 3),
        (2**63, "float", float(2**63)),
        (2**64 - 1, "float", float(2**64 - 1)),
        (0.5, "float", 0.5),
        (np.float64(0.5), "float", 0.5),
        (np.float32(0.5), "float", 0.5),
        (np.float16(0.5), "float", 0.5),
        (np.longdouble(0.5), "float", 0.5),
        (np.array(0.5), "float", 0.5),
        (Decimal("0.5"), "float", 0.5),
        (datetime.timedelta(seconds=90), "float", 90.0),
        ("text", "string", "text"),
        ("", "string", ""),
        (np.str_("text"), "string", "text"),
        (Word.YES, "string", "yes"),
        (Color.RED, "string", "red"),
        (Color.PAIR, "string", "PAIR"),
        (pathlib.PurePosixPath("/a/b"), "string", "/a/b"),
        (uuid.UUID(int=1), "string", "00000000-0000-0000-0000-000000000001"),
        (datetime.date(2024, 1, 2), "string", "2024-01-02"),
        (MOMENT, "timestamp", NANOSECONDS),
        (
            MOMENT.astimezone(datetime.timezone(datetime.timedelta(hours=9))),
            "timestamp",
            NANOSECONDS,
        ),
        (datetime.datetime(1969, 12, 31, tzinfo=UTC), "timestamp", -86_400 * 10**9),
        (np.datetime64("2024-01-02T03:04:05.678901"), "timestamp", NANOSECONDS),
        (np.array("2024-01-02T03:04:05.678901", "datetime64[ns]"), "timestamp", NANOSECONDS),
        (None, "null", None),
        (math.nan, "null", None),
        (math.inf, "null", None),
        (np.float32("-inf"), "null", None),
        (np.datetime64("NaT", "s"), "null", None),
    ],
)
def test_leaves(leaf: object, kind: str, value: object) -> None:
    updates = attributes.flatten("config", leaf)
    assert updates == [("config", kind, value)]
    assert type(updates[0][2]) is type(value)


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ({"b": 1, "a": {"c": 2}}, ["p/a/c", "p/b"]),
        ([1, [2, 3]], ["p/0", "p/1/0", "p/1/1"]),
        ((1, 2), ["p/0", "p/1"]),
        (range(2), ["p/0", "p/1"]),
        ({5, 3}, ["p/0", "p/1"]),
        (np.arange(4).reshape(2, 2), ["p/0/0", "p/0/1", "p/1/0", "p/1/1"]),
        (np.array(["a", "b"]), ["p/0", "p/1"]),
        (np.array([None, 1], object), ["p/0", "p/1"]),
        (Adam(3e-4), ["p/lr", "p/betas/0", "p/betas/1"]),
        (Point(1, 2), ["p/0", "p/1"]),
        (types.SimpleNamespace(b=1, a=2), ["p/a", "p/b"]),
        (argparse.Namespace(lr=1), ["p/lr"]),
        (collections.OrderedDict(b=1, a=2), ["p/a", "p/b"]),
        (types.MappingProxyType({"a": 1}), ["p/a"]),
        ({}, []),
        ([], []),
        ({"a": {}, "b": []}, []),
    ],
)
def test_containers(value: object, paths: list[str]) -> None:
    assert [path for path, _, _ in attributes.flatten("p", value)] == paths


def test_sets_come_in_one_order() -> None:
    assert [value for *_, value in attributes.flatten("p", {"b", "c", "a"})] == ["a", "b", "c"]


def test_an_empty_prefix_gives_bare_keys() -> None:
    assert attributes.flatten("", {"a": {"b": 1}}) == [("a/b", "int", 1)]


def test_tags_under_their_path_are_a_set() -> None:
    expected = [("sys/tags", "string_set", ["x", "y"])]
    assert attributes.flatten("sys", {"tags": ["x", "y", "x"]}) == expected


@pytest.mark.parametrize(
    "value",
    [b"raw", bytearray(b"raw"), 1j, object(), len, Adam, (n for n in range(0)), {1: 2}, {None: 1}],
    ids=lambda value: type(value).__name__,
)
def test_what_no_attribute_can_hold_is_named(value: object) -> None:
    with pytest.raises(TypeError, match="config/optimizer"):
        attributes.flatten("config", {"optimizer": value})


def test_an_int_beyond_64_bits_is_refused() -> None:
    for value in (2**64, -(2**63) - 1):
        with pytest.raises(MetranaValidationError, match="64 bits"):
            attributes.flatten("p", value)


def test_a_container_inside_itself_is_refused() -> None:
    value: dict[str, object] = {}
    value["self"] = value
    with pytest.raises(MetranaValidationError, match="contain itself"):
        attributes.flatten("p", value)


def test_tags() -> None:
    assert attributes.tags(["b", "a", "b"]) == ["b", "a"]
    assert attributes.tags(("x y", "ü,")) == ["x y", "ü,"]
    assert attributes.tags({"b", "a"}) == ["a", "b"]
    for wrong in ("baseline", None, {"a": 1}, [1], [None], 3):
        with pytest.raises(TypeError, match="tags must be"):
            attributes.tags(wrong)
    with pytest.raises(MetranaValidationError, match="empty"):
        attributes.tags(["a", ""])
