"""The tokenizer of a checkpoint: which file a model folder takes, and its vocabulary."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from turnout_inference.model.checkpoint import Checkpoint
from turnout_inference.model.ctranslate2_conversion import Vocabulary
from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.manifest import FastTokenizer, SentencePieceTokenizer

SENTENCEPIECE = "sentencepiece.bpe.model"
TOKENIZER_JSON = "tokenizer.json"
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
"""XLM-RoBERTa's first four ids; SentencePiece's own first three pieces make room for them."""

_OLDER_FILES = ("vocab.txt", "vocab.json", "spiece.model", SENTENCEPIECE)
"""What a tokenizer.json can be made from."""


@dataclass(frozen=True, slots=True)
class PlacedTokenizer:
    """A tokenizer's file in its folder: how it is described, and what tokens it has."""

    described: SentencePieceTokenizer | FastTokenizer
    vocabulary: Vocabulary


def place_tokenizer(checkpoint: Checkpoint, out: Path, vocabulary_size: int) -> PlacedTokenizer:
    """Copy or make the tokenizer's file in `out`.

    vocabulary_size: rows of the model's embedding; tokens that only pad it are named.
    """
    source = checkpoint.folder / SENTENCEPIECE
    if checkpoint.architecture == "xlm-roberta" and source.is_file():
        shutil.copyfile(source, out / SENTENCEPIECE)
        tokens = _sentencepiece_tokens(source)
        described: SentencePieceTokenizer | FastTokenizer = SentencePieceTokenizer()
    else:
        described = FastTokenizer(pad_id=checkpoint.pad_id)
        _place_tokenizer_json(checkpoint.folder, out / described.file)
        tokens = _tokenizer_json_tokens(out / described.file)
    if len(tokens) > vocabulary_size:
        raise ModelRefused(
            str(checkpoint.folder),
            f"its tokenizer has {len(tokens)} tokens, the model {vocabulary_size}",
            "give the tokenizer that the model was trained with",
        )
    tokens += [f"<extra_id_{number}>" for number in range(vocabulary_size - len(tokens))]
    unknown = next((token for token in ("<unk>", "[UNK]") if token in tokens), tokens[0])
    numbered = {token: number for number, token in enumerate(tokens)}
    return PlacedTokenizer(described, Vocabulary(numbered, unknown))


def longest_input(checkpoint: Checkpoint) -> int:
    """Tokens that both the model's positions and its tokenizer's settings admit."""
    try:
        settings = json.loads((checkpoint.folder / "tokenizer_config.json").read_bytes())
        limit = int(settings["model_max_length"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return checkpoint.max_tokens
    return min(limit, checkpoint.max_tokens) if limit > 0 else checkpoint.max_tokens


def original_tokens(
    checkpoint: Checkpoint, folder: Path, max_tokens: int, texts: Sequence[str]
) -> list[list[int]] | None:
    """The ids that the original's own tokenizer.json gives, cut to `max_tokens`.

    None where there is none: SentencePiece's own answer is then the original's.
    """
    import tokenizers

    candidates = (checkpoint.folder / TOKENIZER_JSON, folder / TOKENIZER_JSON)
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        return None
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]


def _sentencepiece_tokens(path: Path) -> list[str]:
    import sentencepiece

    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as error:
        raise ModelRefused(
            str(path), f"not a SentencePiece model ({error})", "download the checkpoint again"
        ) from None
    pieces = [processor.id_to_piece(number) for number in range(3, processor.get_piece_size())]
    return [*_SPECIAL, *pieces, "<mask>"]


def _place_tokenizer_json(folder: Path, target: Path) -> None:
    if (folder / TOKENIZER_JSON).is_file():
        shutil.copyfile(folder / TOKENIZER_JSON, target)
        return
    fix = "give a checkpoint with a tokenizer.json, or save one with AutoTokenizer"
    if not any((folder / name).is_file() for name in _OLDER_FILES):
        # transformers would make up an empty tokenizer instead of failing.
        raise ModelRefused(str(folder), "has no tokenizer's file", fix)
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # transformers raises nearly anything here
        first = str(error).strip().partition("\n")[0]
        raise ModelRefused(str(folder), f"its tokenizer cannot be read ({first})", fix) from None
    if not tokenizer.is_fast:
        raise ModelRefused(str(folder), "its tokenizer has no fast form", fix)
    tokenizer.backend_tokenizer.save(str(target))


def _tokenizer_json_tokens(path: Path) -> list[str]:
    import tokenizers

    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ModelRefused(
            str(path), f"not a tokenizer.json ({error})", "download the checkpoint again"
        ) from None
    by_number = {number: token for token, number in tokenizer.get_vocab().items()}
    return [by_number.get(number, f"<gap_{number}>") for number in range(max(by_number) + 1)]
