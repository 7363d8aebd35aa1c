"""What the commands of turnout-model have in common: options, and how they end."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from turnout_inference.model.parity import Limits

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Commands = object


class CommandFailed(Exception):  # noqa: N818 - it ends a command, with its message
    """The command cannot do what was asked; the message says what to change."""


def require_convert_extra(command: str) -> None:
    """CommandFailed where PyTorch or transformers is not installed."""
    missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
    if missing:
        raise CommandFailed(
            f"`turnout-model {command}` needs {' and '.join(missing)}: "
            "pip install 'turnout-inference[convert]' (about 3 GB)"
        )


_LIMITS = {
    "--min-agreement": ("label_agreement", "share of label decisions that must be the same"),
    "--max-difference": ("max_difference", "largest difference of a score"),
    "--mean-difference": ("mean_difference", "mean difference of all scores"),
    "--min-token-agreement": (
        "token_agreement",
        "share of texts that must have the tokens of the original's tokenizer.json",
    ),
    "--max-f1-loss": ("f1_loss", "micro F1 that may be lost, where labels are given"),
}
"""Options by the field of Limits that each sets, and what it says."""


def add_limits(parser: argparse.ArgumentParser) -> None:
    """The options that say how far a model may be from its original."""
    group = parser.add_argument_group("limits", "beyond them the model is refused")
    for option, (field, said) in _LIMITS.items():
        group.add_argument(
            option,
            dest=field,
            type=share,
            default=getattr(Limits(), field),
            metavar="SHARE",
            help=f"{said} (default: %(default)s)",
        )


def limits_of(arguments: argparse.Namespace) -> Limits:
    """The limits that the options say."""
    return Limits(**{field: getattr(arguments, field) for field, _ in _LIMITS.values()})


def share(text: str) -> float:
    """An option's value from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def existing_folder(text: str) -> Path:
    """An option's value that must be a folder."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not a folder")
    return path
