"""The arithmetic of parity, on numbers small enough to check by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout_inference.model.manifest import F1, Parity
from turnout_inference.model.parity import (
    Limits,
    decisions,
    f1,
    f1_of_both,
    label_agreement,
    shortfalls,
)


def yes(*rows: str) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.array([[mark == "x" for mark in row] for row in rows])


def test_a_label_is_given_from_its_own_threshold_on() -> None:
    scores = np.array([[0.5, 0.49, 0.2]], dtype=np.float32)
    assert decisions(scores, (0.5, 0.5, 0.1)).tolist() == [[True, False, True]]


def test_without_thresholds_the_best_label_is_given() -> None:
    scores = np.array([[0.2, 0.5, 0.3], [0.4, 0.3, 0.3]], dtype=np.float32)
    assert decisions(scores, None).tolist() == yes(".x.", "x..").tolist()


def test_multi_label_agreement_counts_every_decision() -> None:
    assert label_agreement(yes("xx", ".."), yes("x.", ".."), "multi_label") == 0.75


def test_single_label_agreement_counts_texts() -> None:
    assert label_agreement(yes("x.", ".x"), yes("x.", "x."), "single_label") == 0.5


def test_f1_by_hand() -> None:
    # first label: 1 right of 2 given and 1 true: 2/3; second: 0 of 0 given and 1 true: 0.
    micro, macro = f1(yes("x.", "x."), yes("x.", ".x"))
    assert micro == pytest.approx(2 / 4)
    assert macro == pytest.approx((2 / 3 + 0) / 2)


def test_f1_of_nothing_given_and_nothing_true_is_0() -> None:
    assert f1(yes(".."), yes("..")) == (0.0, 0.0)


marks = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=20)


@given(marks)
def test_what_is_all_right_has_f1_of_1_where_anything_is_true(rows: list[tuple[bool, ...]]) -> None:
    true = np.array(rows)
    micro, macro = f1(true, true)
    assert micro == (1.0 if true.any() else 0.0)
    assert macro == pytest.approx(true.any(axis=0).mean())


def parity(**changes: float | F1) -> Parity:
    usual: dict[str, object] = {
        "reference": "r", "ctranslate2": "c", "inputs": "texts", "texts": 1,
        "label_agreement": 1.0, "max_difference": 0.0, "mean_difference": 0.0,
    }  # fmt: skip
    return Parity.model_validate(usual | changes)


def test_a_model_within_the_limits_has_no_shortfall() -> None:
    assert shortfalls(parity(), Limits()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label_agreement": 0.99}, "labels agree on 99.0000%"),
        ({"max_difference": 0.2}, "the largest difference of a score is 0.2"),
        ({"mean_difference": 0.1}, "the mean difference of the scores is 0.1"),
        ({"token_agreement": 0.98}, "98.00% of the texts have the original's tokens"),
        (
            {"f1": f1_of_both(yes("x."), yes(".x"), yes("x."))},
            "micro F1 falls by 1.0000, 0.005 is allowed",
        ),
    ],
)
def test_each_limit_is_named_when_it_is_not_met(changes: dict[str, float | F1], said: str) -> None:
    (found,) = shortfalls(parity(**changes), Limits())
    assert said in found


def test_a_better_f1_is_no_shortfall() -> None:
    better = f1_of_both(yes(".x"), yes("x."), yes("x."))
    assert shortfalls(parity(f1=better), Limits()) == []
