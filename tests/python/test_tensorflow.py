"""Real TensorFlow tensors: `make test-tensorflow`, since TensorFlow takes a gigabyte."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType
from typing import Any

import pytest

from conftest import ServerProcess
from logged_tensors import log_and_read_back
from metrana import arrays, attributes

pytestmark = pytest.mark.tensorflow

FLOATS = ["float16", "bfloat16", "float32", "float64"]
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


@pytest.fixture(scope="module")
def tf() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's own
        return importlib.import_module("tensorflow")


@pytest.mark.parametrize("kind", [*FLOATS, *INTS, "bool"])
def test_values_of_every_type(tf: ModuleType, kind: str) -> None:
    given = tf.cast(tf.constant([[0, 1], [1, 0], [1, 1]]), kind)
    wanted = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    for tensor in (given, list(given), [list(row) for row in given], tf.Variable(given)):
        assert arrays.values(tensor, "value").tolist() == wanted
    assert arrays.values(given[0, 1], "value").shape == ()
    assert float(arrays.values(given[0, 1], "value")) == 1.0
    assert float(arrays.values(tf.Variable(given[0, 1]), "value")) == 1.0


@pytest.mark.parametrize("kind", [*FLOATS, *INTS])
def test_steps_and_times_of_every_type(tf: ModuleType, kind: str) -> None:
    given = tf.cast(tf.constant([0, 1, 2]), kind)
    for convert in (arrays.steps, arrays.times):
        for tensor in (given, list(given)):
            several: Any = convert(tensor, "step")
            assert several.tolist() == [0, 1, 2]
        assert convert(given[2], "step") == 2


def test_steps_are_exact(tf: ModuleType) -> None:
    given = tf.constant([2**62 + 1], "int64")
    for tensor in (given, [given[0]]):
        assert arrays.steps(tensor, "step").tolist() == [2**62 + 1]  # type: ignore[union-attr]


def test_what_has_no_value_is_refused_by_name(tf: ModuleType) -> None:
    for tensor in (tf.constant(["a"]), tf.sparse.from_dense([1.0]), tf.constant(1j)):
        with pytest.raises(TypeError, match="value"):
            arrays.values(tensor, "value")

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def log(x: Any) -> Any:
        with pytest.raises(TypeError, match=r"value cannot be read as numbers: .* symbolic"):
            arrays.values(x, "value")
        return x

    log(tf.ones(2))


def test_attributes(tf: ModuleType) -> None:
    given = {
        "flag": tf.constant(True),
        "lr": tf.constant(0.5, "bfloat16"),
        "name": tf.Variable(0.25),
        "rows": tf.range(2),
    }
    assert attributes.flatten("", given) == [
        ("flag", "bool", True),
        ("lr", "float", 0.5),
        ("name", "float", 0.25),
        ("rows/0", "int", 0),
        ("rows/1", "int", 1),
    ]


def test_a_run_of_tensors_is_read_back(tf: ModuleType, server: ServerProcess) -> None:
    log_and_read_back(server, tf.constant)
