"""The head's file: tensors that do not fit the manifest are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.inference.model.folders import head_tensors, write_head

from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.head_weights import read_head
from turnout_inference.model.manifest import load_manifest

Tensors = dict[str, np.ndarray[Any, Any]]


def test_a_fitting_head_is_read(model: Path) -> None:
    head = read_head(model, load_manifest(model))
    assert head.dense_weight is not None
    assert head.out_proj_weight.shape == (3, 8)


def without_dense_bias(tensors: Tensors) -> None:
    del tensors["dense.bias"]


def with_one_tensor_more(tensors: Tensors) -> None:
    tensors["more"] = np.zeros(1, dtype=np.float32)


def with_a_label_less(tensors: Tensors) -> None:
    tensors["out_proj.weight"] = tensors["out_proj.weight"][:2]


def with_another_width(tensors: Tensors) -> None:
    tensors["out_proj.weight"] = np.ones((3, 9), dtype=np.float32)


def transposed(tensors: Tensors) -> None:
    tensors["out_proj.weight"] = np.ascontiguousarray(tensors["out_proj.weight"].T)


def in_half_precision(tensors: Tensors) -> None:
    tensors["dense.weight"] = tensors["dense.weight"].astype(np.float16)


def with_nan(tensors: Tensors) -> None:
    tensors["out_proj.bias"][0] = np.nan


def with_infinity(tensors: Tensors) -> None:
    tensors["dense.bias"][0] = np.inf


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_dense_bias, r"needs .*\(dense.bias\)"),
        (with_one_tensor_more, r"\(more\)"),
        (with_a_label_less, r"out_proj.weight: has shape \[2, 8\], needs \[3, 8\] for 3 labels"),
        (with_another_width, r"has shape \[3, 9\], needs \[3, 8\]"),
        (transposed, r"has shape \[8, 3\], needs \[3, 8\]"),
        (in_half_precision, "dense.weight: is float16, needs float32"),
        (with_nan, "out_proj.bias: holds NaN or infinity"),
        (with_infinity, "dense.bias: holds NaN or infinity"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(
    model: Path, change: Callable[[Tensors], None], said: str
) -> None:
    tensors = head_tensors()
    change(tensors)
    write_head(model, tensors)
    with pytest.raises(ModelRefused, match=said):
        read_head(model, load_manifest(model))


@pytest.mark.parametrize("content", [b"", b"\x00" * 8, b"\xff" * 64, b"not safetensors at all"])
def test_what_is_no_safetensors_file_is_refused(model: Path, content: bytes) -> None:
    (model / "head.safetensors").write_bytes(content)
    with pytest.raises(ModelRefused, match=r"head.safetensors: cannot be read"):
        read_head(model, load_manifest(model))
