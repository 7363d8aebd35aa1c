"""The classification head in NumPy: CTranslate2's encoders end before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from turnout_inference.model.head_weights import read_head
from turnout_inference.model.manifest import Manifest, ProblemType

Floats = NDArray[np.float32]
Activation = Literal["tanh", "relu", "gelu"]


@dataclass(frozen=True, slots=True)
class Linear:
    """`weight` of shape (in, out), contiguous, and `bias` of shape (out,).

    Checkpoints have (out, in); multiplying by the transpose of that takes three times as long.
    """

    weight: Floats
    bias: Floats

    def __call__(self, vectors: Floats) -> Floats:
        product: Floats = vectors @ self.weight
        product += self.bias
        return product


@dataclass(frozen=True, slots=True)
class Head:
    """Sentence vectors of shape (rows, hidden) to logits of shape (rows, labels)."""

    out: Linear
    activation: Activation | None = None
    dense: Linear | None = None

    def __call__(self, vectors: Floats) -> Floats:
        if self.activation is not None and self.dense is not None:
            vectors = activate(self.activation, self.dense(vectors))
        return self.out(vectors)


def activate(activation: Activation, values: Floats) -> Floats:
    match activation:
        case "tanh":
            curved: Floats = np.tanh(values)
            return curved
        case "relu":
            return np.maximum(values, np.float32(0))
        case "gelu":
            return _gelu(values)
        case _:
            assert_never(activation)


def probabilities(logits: Floats, problem: ProblemType) -> Floats:
    """Sigmoid for a multi-label model, softmax for a single-label one; shapes are kept."""
    match problem:
        case "multi_label":
            # tanh never overflows, exp does.
            halves: Floats = np.tanh(logits * np.float32(0.5))
            return np.float32(0.5) * (halves + np.float32(1))
        case "single_label":
            powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
            shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
            return shares
        case _:
            assert_never(problem)


def _gelu(values: Floats) -> Floats:
    """x * Phi(x) with erf by Abramowitz and Stegun 7.1.26 (absolute error below 1.5e-7)."""
    scaled = np.abs(values) * np.float32(0.7071067811865476)
    t = 1.0 / (1.0 + 0.3275911 * scaled)
    polynomial = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    erf = np.sign(values) * (1.0 - polynomial * np.exp(-scaled * scaled))
    curved: Floats = (values * 0.5 * (1.0 + erf)).astype(np.float32)
    return curved


def load_head(folder: Path, manifest: Manifest) -> Head:
    """The head of a verified model folder; ModelRefused where its tensors do not fit."""
    weights = read_head(folder, manifest)
    dense = None
    if weights.dense_weight is not None and weights.dense_bias is not None:
        dense = _linear(weights.dense_weight, weights.dense_bias)
    return Head(
        out=_linear(weights.out_proj_weight, weights.out_proj_bias),
        activation=manifest.head.activation,
        dense=dense,
    )


def _linear(weight: Floats, bias: Floats) -> Linear:
    return Linear(np.ascontiguousarray(weight.T), bias)
