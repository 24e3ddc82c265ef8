"""Real JAX arrays. In a process of their own: once there, JAX warns of every fork."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from conftest import ServerProcess
from logged_tensors import log_and_read_back
from metrana import arrays, attributes

pytestmark = pytest.mark.jax

FLOATS = ["float8_e4m3fn", "float8_e5m2", "float16", "bfloat16", "float32"]
INTS = ["int8", "int16", "int32", "uint8", "uint16", "uint32"]


@pytest.fixture(scope="module")
def jax() -> ModuleType:
    return importlib.import_module("jax")


@pytest.fixture
def in_double_precision(jax: ModuleType) -> Iterator[None]:
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


@pytest.mark.parametrize("kind", [*FLOATS, *INTS, "bool"])
def test_values_of_every_type(jax: ModuleType, kind: str) -> None:
    given = jax.numpy.array([[0, 1], [1, 0]], kind)
    for array in (given, given.T, given[:, ::-1].T, list(given), [list(row) for row in given]):
        converted = arrays.values(array, "value")
        assert converted.tolist() == np.asarray(jax.device_get(array), float).tolist()
    assert arrays.values(given[0, 1], "value").shape == ()
    assert float(arrays.values(given[0, 1], "value")) == 1.0


@pytest.mark.parametrize("kind", [*FLOATS, *INTS])
def test_steps_and_times_of_every_type(jax: ModuleType, kind: str) -> None:
    given = jax.numpy.array([0, 1, 2], kind)
    for convert in (arrays.steps, arrays.times):
        several: Any = convert(given, "step")
        assert several.tolist() == [0, 1, 2]
        assert convert(given[2], "step") == 2
        listed: Any = convert(list(given), "step")
        assert listed.tolist() == [0, 1, 2]


@pytest.mark.usefixtures("in_double_precision")
def test_double_precision_is_kept(jax: ModuleType) -> None:
    assert float(arrays.values(jax.numpy.float64(0.1), "value")) == 0.1
    assert arrays.steps(jax.numpy.int64(2**62 + 1), "step") == 2**62 + 1
    assert arrays.steps(jax.numpy.array([2**62 + 1]), "step").tolist() == [2**62 + 1]  # type: ignore[union-attr]


@pytest.mark.usefixtures("in_double_precision")
def test_float64_is_not_copied(jax: ModuleType) -> None:
    given = jax.numpy.array([0.1, 0.2])
    assert np.shares_memory(arrays.values(given, "value"), np.asarray(given))


def test_what_has_no_value_is_refused_by_name(jax: ModuleType) -> None:
    def log(x: Any) -> Any:
        with pytest.raises(TypeError, match=r"value .*(?s:traced array)"):
            arrays.values(x, "value")
        return x

    jax.jit(log)(jax.numpy.ones(3))
    jax.grad(lambda x: jax.jit(log)(x).sum())(jax.numpy.ones(3))
    gone = jax.numpy.ones(3)
    gone.delete()
    for nothing in (jax.random.key(0), gone, jax.numpy.ones(2, "complex64")):
        with pytest.raises(TypeError, match="value"):
            arrays.values(nothing, "value")


def test_attributes(jax: ModuleType) -> None:
    given = {
        "flag": jax.numpy.array(True),
        "lr": jax.numpy.bfloat16(0.5),
        "rows": jax.numpy.arange(2),
    }
    assert attributes.flatten("", given) == [
        ("flag", "bool", True),
        ("lr", "float", 0.5),
        ("rows/0", "int", 0),
        ("rows/1", "int", 1),
    ]
    with pytest.raises(TypeError, match="config/key cannot be read"):
        attributes.flatten("config", {"key": jax.random.key(0)})


def test_a_run_of_tensors_is_read_back(jax: ModuleType, server: ServerProcess) -> None:
    log_and_read_back(server, jax.numpy.array)
