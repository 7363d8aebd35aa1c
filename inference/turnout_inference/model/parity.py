"""Arithmetic that says how close a converted model is to its original. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from turnout_inference.model.manifest import F1, Parity, ProblemType

Scores = npt.NDArray[np.float32]
"""[texts, labels] probabilities."""
Decisions = npt.NDArray[np.bool_]
"""[texts, labels], true where the label is given."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a converted model may be from its original."""

    label_agreement: float = 0.995
    max_difference: float = 0.1
    mean_difference: float = 0.005
    token_agreement: float = 0.99
    f1_loss: float = 0.005
    """Micro F1 that may be lost, in absolute terms."""


def shortfalls(parity: Parity, limits: Limits) -> list[str]:
    """In words, each limit that is not met; none where the model may be served."""
    found = []
    if parity.label_agreement < limits.label_agreement:
        found.append(
            f"labels agree on {parity.label_agreement:.4%}, {limits.label_agreement:.4%} is asked "
            "(--min-agreement)"
        )
    if parity.max_difference > limits.max_difference:
        found.append(
            f"the largest difference of a score is {parity.max_difference:.4f}, "
            f"{limits.max_difference} is allowed (--max-difference)"
        )
    if parity.mean_difference > limits.mean_difference:
        found.append(
            f"the mean difference of the scores is {parity.mean_difference:.5f}, "
            f"{limits.mean_difference} is allowed (--mean-difference)"
        )
    if parity.token_agreement is not None and parity.token_agreement < limits.token_agreement:
        found.append(
            f"{parity.token_agreement:.2%} of the texts have the original's tokens, "
            f"{limits.token_agreement:.2%} is asked (--min-token-agreement)"
        )
    if parity.f1 is not None:
        loss = parity.f1.original_micro - parity.f1.converted_micro
        if loss > limits.f1_loss:
            found.append(
                f"micro F1 falls by {loss:.4f}, {limits.f1_loss} is allowed (--max-f1-loss)"
            )
    return found


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
