"""Whether tokenizer, encoder and manifest of one folder are of the same model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from turnout_inference.model.encoder_sizes import EncoderSizes, read_encoder_sizes
from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.manifest import Manifest

if TYPE_CHECKING:
    from turnout_inference.tokenizer import Tokenizer

_FIX = "convert the model anew, with the tokenizer that it was trained with"


def check_fit(folder: Path, manifest: Manifest, tokenizer: Tokenizer) -> None:
    """ModelRefused where an input could ask the encoder for what it does not have.

    To be called before anything is computed: CTranslate2 itself checks no id.
    """
    weights = folder / "model.bin"
    sizes = read_encoder_sizes(weights)
    if tokenizer.largest_id >= sizes.tokens:
        raise ModelRefused(
            str(folder / manifest.tokenizer.file),
            f"gives ids up to {tokenizer.largest_id} (with the id_* of turnout.json), the encoder "
            f"has {sizes.tokens} tokens",
            _FIX,
        )
    if sizes.types is not None and tokenizer.largest_type >= sizes.types:
        raise ModelRefused(
            str(folder / manifest.tokenizer.file),
            f"gives the second text of a pair the type {tokenizer.largest_type}, the encoder has "
            f"{sizes.types}",
            _FIX,
        )
    if sizes.positions is not None and manifest.max_tokens > sizes.positions:
        raise ModelRefused(
            f"{folder}: max_tokens",
            f"is {manifest.max_tokens}, the encoder has {sizes.positions} positions",
            f"convert the model with a max_tokens of {sizes.positions} at most",
        )
    _check_vocabulary(folder, manifest, sizes)


def _check_vocabulary(folder: Path, manifest: Manifest, sizes: EncoderSizes) -> None:
    path = folder / "vocabulary.json"
    if path.name not in manifest.files:
        # CTranslate2 asks for it, and says so.
        return
    try:
        tokens = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelRefused(str(path), f"cannot be read ({error})", _FIX) from None
    if not isinstance(tokens, list) or len(tokens) != sizes.tokens:
        found = f"{len(tokens)} tokens" if isinstance(tokens, list) else "no list of tokens"
        raise ModelRefused(str(path), f"holds {found}, the encoder has {sizes.tokens}", _FIX)
