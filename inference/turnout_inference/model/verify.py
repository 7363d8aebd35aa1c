"""turnout-model verify: is the folder whole, does it compute, does it still answer the same."""

from __future__ import annotations

import argparse
from pathlib import Path

from turnout_inference.model.checkpoint import read_checkpoint
from turnout_inference.model.command import (
    Commands,
    add_limits,
    existing_folder,
    limits_of,
    require_convert_extra,
)
from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.files import verify_folder
from turnout_inference.model.fit import check_fit
from turnout_inference.model.manifest import Manifest, Parity, model_digest
from turnout_inference.model.parity import Limits, shortfalls
from turnout_inference.model.report import parity_lines
from turnout_inference.model.texts import read_texts


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "verify",
        help="check a model folder, alone or against its original",
        description="Check every file's sha256, load the model as the server does, and with "
        "--against compare its answers with the Hugging Face checkpoint's.",
    )
    parser.add_argument("folder", type=Path, help="model folder")
    parser.add_argument("--sha256", help="the digest that the model must have")
    parser.add_argument(
        "--against", type=existing_folder, help="checkpoint folder (needs the extra `convert`)"
    )
    parser.add_argument(
        "--texts", type=Path, help="texts to compare on: one a line, or a .tsv with labels"
    )
    add_limits(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Verify, and say what was found."""
    if arguments.against is not None:
        require_convert_extra("verify --against")
    manifest = verify(arguments.folder, arguments.sha256)
    print(f"{arguments.folder} is whole, sha256 {model_digest(arguments.folder)}")
    if arguments.against is not None:
        parity = compare(arguments.folder, manifest, arguments.against, arguments.texts)
        print("\n".join(parity_lines(parity)))
        refuse_shortfalls(arguments.folder, parity, limits_of(arguments))


def verify(folder: Path, digest: str | None = None) -> Manifest:
    """Check the folder as the server does at start, and load the model; ModelRefused if not."""
    from turnout_inference.backend import load_backend
    from turnout_inference.tokenizer import load_tokenizer

    manifest = verify_folder(folder, digest)
    check_fit(folder, manifest, load_tokenizer(folder, manifest))
    load_backend(folder, manifest)
    return manifest


def compare(folder: Path, manifest: Manifest, original: Path, texts: Path | None) -> Parity:
    """Parity with the checkpoint; ModelRefused where it cannot be this model's original."""
    from turnout_inference.model.measure import measure_parity

    checkpoint = read_checkpoint(original)
    if checkpoint.labels != manifest.labels or checkpoint.problem_type != manifest.problem_type:
        raise ModelRefused(
            str(original),
            f"is {checkpoint.problem_type} over {', '.join(checkpoint.labels)}; the model is "
            f"{manifest.problem_type} over {', '.join(manifest.labels)}",
            "give the checkpoint that it was converted from",
        )
    read = None if texts is None else read_texts(texts, manifest.labels)
    return measure_parity(folder, manifest, checkpoint, read)


def refuse_shortfalls(folder: Path, parity: Parity, limits: Limits) -> None:
    """ModelRefused where the parity is beyond the limits."""
    if found := shortfalls(parity, limits):
        raise ModelRefused(
            str(folder),
            "does not answer as its original does: " + "; ".join(found),
            "convert the model again",
        )
