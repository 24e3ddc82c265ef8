"""Anything array-like into contiguous NumPy arrays, without importing a framework.

Understood are numbers, sequences, NumPy arrays of any type and stride, tensors of
PyTorch, JAX and TensorFlow on any device, and whatever offers `__array__`, DLPack
or the buffer protocol. Frameworks are recognised by what their objects can do.

What already is contiguous and of the right type is passed on as it is; everything
else is converted once.
"""

from __future__ import annotations

import math
import operator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from metrana.errors import MetranaValidationError

Values: TypeAlias = NDArray[np.float64]
UInts: TypeAlias = NDArray[np.uint64]
Ints: TypeAlias = NDArray[np.int64]

_FLOAT64 = np.dtype(np.float64)
_INT64 = np.dtype(np.int64)
_UINT64 = np.dtype(np.uint64)


def values(given: object, name: str) -> Values:
    """The values to log, in their own shape; a scalar gives an array without axes.

    Raises:
        TypeError: They are not numbers.
        MetranaValidationError: Text that is no number, or rows of unequal length.
    """
    if type(given) is float or type(given) is int:
        return np.array(given, _FLOAT64)
    return _to_float64(_array(given, name), given, name)


def steps(given: object, name: str) -> int | UInts | None:
    """Non-negative whole numbers: one as an int, several as uint64 in their own shape.

    Raises:
        TypeError: They are not numbers.
        MetranaValidationError: One is negative or not whole.
    """
    if given is None:
        return None
    if type(given) is int:
        number: int | Ints | UInts = given
    else:
        number = _whole(_array(given, name), given, name)
    if isinstance(number, int):
        return _in_range(number, name, least=0)
    if number.dtype == _UINT64:
        return number.astype(_UINT64, copy=False)
    least = number.min(initial=0)
    if least < 0:
        raise MetranaValidationError(f"{name} must not be negative, but holds {least}")
    return number.view(_UINT64)


def times(given: object, name: str) -> int | Ints | None:
    """Unix milliseconds: one as an int, several as int64. Fractions are rounded.

    Raises:
        TypeError: They are not numbers.
        MetranaValidationError: One is not finite or does not fit.
    """
    if given is None:
        return None
    if type(given) is int:
        return _in_range(given, name)
    array = _array(given, name)
    if array.dtype.kind == "f":
        array = np.rint(array)
    number = _whole(array, given, name)
    if isinstance(number, int):
        return _in_range(number, name)
    if number.dtype == _UINT64 and number.max(initial=0) > np.iinfo(np.int64).max:
        raise MetranaValidationError(f"{name} holds {number.max()}, which is above 2^63-1")
    return number.astype(_INT64, copy=False)


def _in_range(number: int, name: str, least: int = -(2**63)) -> int:
    if not least <= number < 2**63:
        bound = "negative" if number < least == 0 else "outside 64 bits"
        raise MetranaValidationError(f"{name} must not be {bound}, but is {number}")
    return number


def _whole(array: NDArray[Any], given: object, name: str) -> int | Ints | UInts:
    kind = array.dtype.kind
    if kind == "O" and not array.ndim:
        # Numbers that numpy does not know, such as ints beyond 64 bits.
        try:
            return operator.index(array.item())
        except TypeError:
            raise TypeError(f"{name} must be a whole number, not {given!r}") from None
    if kind not in "iuf" and array.size:
        array = _to_float64(array, given, name) if kind in "OV" else array
        if array.dtype.kind != "f":
            raise TypeError(f"{name} must be whole numbers, not {_described(given)}")
    if array.dtype.kind == "f" or not array.size:
        array = _floats_to_int64(array.astype(_FLOAT64, copy=False), name)
    if not array.ndim:
        return int(array)
    if array.dtype.kind == "u":
        return np.require(array, _UINT64, ["C", "A"])
    return np.require(array, _INT64, ["C", "A"])


def _floats_to_int64(array: Values, name: str) -> Ints:
    outside = ~(np.abs(array) < 2.0**63)  # NaN is outside, too
    odd = outside | (np.floor(array) != array)
    if odd.any():
        raise MetranaValidationError(f"{name} must be whole, but holds {array[odd].flat[0]}")
    return array.astype(_INT64)


def _to_float64(array: NDArray[Any], given: object, name: str) -> Values:
    if array.dtype is not _FLOAT64 or not array.flags.carray:
        kind = array.dtype.kind
        if kind in "cmM":
            raise TypeError(f"{name} must be real numbers, not {_described(given)}")
        if kind in "OSU":
            return _elementwise(array, given, name)
        try:
            # bfloat16 and its kind are of numpy's kind V and know how to be cast.
            return np.require(array, _FLOAT64, ["C", "A"]) if array.ndim else array.astype(_FLOAT64)
        except (TypeError, ValueError):
            raise TypeError(f"{name} must be numbers, not {_described(given)}") from None
    return array


def _elementwise(array: NDArray[Any], given: object, name: str) -> Values:
    out = np.empty(array.shape, _FLOAT64)
    flat = out.reshape(-1)
    for i, element in enumerate(array.flat):
        if isinstance(element, (bytes, bytearray)) or element is None:
            raise TypeError(f"{name} must be numbers, not {_described(given)}")
        try:
            flat[i] = float(element)
        except TypeError:
            raise TypeError(f"{name} must be numbers, not {_described(given)}") from None
        except ValueError:
            raise MetranaValidationError(f"{name} must be numbers, not {element!r}") from None
        except OverflowError:
            flat[i] = math.inf if element > 0 else -math.inf
    return out


def _array(given: object, name: str) -> NDArray[Any]:
    if type(given) is np.ndarray:
        return given
    if given is None or isinstance(given, (bytes, dict)):
        raise TypeError(f"{name} must be numbers, not {_described(given)}")
    if isinstance(given, (list, tuple)):
        return _of_sequence(given, name)
    if isinstance(given, np.ma.MaskedArray):
        # What is masked has no value: that is NaN.
        return np.ma.filled(given.astype(_FLOAT64), np.nan)
    if callable(getattr(given, "detach", None)) and callable(getattr(given, "cpu", None)):
        return _of_torch(given)
    if not hasattr(given, "__array__"):
        if hasattr(given, "__dlpack__"):
            return _of_dlpack(given, name)
        if hasattr(given, "__getitem__") and not isinstance(given, (str, bytearray, memoryview)):
            return _of_sequence(given, name)
    return np.asarray(given)


def _of_sequence(given: Any, name: str) -> NDArray[Any]:
    try:
        array = np.asarray(given)
    except Exception:  # noqa: BLE001 # frameworks raise what they like from __array__
        array = None
    if array is not None and array.dtype.kind != "O":
        return array
    if array is not None and len(array.shape) and _is_plain(array):
        return array
    # Tensors that need more than np.asarray: on a device, with a gradient, bfloat16.
    try:
        return np.stack([_array(element, name) for element in given])
    except ValueError:
        raise MetranaValidationError(f"{name} must not have rows of unequal length") from None


def _is_plain(array: NDArray[Any]) -> bool:
    """Whether objects are left that only a conversion one by one can judge."""
    return not any(hasattr(e, "__len__") or hasattr(e, "__array__") for e in array.flat)


def _of_torch(tensor: Any) -> NDArray[Any]:
    tensor = tensor.detach().cpu()
    try:
        return np.asarray(tensor.numpy())
    except TypeError:  # a type that numpy lacks, such as bfloat16
        return np.asarray(tensor.double().numpy())


def _of_dlpack(given: Any, name: str) -> NDArray[Any]:
    try:
        return np.from_dlpack(given)
    except (BufferError, RuntimeError, TypeError) as error:
        raise TypeError(
            f"{name} cannot be read through DLPack: {error}; move it to the CPU first"
        ) from error


def _described(given: object) -> str:
    if isinstance(given, (str, int, float, complex, type(None))):
        return repr(given)
    text = repr(given)
    kind = type(given).__name__
    return f"{kind} {text}" if len(text) <= 60 else kind


def row(array: NDArray[Any], name: str) -> NDArray[Any]:
    """The values of a standard series: a scalar becomes a row of one.

    Raises:
        TypeError: There is more than one axis.
    """
    if array.ndim > 1:
        raise TypeError(
            f"{name} must be a scalar or have one axis, not the shape {array.shape}; "
            "blocks of environments are logged with log_rl_environment_step()"
        )
    return array.reshape(-1)


def block(array: Values, environments: int, *, single: bool) -> Values:
    """The values of RL series as [environments, points].

    Args:
        array: The values in the caller's shape.
        environments: M, how many environments were named.
        single: Whether one was named by itself, not in a list.

    Raises:
        MetranaValidationError: The shape does not fit M.
    """
    shape = array.shape
    if single or environments == 1:
        if array.ndim < 2 or (array.ndim == 2 and shape[0] == 1):
            return array.reshape(1, -1)
        wanted = "a scalar or a row [T]"
    else:
        if array.ndim == 1 and shape[0] == environments:
            return array.reshape(environments, 1)
        if array.ndim == 2 and shape[0] == environments:
            return array
        wanted = f"[{environments}] or [{environments}, T]"
    count = "1 environment" if environments == 1 else f"{environments} environments"
    raise MetranaValidationError(f"value for {count} must be {wanted}, not the shape {shape}")


def broadcast(given: int | NDArray[Any] | None, shape: tuple[int, ...], name: str) -> Any:
    """An `episode` or `timestamp` for a block of values of `shape` [M, T].

    An int serves all points, [M] gives one to each environment, [M, T] one to each
    point; a single environment may give its points' as a row [T].

    Raises:
        MetranaValidationError: The shape does not fit the values.
    """
    if given is None or isinstance(given, int):
        return given
    environments, points = shape
    if given.shape == (environments,) or given.shape == shape:
        return given
    if environments == 1 and given.shape == (points,):
        return given.reshape(shape)
    forms = "a scalar, "
    forms += f"[{points}]" if environments == 1 else f"[{environments}]"
    raise MetranaValidationError(
        f"{name} must be {forms} or [{environments}, {points}] like the values, "
        f"not the shape {given.shape}"
    )
