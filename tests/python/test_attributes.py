from __future__ import annotations

import argparse
import array
import collections
import dataclasses
import datetime
import enum
import math
import pathlib
import time
import types
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from metrana import attributes
from metrana.errors import MetranaValidationError


class Color(enum.Enum):
    RED = "red"
    PAIR = (1, 2)


class Level(enum.IntEnum):
    HIGH = 3


class Word(str, enum.Enum):
    YES = "yes"


class Bits(enum.Flag):
    ONE = 1
    TWO = 2


class Tensor:
    """Behaves like a PyTorch tensor that is on a device and has a gradient."""

    def __init__(self, held: object, on: str = "cuda") -> None:
        self.held = np.asarray(held)
        self.on = on

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return Tensor(self.held, "cpu")

    def numpy(self) -> NDArray[Any]:
        if self.on != "cpu":
            raise TypeError("can't convert cuda tensor to numpy")
        return self.held

    def __array__(self, dtype: object = None, copy: object = None) -> NDArray[Any]:
        return self.numpy()


class Variable:
    """Behaves like a variable of TensorFlow: an array without the attributes of one."""

    def __array__(self, dtype: object = None, copy: object = None) -> NDArray[Any]:
        return np.array([0.5, 1.5], np.float32)


class NotATime(datetime.datetime):
    """Behaves like the NaT of pandas."""

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]

    def astimezone(self, tz: object = None) -> NotATime:
        raise TypeError("tz_convert() takes exactly 2 positional arguments")


class Timestamp(datetime.datetime):
    """Behaves like a timestamp of pandas without a zone."""

    def astimezone(self, tz: object = None) -> Timestamp:
        raise TypeError("tz_convert() takes exactly 2 positional arguments")


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
        (np.array(True), "bool", True),
        (np.array(3, ">i2"), "int", 3),
        (np.uint64(2**64 - 1), "float", float(2**64 - 1)),
        (np.array("text"), "string", "text"),
        (np.array(None, object), "null", None),
        (Tensor(0.5), "float", 0.5),
        (Tensor(3), "int", 3),
        (Bits.ONE | Bits.TWO, "int", 3),
        (Decimal("0.5"), "float", 0.5),
        (Decimal("sNaN"), "null", None),
        (np.ma.masked, "null", None),
        (np.longdouble("inf"), "null", None),
        (datetime.timedelta(seconds=90), "float", 90.0),
        (np.timedelta64(90, "s"), "float", 90.0),
        (np.timedelta64(1, "ns"), "float", 1e-9),
        (np.timedelta64(1, "Y"), "float", 365.2425 * 86400),
        (np.timedelta64("NaT", "s"), "null", None),
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
        (np.datetime64("2024-01-02T03:04:05.678901234"), "timestamp", NANOSECONDS + 234),
        (np.datetime64("2024"), "timestamp", 1704067200 * 10**9),
        (np.datetime64("1969-12-31"), "timestamp", -86_400 * 10**9),
        (NotATime(2024, 1, 2), "null", None),
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
        (np.array([{"a": 1}, [2]], object), ["p/0/a", "p/1/0"]),
        (np.array([(1, 2.0)], [("b", int), ("a", float)]), ["p/0/a", "p/0/b"]),
        (np.array([(1, 2.0)], [("b", int), ("a", float)])[0], ["p/a", "p/b"]),
        (Tensor([[1], [2]]), ["p/0/0", "p/1/0"]),
        (Variable(), ["p/0", "p/1"]),
        (collections.deque([1, 2]), ["p/0", "p/1"]),
        (collections.UserList([1, 2]), ["p/0", "p/1"]),
        (collections.ChainMap({"a": 1}, {"b": 2}), ["p/a", "p/b"]),
        (array.array("d", [1, 2]), ["p/0", "p/1"]),
        (frozenset([5]), ["p/0"]),
        ({Word.YES: 1, np.str_("no"): 2}, ["p/no", "p/yes"]),
        ({"a/b": 1, "a": {"c": 2}}, ["p/a/c", "p/a/b"]),
        ({f"{i}": i for i in (10, 9, 1)}, ["p/1", "p/10", "p/9"]),
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


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        *(("?", "bool"), ("U1", "string"), ("O", "int")),
        *((code, "int") for code in "bBhHiIlLqQ"),
        *((code, "float") for code in "efdg"),
        *((f"M8[{unit}]", "timestamp") for unit in ("Y", "D", "s", "ms", "us", "ns")),
        *((f"m8[{unit}]", "float") for unit in ("Y", "W", "h", "ms", "ns")),
    ],
)
def test_arrays_of_any_type(dtype: str, kind: str) -> None:
    given = np.array([0, 1], "O" if dtype == "O" else int).astype(dtype)
    for one in (given, given[::-1], given.reshape(2, 1)):
        assert {found for _, found, _ in attributes.flatten("p", one)} == {kind}
    (path, found, value), *_ = attributes.flatten("p", given[1])
    assert (path, found) == ("p", kind)
    assert type(value) in (bool, int, float, str)
    if dtype[0] not in "mM":
        assert str(float(value) if dtype in "efdg" else value) in ("1", "1.0", "True")


def test_what_is_masked_is_null() -> None:
    masked = np.ma.MaskedArray([[1, 2], [3, 4]], mask=[[False, True], [False, False]])
    found = [(kind, value) for _, kind, value in attributes.flatten("p", masked)]
    assert found == [("int", 1), ("null", None), ("int", 3), ("int", 4)]


def test_a_time_without_a_zone_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-9")
    time.tzset()
    try:
        local = datetime.datetime(2024, 1, 2, 12, 4, 5, 678901)
        assert attributes.flatten("p", local) == [("p", "timestamp", NANOSECONDS)]
        of_pandas = Timestamp(2024, 1, 2, 12, 4, 5, 678901)
        assert attributes.flatten("p", of_pandas) == [("p", "timestamp", NANOSECONDS)]
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime.min,
        datetime.datetime.max,
        datetime.datetime(1600, 1, 1, tzinfo=UTC),
        datetime.datetime(3000, 1, 1, tzinfo=UTC),
        datetime.datetime.max.replace(tzinfo=UTC),
        np.datetime64("3000-01-01"),
        np.datetime64("10000-01-01"),
        np.datetime64("0001-01-01"),
    ],
    ids=str,
)
def test_a_time_that_nanoseconds_cannot_count_is_refused(value: object) -> None:
    with pytest.raises(MetranaValidationError, match=r"^p/end is .* no timestamp") as refused:
        attributes.flatten("p", {"end": value})
    assert str(value) in str(refused.value)


def test_keys_are_not_empty() -> None:
    for value, place in (({"": 1}, "config"), ({"a": {"b": {"": 1}}}, "config/a/b")):
        with pytest.raises(MetranaValidationError, match=f"{place} has the key ''"):
            attributes.flatten("config", value)
    with pytest.raises(MetranaValidationError, match="the mapping has the key ''"):
        attributes.flatten("", {"": 1})


@pytest.mark.parametrize("value", [{"\ud800": 1}, {"a": "\ud800"}, pathlib.PurePath("\udcff")])
def test_text_is_unicode(value: object) -> None:
    with pytest.raises(
        MetranaValidationError, match=r"^(a key of config|config(/a)?) is .* Unicode"
    ):
        attributes.flatten("config", value)


def test_sets_come_in_one_order() -> None:
    assert [value for *_, value in attributes.flatten("p", {"b", "c", "a"})] == ["a", "b", "c"]


def test_an_empty_prefix_gives_bare_keys() -> None:
    assert attributes.flatten("", {"a": {"b": 1}}) == [("a/b", "int", 1)]


def test_tags_under_their_path_are_a_set() -> None:
    expected = [("sys/tags", "string_set", ["x", "y"])]
    assert attributes.flatten("sys", {"tags": ["x", "y", "x"]}) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(b"raw", bytearray(b"raw"), memoryview(b"raw"), np.bytes_(b"raw"), np.array([b"raw"])),
        *(1j, np.complex64(1j), np.array([1j]), np.void(b"raw"), np.array(object(), object)),
        *(object(), len, Adam, (n for n in range(0)), map(str, []), datetime.time(1)),
        *({1: 2}, {None: 1}, {b"a": 1}, {Level.HIGH: 1}, {("a", "b"): 1}, {"a": 1, 2: 3}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_no_attribute_can_hold_is_named(value: object) -> None:
    with pytest.raises(
        TypeError, match=r"^(keys must be strings: )?config/optimizer(/0)? (is|has)"
    ):
        attributes.flatten("config", {"optimizer": value})


@pytest.mark.parametrize(
    "value", [b"raw", np.bytes_(b"raw"), bytearray(b"raw"), memoryview(b"raw")]
)
def test_bytes_are_refused_with_what_to_do(value: object) -> None:
    with pytest.raises(TypeError, match=r"config/a is bytes.*: decode it to a string"):
        attributes.flatten("config", {"a": value})


def test_an_int_beyond_64_bits_is_refused() -> None:
    for value in (2**64, -(2**63) - 1):
        with pytest.raises(MetranaValidationError, match="64 bits"):
            attributes.flatten("p", value)


def test_a_container_inside_itself_is_refused() -> None:
    value: dict[str, object] = {}
    value["self"] = value
    row: list[object] = []
    row.append(row)
    for endless in (value, row):
        with pytest.raises(MetranaValidationError, match="contain itself"):
            attributes.flatten("p", endless)


def test_tags() -> None:
    assert attributes.tags(["b", "a", "b"]) == ["b", "a"]
    assert attributes.tags(("x y", "ü,")) == ["x y", "ü,"]
    assert attributes.tags({"b", "a"}) == ["a", "b"]
    assert attributes.tags([]) == []
    for wrong in ("baseline", None, {"a": 1}, [1], [None], 3):
        with pytest.raises(TypeError, match="tags must be"):
            attributes.tags(wrong)
    with pytest.raises(MetranaValidationError, match=r"tags must not be empty.*\['a', ''\]"):
        attributes.tags(["a", ""])
    with pytest.raises(MetranaValidationError, match="no Unicode text"):
        attributes.tags(["a", "\ud800"])
