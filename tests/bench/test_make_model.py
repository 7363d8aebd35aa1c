"""Random models for measuring: they load, and both of their forms hold the same weights."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bench.make_model import Size, random_weights, write_checkpoint, write_model

from turnout_inference.model.manifest import ComputeType, model_digest
from turnout_inference.model.verify import compare, verify

SMALL = Size(layers=2, width=128, vocabulary=8010, labels=9, max_tokens=64)


@pytest.mark.parametrize("compute_type", ["int8", "float32"])
def test_a_random_model_can_be_served(tmp_path: Path, compute_type: ComputeType) -> None:
    write_model(tmp_path / "out", SMALL, random_weights(SMALL), compute_type)
    assert verify(tmp_path / "out").compute_type == compute_type


def test_a_random_model_can_be_made_again(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_model(tmp_path / name, SMALL, random_weights(SMALL), "int8")
    assert model_digest(tmp_path / "first") == model_digest(tmp_path / "second")


def test_quantizing_leaves_the_given_weights_alone(tmp_path: Path) -> None:
    weights = random_weights(SMALL)
    write_model(tmp_path / "out", SMALL, weights, "int8")
    untouched = random_weights(SMALL)
    assert all(np.array_equal(weights[name], untouched[name]) for name in untouched)


def test_the_command_writes_both_forms(tmp_path: Path) -> None:
    options = ["--layers", "1", "--width", "64", "--checkpoint", str(tmp_path / "hf")]
    command = [sys.executable, "-m", "bench.make_model", str(tmp_path / "out"), *options]
    subprocess.run(command, check=True, capture_output=True)
    assert verify(tmp_path / "out").name == "random-1x64"
    assert (tmp_path / "hf" / "model.safetensors").is_file()


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs the extra `convert`")
def test_the_checkpoint_answers_as_the_model_does(tmp_path: Path) -> None:
    weights = random_weights(SMALL)
    manifest = write_model(tmp_path / "out", SMALL, weights, "float32")
    write_checkpoint(tmp_path / "hf", SMALL, weights)
    assert compare(tmp_path / "out", manifest, tmp_path / "hf", None).max_difference < 1e-5
