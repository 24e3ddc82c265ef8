from __future__ import annotations

import array
import collections
import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from metrana import arrays
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
    def __dlpack__(self, **options: Any) -> Any:
        raise BufferError("the tensor is on a device")


ONE_TWO_THREE = [
    [1, 2, 3],
    (1.0, 2.0, 3.0),
    [True, 2, 3.0],
    ["1", "2", "3"],
    range(1, 4),
    collections.deque([1, 2, 3]),
    array.array("f", [1, 2, 3]),
    memoryview(array.array("q", [1, 2, 3])),
    [Decimal(1), Fraction(2), 3],
    [np.float32(1), np.int8(2), np.float64(3)],
    np.array([1, 2, 3], object),
    np.arange(6.0)[1:4],
    np.arange(8.0)[1:7:2] / 2 + 0.5,
    np.array([3, 2, 1])[::-1],
    np.array([1, 2, 3], ">f4"),
    np.frombuffer(b"\0" + np.array([1.0, 2.0, 3.0]).tobytes(), np.float64, offset=1),
    Tensor([1, 2, 3]),
    BFloat16([1, 2, 3]),
    [Tensor(1), Tensor(2), Tensor(3)],
    [BFloat16(1), BFloat16(2), BFloat16(3)],
    OnlyArray(),
    OnlyDLPack(),
    *(np.array([1, 2, 3], kind) for kind in "bBhHiIqQefdg"),
]


@pytest.mark.parametrize("given", ONE_TWO_THREE, ids=lambda given: type(given).__name__)
def test_anything_array_like_becomes_contiguous_float64(given: object) -> None:
    converted = arrays.values(given, "value")
    assert converted.dtype == np.float64
    assert converted.flags.c_contiguous
    assert converted.flags.aligned
    assert converted.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "given",
    [2, 2.0, "2", np.float16(2), np.int64(2), np.array(2), Tensor(2), BFloat16(2), Decimal(2)],
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


def test_numbers_without_a_finite_value_are_data() -> None:
    given = [math.nan, math.inf, -math.inf, -0.0, 5e-324]
    assert arrays.values(given, "value").tobytes() == np.array(given).tobytes()
    assert arrays.values([10**400, -(10**400)], "value").tolist() == [math.inf, -math.inf]


def test_masked_values_are_nan() -> None:
    masked = np.ma.MaskedArray([1, 2, 3], mask=[False, True, False])
    assert np.isnan(arrays.values(masked, "value")).tolist() == [False, True, False]


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
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_is_no_number_is_a_type_error(given: object) -> None:
    with pytest.raises(TypeError, match="value"):
        arrays.values(given, "value")


@pytest.mark.parametrize("given", ["six", ["1", "two"], [[1, 2], [3]], [[1], 2]])
def test_values_that_cannot_be_are_refused(given: object) -> None:
    with pytest.raises(MetranaValidationError, match="value"):
        arrays.values(given, "value")


def test_steps() -> None:
    assert arrays.steps(None, "step") is None
    for one in (7, 7.0, np.int8(7), np.uint64(7), np.array(7), Tensor(7)):
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


@pytest.mark.parametrize("given", [0.5, [0.5], math.nan, [math.inf], 1e300])
def test_steps_are_whole(given: object) -> None:
    with pytest.raises(MetranaValidationError, match="step must be whole"):
        arrays.steps(given, "step")


@pytest.mark.parametrize("given", ["3", b"3", ["3"], True, [True], {}, object(), [None], 1j])
def test_steps_are_numbers(given: object) -> None:
    with pytest.raises(TypeError, match="step"):
        arrays.steps(given, "step")


def test_times() -> None:
    assert arrays.times(None, "timestamp") is None
    assert arrays.times(-5, "timestamp") == -5
    assert arrays.times(1700000000000.6, "timestamp") == 1700000000001
    several = arrays.times([1.4, -2.0], "timestamp")
    assert isinstance(several, np.ndarray)
    assert several.dtype == np.int64
    assert several.tolist() == [1, -2]
    for impossible in (2**63, -(2**63) - 1, math.nan, [2**63]):
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
