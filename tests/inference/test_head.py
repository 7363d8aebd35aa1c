"""The head in NumPy against its formulas in plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout_inference.head import Activation, Floats, Head, Linear, activate, probabilities

FORMULAS: dict[Activation, Callable[[float], float]] = {
    "tanh": math.tanh,
    "relu": lambda x: max(0.0, x),
    "gelu": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
}
numbers = st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=20)


def row(values: list[float]) -> Floats:
    return np.array([values], dtype=np.float32)


@pytest.mark.parametrize("name", FORMULAS)
@given(values=numbers)
def test_each_activation_is_its_formula(name: Activation, values: list[float]) -> None:
    found = activate(name, row(values))
    assert found.dtype == np.float32
    wanted = [FORMULAS[name](value) for value in values]
    np.testing.assert_allclose(found[0], wanted, rtol=1e-5, atol=1e-6)


@given(numbers)
def test_a_multi_label_model_gets_sigmoids(values: list[float]) -> None:
    found = probabilities(row(values), "multi_label")[0]
    wanted = [1 / (1 + math.exp(-value)) for value in values]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


@given(numbers)
def test_a_single_label_model_gets_a_softmax(values: list[float]) -> None:
    found = probabilities(row(values), "single_label")[0]
    powers = [math.exp(value - max(values)) for value in values]
    np.testing.assert_allclose(found, [p / sum(powers) for p in powers], rtol=1e-4, atol=1e-6)
    assert found.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("problem", ["multi_label", "single_label"])
def test_huge_logits_do_not_overflow(problem: str) -> None:
    with np.errstate(all="raise", under="ignore"):
        found = probabilities(row([1e30, -1e30, 0.0]), problem)  # type: ignore[arg-type]
    assert np.isfinite(found).all()


def test_a_head_without_activation_is_one_layer() -> None:
    head = Head(Linear(np.eye(3, 2, dtype=np.float32), np.array([1, 2], dtype=np.float32)))
    assert head(row([10, 20, 30])).tolist() == [[11, 22]]


def test_a_head_with_activation_is_two_layers_with_it_between() -> None:
    dense = Linear(-np.eye(2, dtype=np.float32), np.zeros(2, dtype=np.float32))
    out = Linear(np.ones((2, 1), dtype=np.float32), np.zeros(1, dtype=np.float32))
    head = Head(out, "relu", dense)
    assert head(row([-3, 5])).tolist() == [[3]]
