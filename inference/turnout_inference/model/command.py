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


def add_limits(parser: argparse.ArgumentParser) -> None:
    """The options that say how far a model may be from its original."""
    usual = Limits()
    group = parser.add_argument_group("limits", "the model is refused beyond them")
    group.add_argument(
        "--min-agreement",
        type=share,
        default=usual.label_agreement,
        metavar="SHARE",
        help="label decisions that must be the same (default %(default)s)",
    )
    group.add_argument(
        "--max-difference",
        type=share,
        default=usual.max_difference,
        metavar="P",
        help="largest difference of a score (default %(default)s)",
    )
    group.add_argument(
        "--mean-difference",
        type=share,
        default=usual.mean_difference,
        metavar="P",
        help="mean difference of all scores (default %(default)s)",
    )
    group.add_argument(
        "--min-token-agreement",
        type=share,
        default=usual.token_agreement,
        metavar="SHARE",
        help="texts with the tokens of the original's tokenizer.json (default %(default)s)",
    )
    group.add_argument(
        "--max-f1-loss",
        type=share,
        default=usual.f1_loss,
        metavar="F1",
        help="micro F1 that may be lost, where labels are given (default %(default)s)",
    )


def limits_of(arguments: argparse.Namespace) -> Limits:
    """The limits that the options say."""
    return Limits(
        label_agreement=arguments.min_agreement,
        max_difference=arguments.max_difference,
        mean_difference=arguments.mean_difference,
        token_agreement=arguments.min_token_agreement,
        f1_loss=arguments.max_f1_loss,
    )


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
