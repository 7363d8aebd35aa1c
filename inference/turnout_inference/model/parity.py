"""Arithmetic that says how close a converted model is to its original. No I/O here."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from turnout_inference.model.manifest import F1, ProblemType

Scores = npt.NDArray[np.float64]
"""[texts, labels] probabilities."""
Decisions = npt.NDArray[np.bool_]
"""[texts, labels], true where the label is given."""


def probabilities(logits: npt.NDArray[np.floating], problem_type: ProblemType) -> Scores:
    """Sigmoid for a multi-label model, softmax over the last axis for a single-label one."""
    wide = logits.astype(np.float64)
    if problem_type == "multi_label":
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * wide)), dtype=np.float64)
    spread = np.exp(wide - wide.max(axis=-1, keepdims=True))
    return np.asarray(spread / spread.sum(axis=-1, keepdims=True), dtype=np.float64)


def decisions(scores: Scores, cuts: tuple[float, ...] | None) -> Decisions:
    """The labels given: those at or over their threshold, or without thresholds the best one."""
    if cuts is not None:
        return np.asarray(scores >= np.asarray(cuts), dtype=np.bool_)
    given = np.zeros(scores.shape, dtype=np.bool_)
    given[np.arange(len(scores)), scores.argmax(axis=1)] = True
    return given


def label_agreement(original: Decisions, converted: Decisions, problem_type: ProblemType) -> float:
    """The share of decisions that are the same: of texts x labels, or of texts (single-label)."""
    same = original == converted
    return float(same.all(axis=1).mean() if problem_type == "single_label" else same.mean())


def f1(given: Decisions, true: Decisions) -> tuple[float, float]:
    """Micro and macro F1; a label that is neither given nor true counts as 0 in the macro."""
    right = (given & true).sum(axis=0)
    total = given.sum(axis=0) + true.sum(axis=0)
    micro = 2 * right.sum() / total.sum() if total.sum() else 0.0
    return float(micro), float((2 * right / np.maximum(total, 1)).mean())


def f1_of_both(original: Decisions, converted: Decisions, true: Decisions) -> F1:
    """F1 of the original and of the converted model, over the same true labels."""
    original_micro, original_macro = f1(original, true)
    converted_micro, converted_macro = f1(converted, true)
    return F1(
        original_micro=original_micro,
        converted_micro=converted_micro,
        original_macro=original_macro,
        converted_macro=converted_macro,
    )
