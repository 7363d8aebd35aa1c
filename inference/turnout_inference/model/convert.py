"""turnout-model convert: options of the command; conversion.py does the work."""

from __future__ import annotations

import argparse
from pathlib import Path

from turnout_inference.model.command import (
    Commands,
    add_limits,
    existing_folder,
    limits_of,
    require_convert_extra,
    share,
)
from turnout_inference.model.conversion import LICENCE_FILE, NO_LICENCE, Request, convert
from turnout_inference.model.manifest import COMPUTE_TYPES, PROBLEM_TYPES, model_digest
from turnout_inference.model.report import parity_lines


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "convert",
        help="make a model folder from a Hugging Face checkpoint",
        description="Convert a BERT, CamemBERT, DistilBERT, ELECTRA, RoBERTa or XLM-RoBERTa "
        "classifier to CTranslate2. The folder is written only if it answers as the original "
        "does. Needs the extra `convert` (PyTorch and transformers).",
    )
    parser.add_argument("checkpoint", type=existing_folder, help="Hugging Face checkpoint folder")
    parser.add_argument("out", type=Path, help="model folder to make; must not exist")
    parser.add_argument(
        "--quantization", choices=COMPUTE_TYPES, default="int8", help="default: %(default)s"
    )
    parser.add_argument(
        "--texts",
        type=Path,
        help="texts to compare on: one a line, or a .tsv with labels (default: random tokens)",
    )
    parser.add_argument(
        "--problem-type",
        choices=PROBLEM_TYPES,
        help="default: what config.json says, or single_label where it says nothing",
    )
    parser.add_argument("--max-tokens", type=int, help="default: what the model can read")
    parser.add_argument(
        "--threshold", type=share, help="of the labels of a multi-label model (default: 0.5)"
    )
    parser.add_argument(
        "--label-threshold",
        type=_label_threshold,
        action="append",
        default=[],
        metavar="LABEL=SHARE",
        help="of one label; may be repeated, the others keep --threshold",
    )
    about = parser.add_argument_group("what turnout.json says of the model")
    about.add_argument("--name", help="default: the folder's name")
    about.add_argument("--revision", help="default: the first 12 digits of the weights' sha256")
    about.add_argument("--source", help="where the original is from (default: its folder's name)")
    about.add_argument("--licence", default=NO_LICENCE, help="SPDX name of the weights' licence")
    about.add_argument(
        "--licence-file", type=Path, help=f"becomes {LICENCE_FILE} (default: the checkpoint's)"
    )
    about.add_argument(
        "--attribution", action="append", default=[], help="whom to name; may be repeated"
    )
    add_limits(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Convert, and say how close the result is."""
    require_convert_extra("convert")
    manifest = convert(
        Request(
            source=arguments.checkpoint,
            out=arguments.out,
            compute_type=arguments.quantization,
            texts=arguments.texts,
            limits=limits_of(arguments),
            name=arguments.name,
            revision=arguments.revision,
            origin=arguments.source,
            licence=arguments.licence,
            licence_file=arguments.licence_file,
            attribution=tuple(arguments.attribution),
            problem_type=arguments.problem_type,
            max_tokens=arguments.max_tokens,
            threshold=arguments.threshold,
            thresholds=dict(arguments.label_threshold),
        )
    )
    if manifest.parity is not None:
        print("\n".join(parity_lines(manifest.parity)))
    print(f"wrote {arguments.out}, sha256 {model_digest(arguments.out)}")
    if manifest.licence == NO_LICENCE:
        print("its licence is unknown: say --licence before you pass it on")


def _label_threshold(text: str) -> tuple[str, float]:
    label, equals, value = text.rpartition("=")
    if not equals or not label:
        raise argparse.ArgumentTypeError(f"{text!r} is not LABEL=SHARE")
    return label, share(value)
