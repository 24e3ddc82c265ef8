"""Real PyTorch tensors: `make test-torch`, since PyTorch takes gigabytes."""

from __future__ import annotations

import importlib
import math
import warnings
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from conftest import ServerProcess
from logged_tensors import log_and_read_back
from metrana import arrays, attributes

pytestmark = pytest.mark.torch

FLOATS = ["float8_e4m3fn", "float8_e5m2", "float16", "bfloat16", "float32", "float64"]
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own
        return importlib.import_module("torch")


@pytest.mark.parametrize("kind", [*FLOATS, *INTS, "bool"])
def test_values_of_every_type(torch: ModuleType, kind: str) -> None:
    given = torch.tensor([[0, 1], [1, 0], [1, 1]]).to(getattr(torch, kind))
    for tensor in (given, given.T, given[::2, 1], list(given), [list(row) for row in given]):
        converted = arrays.values(tensor, "value")
        if isinstance(tensor, list):
            tensor = given
        assert converted.tolist() == tensor.double().tolist()
    assert arrays.values(given[0, 1], "value").shape == ()
    assert float(arrays.values(given[0, 1], "value")) == 1.0


@pytest.mark.parametrize("kind", [*FLOATS, *INTS])
def test_steps_and_times_of_every_type(torch: ModuleType, kind: str) -> None:
    given = torch.tensor([0, 1, 2]).to(getattr(torch, kind))
    for convert in (arrays.steps, arrays.times):
        for tensor in (given, list(given)):
            several: Any = convert(tensor, "step")
            assert several.tolist() == [0, 1, 2]
        assert convert(given[2], "step") == 2


def test_gradients_are_no_hindrance(torch: ModuleType) -> None:
    weights = torch.nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.bfloat16))
    assert arrays.values(weights, "value").tolist() == [1.0, 2.0]
    assert arrays.values([weights, weights], "value").tolist() == [[1.0, 2.0], [1.0, 2.0]]
    assert arrays.values([weights[0], weights.sum(), 4.0], "value").tolist() == [1.0, 3.0, 4.0]
    assert float(arrays.values((weights * 2).sum(), "value")) == 6.0
    assert weights.requires_grad
    with torch.inference_mode():
        assert arrays.values(torch.ones(2), "value").tolist() == [1.0, 1.0]


def test_views_of_every_kind(torch: ModuleType) -> None:
    assert arrays.values(torch.ones(1).expand(3), "value").tolist() == [1.0, 1.0, 1.0]
    assert arrays.values(torch.tensor([1 + 2j]).conj().imag, "value").tolist() == [-2.0]
    assert arrays.values(torch.tensor([math.nan, -math.inf]), "value").tolist()[1] == -math.inf
    assert arrays.values(torch.empty(0), "value").shape == (0,)


def test_what_fits_is_not_copied(torch: ModuleType) -> None:
    given = torch.ones(3, dtype=torch.float64, requires_grad=True)
    assert np.shares_memory(arrays.values(given, "value"), given.detach().numpy())


def test_steps_are_exact(torch: ModuleType) -> None:
    given = torch.tensor([2**62 + 1])
    for tensor in (given, [given[0]]):
        assert arrays.steps(tensor, "step").tolist() == [2**62 + 1]  # type: ignore[union-attr]


def test_what_has_no_value_is_refused_by_name(torch: ModuleType) -> None:
    sparse = torch.eye(2).to_sparse()
    nothing = [torch.ones(2, device="meta"), sparse, torch.ones(1, dtype=torch.complex64)]
    for tensor in nothing:
        with pytest.raises(TypeError, match="value"):
            arrays.values(tensor, "value")
    with pytest.raises(TypeError, match=r"value .*to_dense"):
        arrays.values(sparse, "value")

    def log(x: Any) -> Any:
        with pytest.raises(TypeError, match="value cannot be read"):
            arrays.values(x, "value")
        return x

    torch.func.vmap(log)(torch.ones(2))


def test_attributes(torch: ModuleType) -> None:
    given = {
        "flag": torch.tensor(True),
        "lr": torch.tensor(0.5, dtype=torch.bfloat16, requires_grad=True),
        "rows": torch.arange(2),
        "shape": torch.ones(2, 3).shape,
    }
    assert attributes.flatten("", given) == [
        ("flag", "bool", True),
        ("lr", "float", 0.5),
        ("rows/0", "int", 0),
        ("rows/1", "int", 1),
        ("shape/0", "int", 2),
        ("shape/1", "int", 3),
    ]


def test_a_run_of_tensors_is_read_back(torch: ModuleType, server: ServerProcess) -> None:
    def tensor(held: Any, kind: str) -> Any:
        made = torch.tensor(held, dtype=getattr(torch, kind))
        return made.requires_grad_() if made.is_floating_point() else made

    log_and_read_back(server, tensor)
