"""Small model folders for tests: right in every respect but for the weights' sense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from turnout_inference.model.files import describe_files
from turnout_inference.model.manifest import (
    MANIFEST,
    Head,
    Manifest,
    SentencePieceTokenizer,
)

WIDTH = 8
LABELS = ("kind", "rude", "neutral")


def write_model(folder: Path, *, weights: bytes = b"weights" * 500) -> Manifest:
    """Write a compliant folder of a few kilobytes; its model.bin is not CTranslate2's."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.bin").write_bytes(weights)
    (folder / "config.json").write_text("{}\n")
    (folder / "vocabulary.json").write_text('["<s>"]\n')
    (folder / "sentencepiece.bpe.model").write_bytes(b"pieces")
    (folder / "LICENSE").write_text("As you like.\n")
    write_head(folder, head_tensors())
    manifest = manifest_of(folder)
    (folder / MANIFEST).write_bytes(manifest.to_bytes())
    return manifest


def head_tensors() -> dict[str, np.ndarray[Any, Any]]:
    """Tensors of the right shapes."""
    return {
        "dense.weight": np.eye(WIDTH, dtype=np.float32),
        "dense.bias": np.zeros(WIDTH, dtype=np.float32),
        "out_proj.weight": np.ones((len(LABELS), WIDTH), dtype=np.float32),
        "out_proj.bias": np.zeros(len(LABELS), dtype=np.float32),
    }


def write_head(folder: Path, tensors: dict[str, np.ndarray[Any, Any]]) -> None:
    """Write head.safetensors."""
    save_file(tensors, folder / "head.safetensors")


def manifest_of(folder: Path) -> Manifest:
    """A compliant manifest of what lies in the folder."""
    return Manifest(
        format_version=1,
        name="small",
        revision="1",
        architecture="xlm-roberta",
        hidden_size=WIDTH,
        problem_type="multi_label",
        labels=LABELS,
        threshold=0.5,
        max_tokens=16,
        tokenizer=SentencePieceTokenizer(),
        head=Head(input="first_token", activation="tanh"),
        compute_type="int8",
        files=describe_files(folder),
        licence="CC0-1.0",
        source="made by a test",
    )


def edit_manifest(folder: Path, **changes: object) -> None:
    """Change top-level fields of turnout.json, unchecked."""
    data = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps(data | changes))


def reseal(folder: Path) -> None:
    """Make turnout.json agree with whatever the files are now: what a broken tool would do."""
    files = {name: entry.model_dump() for name, entry in describe_files(folder).items()}
    edit_manifest(folder, files=files)
