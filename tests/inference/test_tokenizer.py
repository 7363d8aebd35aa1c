"""Text to ids, special tokens and truncation, by SentencePiece and by the tokenizers library."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product
from pathlib import Path

import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st
from tests.inference.running import fake_model
from tokenizers import Tokenizer as Fast
from tokenizers import models, normalizers, pre_tokenizers, processors

from turnout_inference.fake import fake_tokenizer
from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.fetch import DEFAULT_MODEL
from turnout_inference.model.manifest import load_manifest
from turnout_inference.tokenizer import Layout, Side, Tokenizer, load_tokenizer, share

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@cache
def korean() -> Tokenizer:
    return load_tokenizer(DEFAULT_MODEL, load_manifest(DEFAULT_MODEL))


def fast(folder: Path, template: processors.TemplateProcessing | None = None) -> Tokenizer:
    """A tokenizer.json of BERT's layout over a handful of words."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "day", "a"]
    made = Fast(models.WordLevel({word: id_ for id_, word in enumerate(words)}, "[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = template or processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    made.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    made.enable_truncation(4)
    made.enable_padding(length=9)
    made.save(str(folder / "tokenizer.json"))
    files = {
        name: {"sha256": "0" * 64, "size": 1}
        for name in ("model.bin", "config.json", "head.safetensors", "tokenizer.json")
    }
    manifest = fake_model(tokenizer={"kind": "tokenizers"}, files=files, max_tokens=8).manifest
    return load_tokenizer(folder, manifest)


def test_ids_are_sentencepiece_ids_shifted_between_the_special_ones() -> None:
    raw = sentencepiece.SentencePieceProcessor(
        model_file=str(DEFAULT_MODEL / "sentencepiece.bpe.model")
    )
    ids = korean().encode("오늘 날씨가 참 좋네요").ids
    assert ids == [0, *(one + 1 for one in raw.encode("오늘 날씨가 참 좋네요")), 2]


@given(texts)
def test_no_text_breaks_it_and_every_id_is_in_the_vocabulary(text: str) -> None:
    tokenizer = korean()
    encoded = tokenizer.encode(text)
    assert (encoded.ids[0], encoded.ids[-1]) == (0, 2)
    assert all(0 <= one < 8002 for one in encoded.ids)
    assert len(encoded.ids) <= tokenizer.max_tokens


@given(texts, st.integers(4, 40))
def test_truncation_keeps_the_beginning_or_the_end_and_tells(text: str, longest: int) -> None:
    whole = fake_tokenizer(10_000).encode(text).ids
    right = fake_tokenizer(longest).encode(text)
    left = fake_tokenizer(longest).encode(text, side="left")
    assert right.total == left.total == len(whole)
    assert right.truncated == left.truncated == (len(whole) > longest)
    kept = min(len(whole), longest) - 2
    assert right.ids[1:-1] == whole[1:-1][:kept]
    assert left.ids[1:-1] == (whole[1:-1][-kept:] if kept else [])


WORDS = ["오늘", "날씨가", "참", "좋네요", "a", "lovely", "day", "ㅋㅋㅋ", "﷽", "😀", "1,000", "\n"]


def of_the_whole(text: str) -> list[int]:
    """The ids of a text without special tokens, by SentencePiece alone."""
    raw = sentencepiece.SentencePieceProcessor(
        model_file=str(DEFAULT_MODEL / "sentencepiece.bpe.model")
    )
    return [3 if one == raw.unk_id() else one + 1 for one in raw.encode(text)]


def far_too_long(words: Sequence[str]) -> str:
    return " ".join([*words] * (6000 // len(" ".join(words)) + 1))


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40))
def test_of_a_text_far_too_long_the_first_tokens_are_those_of_the_whole(words: list[str]) -> None:
    whole = of_the_whole(far_too_long(words))
    encoded = korean().encode(far_too_long(words))
    assert encoded.ids[1:-1] == whole[: korean().max_tokens - 2]
    assert encoded.truncated == (len(whole) + 2 > korean().max_tokens)


# Fixed ones: SentencePiece adds up scores in single precision, so that where two readings are as
# good, what stands thousands of characters before them may decide.
@pytest.mark.parametrize("words", [WORDS, WORDS[:4], WORDS[4:7], WORDS[::3]])
def test_of_a_text_far_too_long_the_last_tokens_are_those_of_the_whole(words: list[str]) -> None:
    whole = of_the_whole(far_too_long(words))
    encoded = korean().encode(far_too_long(words), side="left")
    assert encoded.ids[1:-1] == whole[-(korean().max_tokens - 2) :]
    assert encoded.truncated


def test_of_a_text_far_too_long_only_a_part_is_read() -> None:
    read: list[int] = []

    def pieces(text: str) -> list[int]:
        read.append(len(text))
        return [7] * len(text)

    tokenizer = Tokenizer(pieces, Layout((0,), (2, 2), (2,)), 8, largest_id=9)
    assert tokenizer.encode("a" * 100_000).truncated
    assert tokenizer.encode("a" * 100_000, "b" * 100_000).truncated
    assert read == [256, 256, 256]


@pytest.mark.parametrize("filling", [" ", "\t", "\u200b"])
@pytest.mark.parametrize("side", ["right", "left"])
def test_nothing_can_be_hidden_behind_characters_that_make_no_tokens(
    filling: str, side: Side
) -> None:
    nothing = filling * 100_000
    text = f"{nothing}날씨{nothing}"
    hidden = korean().encode(text, side=side)
    assert hidden.ids == korean().encode("날씨").ids
    assert not hidden.truncated


@given(texts, texts, st.integers(6, 40))
def test_a_pair_is_cut_to_the_room_there_is(first: str, second: str, longest: int) -> None:
    encoded = fake_tokenizer(longest).encode(first, second)
    assert encoded.total == len(first) + len(second) + 4
    assert len(encoded.ids) == min(longest, encoded.total)
    assert encoded.ids.count(2) >= 3


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 300))
def test_the_longer_of_a_pair_is_cut_first(first: int, second: int, room: int) -> None:
    kept, also = share(first, second, room)
    assert kept <= first
    assert also <= second
    assert kept + also == min(room, first + second)
    if kept < first and also < second:
        assert abs(kept - also) <= 1


def test_a_pair_is_shared_as_the_tokenizers_library_shares_it() -> None:
    theirs = Fast(models.WordLevel({"a": 0, "b": 1}, "a"))
    theirs.pre_tokenizer = pre_tokenizers.Whitespace()
    for first, second, room in product(range(1, 9), range(1, 9), range(1, 18)):
        theirs.enable_truncation(room, strategy="longest_first")
        ids = theirs.encode("a " * first, "b " * second).ids
        assert share(first, second, room) == (ids.count(0), ids.count(1)), (first, second, room)


def test_a_tokenizer_json_gives_its_own_special_tokens(tmp_path: Path) -> None:
    encoded = fast(tmp_path).encode("Good day")
    assert encoded.ids == [2, 4, 6, 3]
    assert encoded.types is None


def test_its_own_truncation_and_padding_are_not_used(tmp_path: Path) -> None:
    tokenizer = fast(tmp_path)
    assert len(tokenizer.encode("a").ids) == 3
    long = tokenizer.encode("a " * 20)
    assert (len(long.ids), long.total, long.truncated) == (8, 22, True)


def test_a_pair_has_token_types_where_the_model_has_them(tmp_path: Path) -> None:
    encoded = fast(tmp_path).encode("good", "bad day")
    assert encoded.ids == [2, 4, 3, 5, 6, 3]
    assert encoded.types == [0, 0, 0, 1, 1, 1]


def test_a_text_that_spells_a_special_token_stays_a_text(tmp_path: Path) -> None:
    assert 3 not in fast(tmp_path).encode("good [SEP] day").ids[:-1]


def test_a_tokenizer_of_another_layout_is_refused(tmp_path: Path) -> None:
    odd = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    with pytest.raises(ModelRefused, match="post-processor"):
        fast(tmp_path, odd)


@pytest.mark.parametrize("kind", ["sentencepiece", "tokenizers"])
def test_a_file_that_is_no_tokenizer_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    name = {"sentencepiece": "sentencepiece.bpe.model", "tokenizers": "tokenizer.json"}[kind]
    (tmp_path / name).write_bytes(b"nonsense")
    files = {
        one: {"sha256": "0" * 64, "size": 1}
        for one in ("model.bin", "config.json", "head.safetensors", name)
    }
    manifest = fake_model(tokenizer={"kind": kind}, files=files).manifest
    with pytest.raises(ModelRefused, match=name.replace(".", r"\.")):
        load_tokenizer(tmp_path, manifest)
