"""Text to token ids: SentencePiece or a Hugging Face tokenizer.json, one layout for both.

A tokenizer gives the bare pieces of a text; the layout puts the special tokens around them
and cuts what is too long, so truncation is the same, and reported, for every model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, assert_never

from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.manifest import FastTokenizer, Manifest, SentencePieceTokenizer

Side = Literal["right", "left"]
"""The side on which a text that is too long loses tokens."""


READ_AHEAD = 32
"""Characters for each token that fits, of which a longer text is read first: Korean has two a
token, English four. A text may be a thousand times too long, and all of it costs alike."""
CLEAR_OF_THE_CUT = 2
"""How many times the tokens that fit must be in that part, so that no piece that is kept depends on
where the part ends."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One model input: `ids` as the model reads them.

    types: token type ids, only where the second text of a pair has its own.
    total: tokens of the whole input, special ones included, had nothing been cut; of a text far
    too long to be read at least so many.
    """

    ids: list[int]
    total: int
    types: list[int] | None = None

    @property
    def truncated(self) -> bool:
        return self.total > len(self.ids)


class Pieces(Protocol):
    """The ids of a text without special tokens; must be safe to call from several threads."""

    def __call__(self, text: str, /) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Layout:
    """Special tokens around one text, or around the two of a pair."""

    prefix: tuple[int, ...]
    middle: tuple[int, ...]
    suffix: tuple[int, ...]
    second_type: int = 0
    """Token type of a pair's second text and its suffix (BERT: 1)."""


class Tokenizer:
    """Encodes a text, or a pair of texts, in at most `max_tokens` tokens.

    largest_id: no piece and no special token has a larger one.
    """

    def __init__(self, pieces: Pieces, layout: Layout, max_tokens: int, largest_id: int) -> None:
        self._pieces = pieces
        self._layout = layout
        self.max_tokens = max_tokens
        self.largest_id = largest_id

    @property
    def largest_type(self) -> int:
        """The largest token type that an input can have."""
        return self._layout.second_type

    def encode(self, text: str, pair: str | None = None, *, side: Side = "right") -> Encoded:
        if pair is not None:
            return self._encode_pair(text, pair, side)
        layout = self._layout
        pieces = self._read(text, side)
        special = len(layout.prefix) + len(layout.suffix)
        total = len(pieces) + special
        if total > self.max_tokens:
            pieces = _cut(pieces, self.max_tokens - special, side)
        return Encoded([*layout.prefix, *pieces, *layout.suffix], total)

    def _encode_pair(self, text: str, pair: str, side: Side) -> Encoded:
        layout = self._layout
        first, second = self._read(text, side), self._read(pair, side)
        special = len(layout.prefix) + len(layout.middle) + len(layout.suffix)
        total = len(first) + len(second) + special
        keep_first, keep_second = share(len(first), len(second), self.max_tokens - special)
        first, second = _cut(first, keep_first, side), _cut(second, keep_second, side)
        ids = [*layout.prefix, *first, *layout.middle, *second, *layout.suffix]
        if not layout.second_type:
            return Encoded(ids, total)
        of_second = len(second) + len(layout.suffix)
        types = [0] * (len(ids) - of_second) + [layout.second_type] * of_second
        return Encoded(ids, total, types)

    def _read(self, text: str, side: Side) -> list[int]:
        """The pieces of a text, or of as much of it as is certain to be cut."""
        enough = READ_AHEAD * self.max_tokens
        if len(text) > enough:
            pieces = self._pieces(text[:enough] if side == "right" else text[-enough:])
            if len(pieces) >= CLEAR_OF_THE_CUT * self.max_tokens:
                return pieces
            # Mostly spaces, or words of hundreds of letters: what matters may come after them.
        return self._pieces(text)


def share(first: int, second: int, room: int) -> tuple[int, int]:
    """How many pieces of two texts fit into `room`, cutting the longer one first.

    As the tokenizers library's longest_first: of an odd room the longer text gets the odd piece,
    of two as long the second.
    """
    if first + second <= room:
        return first, second
    half = room // 2
    if first <= half:
        return first, room - first
    if second <= half:
        return room - second, second
    return (room - half, half) if first > second else (half, room - half)


def _cut(pieces: list[int], keep: int, side: Side) -> list[int]:
    match side:
        case "right":
            return pieces[:keep]
        case "left":
            return pieces[len(pieces) - keep :] if keep < len(pieces) else pieces
        case _:
            assert_never(side)


def load_tokenizer(folder: Path, manifest: Manifest) -> Tokenizer:
    """The tokenizer of a verified model folder; ModelRefused where its file is not one."""
    described = manifest.tokenizer
    path = folder / described.file
    match described:
        case SentencePieceTokenizer():
            pieces, layout, largest = _sentencepiece(path, described)
        case FastTokenizer():
            pieces, layout, largest = _tokenizers(path)
        case _:
            assert_never(described)
    special = len(layout.prefix) + len(layout.middle) + len(layout.suffix)
    if manifest.max_tokens <= special:
        raise ModelRefused(
            f"{folder}: max_tokens",
            f"{manifest.max_tokens} leaves no room beside {special} special tokens",
            "convert the model with a larger max_tokens",
        )
    return Tokenizer(
        pieces,
        layout,
        manifest.max_tokens,
        max(largest, *layout.prefix, *layout.middle, *layout.suffix),
    )


def _sentencepiece(path: Path, described: SentencePieceTokenizer) -> tuple[Pieces, Layout, int]:
    import sentencepiece

    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as error:
        raise ModelRefused(
            str(path), f"not a SentencePiece model ({error})", "convert the model anew"
        ) from None
    encode = processor.encode
    offset, unknown = described.id_offset, described.unk_id
    its_unknown = processor.unk_id()

    def pieces(text: str) -> list[int]:
        return [unknown if id_ == its_unknown else id_ + offset for id_ in encode(text)]

    bos, eos = described.bos_id, described.eos_id
    largest = max(processor.get_piece_size() - 1 + offset, unknown)
    return pieces, Layout(prefix=(bos,), middle=(eos, eos), suffix=(eos,)), largest


def _tokenizers(path: Path) -> tuple[Pieces, Layout, int]:
    import tokenizers

    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ModelRefused(
            str(path), f"not a tokenizer.json ({error})", "convert the model anew"
        ) from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    layout = _layout_of(tokenizer.encode("a"), tokenizer.encode("a", "a"), path)
    # A text that spells a special token must stay a text.
    tokenizer.encode_special_tokens = True

    def pieces(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    # Numbers may have gaps: how many tokens there are does not tell the largest.
    return pieces, layout, max(tokenizer.get_vocab(with_added_tokens=True).values())


def _layout_of(single: object, pair: object, path: Path) -> Layout:
    """Read the special tokens off the encodings of one short text and of a pair of it."""
    one = _runs(single.special_tokens_mask)  # type: ignore[attr-defined]
    two = _runs(pair.special_tokens_mask)  # type: ignore[attr-defined]
    ids: list[int] = pair.ids  # type: ignore[attr-defined]
    types: list[int] = pair.type_ids  # type: ignore[attr-defined]
    if len(one) != 1 or len(two) != 2:
        raise ModelRefused(
            str(path),
            "its post-processor is not of the form special, text, special",
            "use a tokenizer of BERT, RoBERTa, DistilBERT or ELECTRA",
        )
    (first, second) = two
    return Layout(
        prefix=tuple(ids[: first[0]]),
        middle=tuple(ids[first[1] : second[0]]),
        suffix=tuple(ids[second[1] :]),
        second_type=types[second[0]],
    )


def _runs(mask: list[int]) -> list[tuple[int, int]]:
    """The ranges of a special-tokens mask that are text."""
    runs: list[tuple[int, int]] = []
    start = None
    for position, special in enumerate([*mask, 1]):
        if not special and start is None:
            start = position
        elif special and start is not None:
            runs.append((start, position))
            start = None
    return runs
