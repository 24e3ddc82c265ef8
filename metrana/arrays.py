"""Anything array-like into contiguous NumPy arrays, without importing a framework.

Understood are numbers, sequences, NumPy arrays of any type and stride, tensors of
PyTorch, JAX and TensorFlow on any device, and whatever offers `__array__`, DLPack
or the buffer protocol. Frameworks are recognised by what their objects can do.

What already is contiguous and of the right type is passed on as it is; everything
else is converted once.
"""

from __future__ import annotations

import contextlib
import functools
import math
import operator
import reprlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from metrana.errors import MetranaValidationError

Values: TypeAlias = NDArray[np.float64]
UInts: TypeAlias = NDArray[np.uint64]
Ints: TypeAlias = NDArray[np.int64]

_FLOAT64 = np.dtype(np.float64)
_INT64 = np.dtype(np.int64)
_UINT64 = np.dtype(np.uint64)

# The kinds of arrays that hold objects, bytes and texts.
_ONE_BY_ONE = "OSUT"

# More axes than any call takes; fewer than a list inside itself reaches.
_DEEPEST = 8

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60


def values(given: object, name: str) -> Values:
    """The values to log, in their own shape; a scalar gives an array without axes.

    Text that spells a number is that number.

    Raises:
        TypeError: They are not numbers.
        MetranaValidationError: Text that is no number, or rows of unequal length.
    """
    if type(given) is float or (type(given) is int and -(2**63) <= given < 2**63):
        return np.array(given, _FLOAT64)
    return _to_float64(to_numpy(given, name), given, name)


def steps(given: object, name: str) -> int | UInts | None:
    """Non-negative whole numbers: one as an int, several as uint64 in their own shape.

    Raises:
        TypeError: They are not numbers.
        MetranaValidationError: One is negative, not whole, or beyond 64 bits.
    """
    if given is None:
        return None
    number = given if type(given) is int else _whole(to_numpy(given, name), given, name)
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
    number = _whole(to_numpy(given, name), given, name, rounded=True)
    if isinstance(number, int):
        return _in_range(number, name)
    if number.dtype == _UINT64:
        _in_range(int(number.max(initial=0)), name)
    return number.astype(_INT64, copy=False)


def _in_range(number: int, name: str, least: int = -(2**63)) -> int:
    if not least <= number < 2**63:
        bound = "negative" if number < least == 0 else "outside 64 bits"
        raise MetranaValidationError(f"{name} must not be {bound}, but is {number}")
    return number


# To the type that is wanted


def _to_float64(array: NDArray[Any], given: object, name: str) -> Values:
    if array.dtype is _FLOAT64 and array.flags.carray:
        return array
    kind = array.dtype.kind
    if kind in _ONE_BY_ONE:
        return _elementwise(array, _float, given, name, _FLOAT64)
    if kind in "cmM" or issubclass(array.dtype.type, np.void):
        raise TypeError(f"{name} must be real numbers, not {_described(given)}")
    try:
        # bfloat16 and its kind are of numpy's kind V and know how to be cast.
        return _cast(array, _FLOAT64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be numbers, not {_described(given)}") from None


def _cast(array: NDArray[Any], to: np.dtype[Any]) -> NDArray[Any]:
    """`array` as `to`, contiguous and aligned; as it is where it is that already."""
    if array.dtype.itemsize <= 8:
        return np.require(array, to, ["C", "A"]) if array.ndim else array.astype(to)
    with np.errstate(all="ignore"):  # a longdouble beyond float64 is infinite
        return np.require(array, to, ["C", "A"]).reshape(array.shape)


def _whole(
    array: NDArray[Any], given: object, name: str, *, rounded: bool = False
) -> int | Ints | UInts:
    """Whole numbers, exactly; `rounded` says what becomes of fractions that are not."""
    kind = array.dtype.kind
    if kind in _ONE_BY_ONE:
        convert = functools.partial(_int, rounded=rounded)
        array = _elementwise(array, convert, given, name, _INT64)
    elif kind == "f" and array.dtype.itemsize > 8:
        array = _floats_to_int64(np.rint(array) if rounded else array, name)
    elif kind == "f" or (kind == "V" and not issubclass(array.dtype.type, np.void)):
        array = _to_float64(array, given, name)
        array = _floats_to_int64(np.rint(array) if rounded else array, name)
    elif kind not in "iu":
        raise TypeError(f"{name} must be whole numbers, not {_described(given)}")
    if not array.ndim:
        return int(array)
    return _cast(array, _UINT64 if array.dtype.kind == "u" else _INT64)


def _floats_to_int64(array: NDArray[Any], name: str) -> Ints:
    outside = ~(np.abs(array) < 2.0**63)  # NaN is outside, too
    odd = outside | (np.floor(array) != array)
    if odd.any():
        raise _not_whole(array[odd].flat[0], name)
    return array.astype(_INT64)


def _not_whole(number: Any, name: str) -> MetranaValidationError:
    # In the words of Python: number may be a NaN, a Decimal, an int beyond 64 bits.
    if number != number or abs(number) < 2**63:
        return MetranaValidationError(f"{name} must be whole, but holds {number}")
    return MetranaValidationError(f"{name} must fit into 64 bits, but holds {number}")


def _elementwise(
    array: NDArray[Any],
    convert: Callable[[Any, str], Any],
    given: object,
    name: str,
    to: np.dtype[Any],
) -> NDArray[Any]:
    """Objects and texts, converted by Python one after the other."""
    out = np.empty(array.shape, to)
    flat = out.reshape(-1)
    for i, element in enumerate(array.flat):
        # An array inside an array is a row, whatever float() says of its length.
        if isinstance(element, (bytes, bytearray)) or getattr(element, "ndim", None):
            raise TypeError(f"{name} must be numbers, not {_described(given)}")
        try:
            flat[i] = convert(element, name)
        except MetranaValidationError:
            raise
        except ValueError:
            shown = str(element) if isinstance(element, str) else element
            raise MetranaValidationError(
                f"{name} must be numbers, not {_SHORT.repr(shown)}"
            ) from None
        except Exception as error:  # what an object's own conversion raises is its affair
            raise TypeError(f"{name} must be numbers, not {_described(given)}") from error
    return out


def _float(element: Any, _name: str) -> float:
    try:
        return float(element)
    except OverflowError:  # an int that is beyond float64
        return math.inf if element > 0 else -math.inf


def _int(element: Any, name: str, *, rounded: bool = False) -> int:
    if isinstance(element, (bool, np.bool_)):
        raise TypeError("a bool is no whole number")
    if isinstance(element, str):
        element = _spelled(element)
    try:
        if hasattr(element, "__index__"):
            number = operator.index(element)
        else:
            number = _exact(round(element) if rounded else element)
    except (ValueError, OverflowError):  # a fraction, NaN, infinity
        raise _not_whole(element, name) from None
    if not -(2**63) <= number < 2**63:
        raise _not_whole(element, name)
    return number


def _exact(number: Any) -> int:
    whole = int(number)
    if whole != number:
        raise ValueError("it has a fraction")
    return whole


def _spelled(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


# To an array of whatever type it has


def to_numpy(given: object, name: str, depth: int = 0) -> NDArray[Any]:
    """Anything array-like as a NumPy array of its own type, sharing memory where it can.

    Args:
        given: What to read.
        name: What it is called in messages.
        depth: How many sequences it lies in.

    Raises:
        TypeError: It cannot be read.
        MetranaValidationError: Rows of unequal length, or a list inside itself.
    """
    if type(given) is np.ndarray:
        return given
    if given is None or isinstance(given, (bytes, Mapping, type)):
        raise TypeError(f"{name} must be numbers, not {_described(given)}")
    if isinstance(given, (list, tuple)):
        return _of_sequence(given, name, depth)
    if _is_masked(given):
        return _of_masked(given)
    if _is_torch(given):
        return _of_torch(given, name)
    if not hasattr(given, "__array__"):
        if hasattr(given, "__dlpack__"):
            return _of_dlpack(given, name)
        if hasattr(given, "__getitem__") and not isinstance(given, (str, bytearray, memoryview)):
            return _of_sequence(given, name, depth)
    try:
        return np.asarray(given)
    except Exception as error:  # noqa: BLE001 # frameworks raise what they like from __array__
        return _otherwise(given, name, error)


def _otherwise(given: Any, name: str, error: Exception) -> NDArray[Any]:
    """What np.asarray cannot read, as `error` says."""
    with contextlib.suppress(Exception):
        # TensorFlow's scalars of types that numpy lacks, such as bfloat16.
        return np.asarray(given.numpy())
    if hasattr(given, "__dlpack__"):
        return _of_dlpack(given, name)
    raise TypeError(f"{name} cannot be read as numbers: {error}") from error


def _of_sequence(given: Any, name: str, depth: int) -> NDArray[Any]:
    if depth > _DEEPEST:
        raise MetranaValidationError(f"{name} must not be nested deeper than {_DEEPEST} levels")
    try:
        first = next(iter(given), None)
    except Exception as error:  # only looked like a sequence
        raise TypeError(f"{name} must be numbers, not {_described(given)}") from error
    if not (_is_masked(first) or _is_torch(first)):
        try:
            array = np.asarray(given)
        except Exception:  # noqa: BLE001 # frameworks raise what they like from __array__
            array = None
        if array is not None and (array.dtype.kind != "O" or (array.ndim and _is_plain(array))):
            return array
    # Rows that need more than np.asarray: tensors on a device, masked arrays, and
    # whatever is only found out by looking at each.
    rows = [to_numpy(element, name, depth + 1) for element in given]
    try:
        return np.stack(rows)
    except (ValueError, IndexError):  # or of more axes than there can be
        raise MetranaValidationError(f"{name} must not have rows of unequal length") from None


def _is_plain(array: NDArray[Any]) -> bool:
    """Whether objects are left that only a conversion one by one can judge."""
    return not any(
        hasattr(e, "__len__") or hasattr(e, "__array__") or hasattr(e, "__dlpack__")
        for e in array.flat
    )


def _is_masked(given: object) -> TypeGuard[np.ma.MaskedArray[Any, Any]]:
    return isinstance(given, np.ndarray) and hasattr(given, "mask")


def _of_masked(given: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    """What is masked has no value: that is NaN."""
    data = np.asarray(given)
    if data.dtype.kind not in "biufO" or not np.any(given.mask):
        return data
    return np.where(given.mask, np.nan, data)


def _is_torch(given: object) -> bool:
    return callable(getattr(given, "detach", None)) and callable(getattr(given, "cpu", None))


def _of_torch(tensor: Any, name: str) -> NDArray[Any]:
    try:
        tensor = tensor.detach().cpu()
        try:
            return np.asarray(tensor.numpy())
        except RuntimeError:  # a view whose sign is still to be turned
            return np.asarray(tensor.resolve_neg().numpy())
        except TypeError:  # a type that numpy lacks, such as bfloat16
            return np.asarray(tensor.double().numpy())
    except Exception as error:  # sparse, without data, inside a transformation
        raise TypeError(f"{name} cannot be read as numbers: {error}") from error


def _of_dlpack(given: Any, name: str) -> NDArray[Any]:
    try:
        return np.from_dlpack(given)
    except Exception as error:  # noqa: BLE001 # owners raise what they like
        cause = error
    with contextlib.suppress(Exception):
        # From another device: since NumPy 2.1 the owner can be asked for a copy.
        return np.from_dlpack(given, device="cpu")
    raise TypeError(
        f"{name} cannot be read through DLPack: {cause}; "
        "copy it to the CPU, as float32 or float64, first"
    ) from cause


def _described(given: object) -> str:
    if isinstance(given, (str, int, float, complex, type(None))):
        return _SHORT.repr(given)
    return f"{type(given).__name__} {_SHORT.repr(given)}"


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
