from __future__ import annotations

import array
import collections
import ctypes
import math
import sys
import types
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from metrana import arrays, attributes
from metrana.errors import MetranaValidationError


class Tensor:
    """Behaves like a PyTorch tensor that is on a device and has a gradient."""

    def __init__(self, held: object, *, gradient: bool = True, device: str = "cuda") -> None:
        self.held = np.asarray(held)
        self.gradient = gradient
        self.device = device

    def detach(self) -> Tensor:
        return Tensor(self.held, gradient=False, device=self.device)

    def cpu(self) -> Tensor:
        return Tensor(self.held, gradient=self.gradient, device="cpu")

    def numpy(self) -> NDArray[Any]:
        if self.gradient or self.device != "cpu":
            raise RuntimeError("can't convert: needs detach() and cpu()")
        return self.held

    def __array__(self, dtype: object = None, copy: object = None) -> NDArray[Any]:
        return self.numpy()

    def __len__(self) -> int:
        if not self.held.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self.held)

    def __iter__(self) -> Iterator[Tensor]:
        return (Tensor(element) for element in self.held)


class BFloat16(Tensor):
    """A tensor of a type that NumPy does not know."""

    def detach(self) -> BFloat16:
        return BFloat16(self.held, gradient=False, device=self.device)

    def cpu(self) -> BFloat16:
        return BFloat16(self.held, gradient=self.gradient, device="cpu")

    def numpy(self) -> NDArray[Any]:
        raise TypeError("Got unsupported ScalarType BFloat16")

    def double(self) -> Tensor:
        return Tensor(self.held.astype(np.float64), gradient=self.gradient, device=self.device)


class Negated(Tensor):
    """A view whose sign is still to be turned, as of a conjugate's imaginary part."""

    def detach(self) -> Negated:
        return Negated(self.held, gradient=False, device=self.device)

    def cpu(self) -> Negated:
        return Negated(self.held, gradient=self.gradient, device="cpu")

    def numpy(self) -> NDArray[Any]:
        raise RuntimeError("Can't call numpy() on Tensor that has negative bit set.")

    def resolve_neg(self) -> Tensor:
        return Tensor(self.held, gradient=self.gradient, device=self.device)


class Sparse(BFloat16):
    def detach(self) -> Sparse:
        return self

    def cpu(self) -> Sparse:
        return self

    def double(self) -> Tensor:
        raise TypeError("can't convert Sparse layout tensor to numpy")


class Eager:
    """Behaves like a TensorFlow tensor; `scalar` like one of a type that NumPy lacks."""

    def __init__(self, held: object, *, scalar: bool = False) -> None:
        self.held = np.asarray(held)
        self.scalar = scalar

    def numpy(self) -> NDArray[Any]:
        return self.held

    def __array__(self, dtype: object = None, copy: object = None) -> Any:
        return object() if self.scalar else self.held

    def __len__(self) -> int:
        return len(self.held)

    def __getitem__(self, index: int) -> Eager:
        return Eager(self.held[index])


class Symbolic(Eager):
    """A tensor inside a function that is being traced."""

    def numpy(self) -> NDArray[Any]:
        raise AttributeError("numpy")

    def __array__(self, dtype: object = None, copy: object = None) -> Any:
        raise NotImplementedError("Cannot convert a symbolic tensor to a numpy array")


class Series:
    """Behaves like a column of pandas with labels of its own."""

    def __init__(self, held: list[Any]) -> None:
        self.held = held

    def __array__(self, dtype: object = None, copy: object = None) -> NDArray[Any]:
        return np.array(self.held)

    def __len__(self) -> int:
        return len(self.held)

    def __getitem__(self, label: str) -> Any:
        raise KeyError(label)


class OnlyArray:
    def __array__(self, dtype: object = None, copy: object = None) -> NDArray[Any]:
        return np.array([1, 2, 3])


class OnlyDLPack:
    def __init__(self) -> None:
        self.held = np.array([1.0, 2.0, 3.0])

    def __dlpack__(self, **options: Any) -> Any:
        return self.held.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        device = self.held.__dlpack_device__()
        return int(device[0]), device[1]


class ElsewhereDLPack(OnlyDLPack):
    """On a device; its owner makes no copy elsewhere."""

    def __dlpack__(self, **options: Any) -> Any:
        raise BufferError("the tensor is on a device")


class CopiedDLPack(OnlyDLPack):
    """On a device; its owner makes a copy where it is asked to, and has no other way."""

    def __array__(self, dtype: object = None, copy: object = None) -> NDArray[Any]:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __dlpack__(self, **options: Any) -> Any:
        if options.get("dl_device") != (1, 0):
            raise BufferError("the tensor is on a device")
        return self.held.__dlpack__()


class Sequence:
    """Has no more than a sequence must."""

    def __getitem__(self, index: int) -> int:
        return (1, 2, 3)[index]

    def __len__(self) -> int:
        return 3


class Float:
    def __init__(self, number: float) -> None:
        self.number = number

    def __float__(self) -> float:
        return self.number


class Index:
    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number


def read_only(given: NDArray[Any]) -> NDArray[Any]:
    given.flags.writeable = False
    return given


ONE_TWO_THREE = [
    [1, 2, 3],
    (1.0, 2.0, 3.0),
    [True, 2, 3.0],
    ["1", "2", "3"],
    range(1, 4),
    collections.deque([1, 2, 3]),
    array.array("f", [1, 2, 3]),
    memoryview(array.array("q", [1, 2, 3])),
    memoryview(array.array("d", [1, 0, 2, 0, 3]))[::2],
    (ctypes.c_double * 3)(1, 2, 3),
    (ctypes.c_uint8 * 3)(1, 2, 3),
    bytearray([1, 2, 3]),
    memoryview(b"\1\2\3"),
    [Decimal(1), Fraction(2), 3],
    [np.float32(1), np.int8(2), np.float64(3)],
    np.array([1, 2, 3], object),
    np.arange(6.0)[1:4],
    np.arange(8.0)[1:7:2] / 2 + 0.5,
    np.array([3, 2, 1])[::-1],
    np.array([1, 2, 3], ">f4"),
    np.array([1, 2, 3], ">f8"),
    np.array([1, 2, 3], ">u2"),
    read_only(np.array([1.0, 2.0, 3.0])),
    np.array(["1", "2", "3"]),
    np.ma.MaskedArray([1, 2, 3]),
    np.broadcast_to(np.array([[1], [2], [3]]), (3, 2))[:, 0],
    np.lib.stride_tricks.as_strided(np.array([1, 2, 3], np.int8), (3,), (1,)),
    np.frombuffer(b"\0" + np.array([1.0, 2.0, 3.0]).tobytes(), np.float64, offset=1),
    Tensor([1, 2, 3]),
    BFloat16([1, 2, 3]),
    [Tensor(1), Tensor(2), Tensor(3)],
    [BFloat16(1), BFloat16(2), BFloat16(3)],
    Negated([1, 2, 3]),
    Eager([1, 2, 3]),
    [Eager(1, scalar=True), Eager(2, scalar=True), Eager(3, scalar=True)],
    [Eager(1), Eager(2.0), 3],
    Series([1, 2, 3]),
    Sequence(),
    [Index(1), Index(2), Index(3)],
    OnlyArray(),
    OnlyDLPack(),
    *(np.array([1, 2, 3], kind) for kind in "bBhHiIqQefdg"),
]


@pytest.mark.parametrize("given", ONE_TWO_THREE, ids=lambda given: type(given).__name__)
def test_anything_array_like_becomes_contiguous_float64(given: object) -> None:
    converted = arrays.values(given, "value")
    assert type(converted) is np.ndarray
    assert converted.dtype == np.float64
    assert converted.dtype.isnative
    assert converted.flags.c_contiguous
    assert converted.flags.aligned
    assert converted.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(("convert", "kind"), [(arrays.steps, "uint64"), (arrays.times, "int64")])
@pytest.mark.parametrize("given", ONE_TWO_THREE, ids=lambda given: type(given).__name__)
def test_anything_array_like_gives_steps_and_times(
    given: object, convert: Callable[[object, str], object], kind: str
) -> None:
    converted = convert(given, "step")
    assert type(converted) is np.ndarray
    assert converted.dtype == kind
    assert converted.dtype.isnative
    assert converted.flags.c_contiguous
    assert converted.flags.aligned
    assert converted.tolist() == [1, 2, 3]


def test_no_framework_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()

    class Finder:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            asked.add(name.partition(".")[0])

    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    for given in ONE_TWO_THREE:
        for convert in (arrays.values, arrays.steps, arrays.times):
            convert(given, "value")
    attributes.flatten("", {"a": Tensor([1]), "b": Eager(1), "c": OnlyArray()})
    assert not {"torch", "jax", "jaxlib", "tensorflow", "cupy", "pandas", "ml_dtypes"} & asked


@pytest.mark.skipif(np.__version__ < "2.1", reason="NumPy asks for no copy before 2.1")
def test_a_copy_is_asked_of_the_owner_of_memory_elsewhere() -> None:
    assert arrays.values(CopiedDLPack(), "value").tolist() == [1.0, 2.0, 3.0]
    assert arrays.values([CopiedDLPack()], "value").tolist() == [[1.0, 2.0, 3.0]]


@pytest.mark.parametrize(
    "given",
    [
        *(2, 2.0, "2", Decimal(2), Fraction(2), Float(2.0), Index(2), ctypes.c_float(2)),
        *(np.float16(2), np.longdouble(2), np.int64(2), np.array(2), np.ma.MaskedArray(2)),
        *(Tensor(2), BFloat16(2), Eager(2), Eager(2, scalar=True)),
    ],
    ids=lambda given: type(given).__name__,
)
def test_scalars_have_no_axes(given: object) -> None:
    converted = arrays.values(given, "value")
    assert converted.shape == ()
    assert converted.dtype == np.float64
    assert float(converted) == 2.0


@pytest.mark.parametrize("kind", ["float64", "float32", "int64"])
def test_two_axes_and_strides(kind: str) -> None:
    block = np.arange(24).reshape(4, 6).astype(kind)
    for given in (block, block.T, block[::2, 1::2], np.asfortranarray(block)):
        converted = arrays.values(given, "value")
        assert converted.flags.c_contiguous
        assert converted.tolist() == given.tolist()


def test_what_fits_is_not_copied() -> None:
    given = np.ones((3, 4))
    assert arrays.values(given, "value") is given
    steps = np.arange(5, dtype=np.uint64)
    assert arrays.steps(steps, "step") is steps
    episodes = arrays.steps(np.arange(5), "episode")
    assert isinstance(episodes, np.ndarray)
    assert np.shares_memory(episodes, episodes.base if episodes.base is not None else episodes)
    kept = read_only(np.ones(3))
    assert np.shares_memory(arrays.values(kept, "value"), kept)
    column = memoryview(array.array("d", [1.0, 2.0]))
    assert np.shares_memory(arrays.values(column, "value"), np.asarray(column))


def test_a_tensor_is_fetched_once() -> None:
    fetched = 0

    class Counted(Eager):
        def __array__(self, dtype: object = None, copy: object = None) -> NDArray[Any]:
            nonlocal fetched
            fetched += 1
            return self.held

    for convert in (arrays.values, arrays.steps, arrays.times):
        fetched = 0
        convert(Counted(np.arange(3, dtype=np.int16)), "value")
        assert fetched == 1


def test_numbers_without_a_finite_value_are_data() -> None:
    given = [math.nan, math.inf, -math.inf, -0.0, 5e-324]
    assert arrays.values(given, "value").tobytes() == np.array(given).tobytes()
    assert arrays.values([10**400, -(10**400)], "value").tolist() == [math.inf, -math.inf]
    assert float(arrays.values(10**400, "value")) == math.inf
    assert float(arrays.values("-inf", "value")) == -math.inf


@pytest.mark.skipif(
    np.finfo(np.longdouble).max == np.finfo(np.float64).max, reason="longdouble is float64 here"
)
def test_a_longdouble_beyond_float64_is_infinite_without_a_warning() -> None:
    huge = np.longdouble("1e4000")
    assert float(arrays.values(huge, "value")) == math.inf
    assert arrays.values(np.array([huge, -huge]), "value").tolist() == [math.inf, -math.inf]


@pytest.mark.parametrize("kind", ["bool", "uint8", "int64", "float16", "float64", "object"])
def test_masked_values_are_nan(kind: str) -> None:
    masked = np.ma.MaskedArray(np.ones(3, kind), mask=[False, True, False])
    assert np.isnan(arrays.values(masked, "value")).tolist() == [False, True, False]
    assert np.isnan(arrays.values([masked] * 2, "value")).sum() == 2
    assert math.isnan(float(arrays.values(np.ma.masked, "value")))


def test_a_masked_step_is_refused() -> None:
    with pytest.raises(MetranaValidationError, match="step must be whole, but holds nan"):
        arrays.steps(np.ma.MaskedArray([1, 2], mask=[False, True]), "step")


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"a": 1},
        b"12",
        [None],
        [1.0, None],
        [b"1"],
        object(),
        {1, 2},
        1 + 2j,
        np.array([1j]),
        np.array(["2024-01-01"], "datetime64[D]"),
        (n for n in range(3)),
        ElsewhereDLPack(),
        types.MappingProxyType({0: 1.0}),
        collections.UserDict({0: 1.0}),
        {0: 1.0}.keys(),
        frozenset([1]),
        [{1}, {2}],
        list,
        float,
        np,
        len,
        np.array([(1.0,)], [("a", float)]),
        np.array([(1.0,)], [("a", float)])[0],
        np.void(b"12"),
        np.array([None, 1.0]),
        np.array([1.0, np.ones(1)], object),
        np.timedelta64(1, "s"),
        Symbolic(1.0),
        [Symbolic(1.0)],
        Sparse([1.0]),
        (ctypes.c_char * 2)(b"1", b"2"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_is_no_number_is_a_type_error(given: object) -> None:
    for convert in (arrays.values, arrays.steps, arrays.times):
        if given is None and convert is not arrays.values:
            continue  # counted on, or stamped now
        with pytest.raises(TypeError, match=r"^value (must be|cannot be)"):
            convert(given, "value")


def endless() -> list[object]:
    inside: list[object] = []
    inside.append(inside)
    return inside


@pytest.mark.parametrize(
    "given", ["six", "", ["1", "two"], np.array(["a"]), [[1, 2], [3]], [[1], 2], endless()]
)
def test_values_that_cannot_be_are_refused(given: object) -> None:
    for convert in (arrays.values, arrays.steps, arrays.times):
        with pytest.raises(MetranaValidationError, match=r"^value must"):
            convert(given, "value")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("six", "value must be numbers, not 'six'"),
        (["1", "two"], "value must be numbers, not 'two'"),
        (None, "value must be numbers, not None"),
        ({"a": 1}, r"value must be numbers, not dict \{'a': 1\}"),
        ([1.0, None], r"value must be numbers, not list \[1.0, None\]"),
        (["long" * 1000], r"value must be numbers, not 'long"),
        (Symbolic(1.0), "cannot be read as numbers: Cannot convert a symbolic tensor"),
        (Sparse([1]), "cannot be read as numbers: can't convert Sparse"),
        (ElsewhereDLPack(), "DLPack: the tensor is on a device; copy it to the CPU"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_messages_name_the_value(given: object, message: str) -> None:
    with pytest.raises((TypeError, MetranaValidationError), match=message):
        arrays.values(given, "value")


def test_messages_are_short() -> None:
    for given in ([*range(10**5), None], b"x" * 10**5, "x" * 10**5):
        with pytest.raises((TypeError, MetranaValidationError)) as refused:
            arrays.values(given, "value")
        assert len(str(refused.value)) < 200


def test_steps() -> None:
    assert arrays.steps(None, "step") is None
    for one in (
        *(7, 7.0, "7", "7.0", Decimal(7), Fraction(7), Index(7)),
        *(np.int8(7), np.uint64(7), np.float16(7), np.longdouble(7), np.array(7), Tensor(7)),
    ):
        found = arrays.steps(one, "step")
        assert found == 7
        assert type(found) is int
    for several in (
        [0, 7],
        (0, 7.0),
        np.array([0, 7], np.int16),
        np.array([0.0, 7.0]),
        Tensor([0, 7]),
    ):
        found = arrays.steps(several, "step")
        assert isinstance(found, np.ndarray)
        assert found.dtype == np.uint64
        assert found.tolist() == [0, 7]
    assert arrays.steps([], "step").shape == (0,)  # type: ignore[union-attr]


@pytest.mark.parametrize("given", [-1, -1.0, [-1], [0, -5], np.array([3, -2]), 2**63, 2**64])
def test_steps_out_of_range_are_refused(given: object) -> None:
    with pytest.raises(MetranaValidationError, match="step must not be"):
        arrays.steps(given, "step")


EXACT = 2**62 + 1  # no float64


@pytest.mark.parametrize(
    "given",
    [
        [EXACT],
        [str(EXACT)],
        [Decimal(EXACT)],
        [Index(EXACT)],
        np.array([EXACT], object),
        np.array([EXACT], ">i8"),
        np.array([EXACT], np.uint64),
        np.ma.MaskedArray([EXACT]),
        Tensor([EXACT]),
    ],
    ids=lambda given: type(given).__name__,
)
def test_steps_are_exact(given: object) -> None:
    for found in (arrays.steps(given, "step"), arrays.times(given, "step")):
        assert isinstance(found, np.ndarray)
        assert found.tolist() == [EXACT]


@pytest.mark.parametrize("given", [[2**64], [-(2**70)], [1e300], [math.inf], 1e300, Decimal(2**64)])
def test_steps_fit_into_64_bits(given: object) -> None:
    with pytest.raises(MetranaValidationError, match="step must fit into 64 bits, but holds"):
        arrays.steps(given, "step")


@pytest.mark.parametrize("given", [0.5, [0.5], math.nan, "0.5", "nan", Decimal("0.5")])
def test_steps_are_whole(given: object) -> None:
    with pytest.raises(MetranaValidationError, match="step must be whole"):
        arrays.steps(given, "step")


@pytest.mark.parametrize(
    "given",
    [b"3", True, [True], np.array([True]), np.array([True], object), {}, object(), [None], 1j],
)
def test_steps_are_numbers(given: object) -> None:
    with pytest.raises(TypeError, match="step"):
        arrays.steps(given, "step")


def test_times() -> None:
    assert arrays.times(None, "timestamp") is None
    assert arrays.times(-5, "timestamp") == -5
    assert arrays.times(1700000000000.6, "timestamp") == 1700000000001
    assert arrays.times("1700000000000.6", "timestamp") == 1700000000001
    assert arrays.times(Decimal("-1.6"), "timestamp") == -2
    several = arrays.times([1.4, -2.0], "timestamp")
    assert isinstance(several, np.ndarray)
    assert several.dtype == np.int64
    assert several.tolist() == [1, -2]
    for impossible in (2**63, -(2**63) - 1, math.nan, "nan", [2**63], [2**64], Decimal("inf")):
        with pytest.raises(MetranaValidationError, match="timestamp"):
            arrays.times(impossible, "timestamp")


def test_rows() -> None:
    assert arrays.row(np.array(1.0), "value").shape == (1,)
    assert arrays.row(np.ones(3), "value").shape == (3,)
    with pytest.raises(TypeError, match="log_rl_environment_step"):
        arrays.row(np.ones((3, 1)), "value")


@pytest.mark.parametrize(
    ("shape", "environments", "single", "wanted"),
    [
        ((), 1, True, (1, 1)),
        ((5,), 1, True, (1, 5)),
        ((1, 5), 1, True, (1, 5)),
        ((), 1, False, (1, 1)),
        ((5,), 1, False, (1, 5)),
        ((1, 5), 1, False, (1, 5)),
        ((3,), 3, False, (3, 1)),
        ((3, 5), 3, False, (3, 5)),
        ((3, 1), 3, False, (3, 1)),
        ((5, 1), 1, True, None),
        ((), 3, False, None),
        ((5,), 3, False, None),
        ((1, 3), 3, False, None),
        ((5, 3), 3, False, None),
        ((3, 5, 1), 3, False, None),
        ((1, 1, 5), 1, True, None),
    ],
)
def test_blocks(
    shape: tuple[int, ...], environments: int, single: bool, wanted: tuple[int, int] | None
) -> None:
    values = np.zeros(shape)
    if wanted is not None:
        assert arrays.block(values, environments, single=single).shape == wanted
    else:
        with pytest.raises(MetranaValidationError, match="value for"):
            arrays.block(values, environments, single=single)


@pytest.mark.parametrize(
    ("given", "block", "wanted"),
    [
        ((3,), (3, 5), (3,)),
        ((3, 5), (3, 5), (3, 5)),
        ((3,), (3, 3), (3,)),
        ((1,), (1, 5), (1,)),
        ((5,), (1, 5), (1, 5)),
        ((1, 5), (1, 5), (1, 5)),
        ((5,), (3, 5), None),
        ((3, 1), (3, 5), None),
        ((1, 5), (3, 5), None),
        ((2,), (1, 5), None),
        ((3, 5, 1), (3, 5), None),
        ((0,), (3, 5), None),
    ],
)
def test_broadcasting(
    given: tuple[int, ...], block: tuple[int, int], wanted: tuple[int, ...] | None
) -> None:
    numbers = np.zeros(given, np.uint64)
    if wanted is not None:
        assert arrays.broadcast(numbers, block, "episode").shape == wanted
    else:
        with pytest.raises(MetranaValidationError, match="episode must be"):
            arrays.broadcast(numbers, block, "episode")


def test_scalars_broadcast_to_everything() -> None:
    assert arrays.broadcast(7, (3, 5), "episode") == 7
    assert arrays.broadcast(None, (3, 5), "episode") is None
