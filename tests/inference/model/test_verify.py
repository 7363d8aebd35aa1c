"""The default model, and what becomes of it when it is broken in ways that hashes cannot see."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from tests.inference.model.folders import edit_manifest, reseal

from turnout_inference.model.encoder_sizes import read_encoder_sizes
from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.fetch import DEFAULT_MODEL
from turnout_inference.model.fit import check_fit
from turnout_inference.model.manifest import MANIFEST, load_manifest
from turnout_inference.model.verify import verify
from turnout_inference.tokenizer import Layout, Tokenizer


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """A copy of the default model, to break."""
    return Path(shutil.copytree(DEFAULT_MODEL, tmp_path / "real"))


def test_the_default_model_is_whole_and_computes() -> None:
    assert verify(DEFAULT_MODEL).labels[-1] == "not_hate_speech"


def test_the_default_model_says_its_licence_and_whom_it_owes_to() -> None:
    manifest = load_manifest(DEFAULT_MODEL)
    assert manifest.licence == "CC-BY-SA-4.0"
    assert "K-MHaS" in " ".join(manifest.attribution)
    notice = (DEFAULT_MODEL / "LICENSE").read_text()
    assert "https://creativecommons.org/licenses/by-sa/4.0/" in notice
    assert "kocohub/korean-hate-speech" in notice


def test_the_default_model_was_proven_against_its_original() -> None:
    parity = load_manifest(DEFAULT_MODEL).parity
    assert parity is not None
    assert parity.inputs == "texts"
    assert parity.texts > 20_000
    assert parity.label_agreement > 0.999


def test_the_default_model_takes_little_room() -> None:
    files = load_manifest(DEFAULT_MODEL).files
    assert sum(entry.size for entry in files.values()) < 7_000_000


def test_the_default_model_can_be_read_by_any_user() -> None:
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in DEFAULT_MODEL.iterdir())


# Each breaks a file and then seals the folder again, as a faulty tool would.


def weights_cut_short(folder: Path) -> None:
    content = (folder / "model.bin").read_bytes()
    (folder / "model.bin").write_bytes(content[: len(content) // 2])


def weights_empty(folder: Path) -> None:
    (folder / "model.bin").write_bytes(b"")


def weights_of_another_program(folder: Path) -> None:
    (folder / "model.bin").write_bytes(b"PK\x03\x04" * 1000)


def weights_of_a_later_ctranslate2(folder: Path) -> None:
    content = bytearray((folder / "model.bin").read_bytes())
    content[0] = 99
    (folder / "model.bin").write_bytes(content)


def vocabulary_gone(folder: Path) -> None:
    (folder / "vocabulary.json").unlink()


def vocabulary_not_json(folder: Path) -> None:
    (folder / "vocabulary.json").write_text("no")


def pieces_empty(folder: Path) -> None:
    (folder / "sentencepiece.bpe.model").write_bytes(b"")


def pieces_of_another_program(folder: Path) -> None:
    (folder / "sentencepiece.bpe.model").write_bytes(b"\xff\x00" * 100)


def a_label_too_many(folder: Path) -> None:
    labels = json.loads((folder / MANIFEST).read_bytes())["labels"]
    edit_manifest(folder, labels=[*labels, "more"])


def a_head_of_nan(folder: Path) -> None:
    tensors = load_file(folder / "head.safetensors")
    tensors["out_proj.bias"][:] = np.nan
    save_file(tensors, folder / "head.safetensors")


def a_head_of_another_width(folder: Path) -> None:
    """Fits the manifest, which says the same, but not the encoder."""
    save_file(
        {
            "dense.weight": np.eye(64, dtype=np.float32),
            "dense.bias": np.zeros(64, dtype=np.float32),
            "out_proj.weight": np.ones((9, 64), dtype=np.float32),
            "out_proj.bias": np.zeros(9, dtype=np.float32),
        },
        folder / "head.safetensors",
    )
    edit_manifest(folder, hidden_size=64)


def a_pooler_that_is_not_there(folder: Path) -> None:
    head = json.loads((folder / MANIFEST).read_bytes())["head"]
    edit_manifest(folder, head=head | {"input": "pooler_output"})


def of_tokenizer(folder: Path, **changes: int) -> None:
    described = json.loads((folder / MANIFEST).read_bytes())["tokenizer"]
    edit_manifest(folder, tokenizer=described | changes)


def pieces_far_beyond_the_vocabulary(folder: Path) -> None:
    of_tokenizer(folder, id_offset=3_000_000)


def the_last_piece_one_beyond_the_vocabulary(folder: Path) -> None:
    """8,000 pieces, 8,002 tokens: the last piece would be number 8,002."""
    of_tokenizer(folder, id_offset=3)


def a_special_token_beyond_the_vocabulary(folder: Path) -> None:
    of_tokenizer(folder, eos_id=9_999_999)


def an_unknown_token_beyond_the_vocabulary(folder: Path) -> None:
    of_tokenizer(folder, unk_id=9_999_999)


def inputs_longer_than_the_positions(folder: Path) -> None:
    edit_manifest(folder, max_tokens=257)


def a_vocabulary_of_two_tokens(folder: Path) -> None:
    (folder / "vocabulary.json").write_text('["<s>", "<pad>"]')


def a_vocabulary_that_is_no_list(folder: Path) -> None:
    (folder / "vocabulary.json").write_text('{"<s>": 0}')


BREAKAGES: list[Callable[[Path], None]] = [
    weights_cut_short,
    weights_empty,
    weights_of_another_program,
    weights_of_a_later_ctranslate2,
    vocabulary_gone,
    vocabulary_not_json,
    pieces_empty,
    pieces_of_another_program,
    a_label_too_many,
    a_head_of_nan,
    a_head_of_another_width,
    a_pooler_that_is_not_there,
    pieces_far_beyond_the_vocabulary,
    the_last_piece_one_beyond_the_vocabulary,
    a_special_token_beyond_the_vocabulary,
    an_unknown_token_beyond_the_vocabulary,
    inputs_longer_than_the_positions,
    a_vocabulary_of_two_tokens,
    a_vocabulary_that_is_no_list,
]


@pytest.mark.parametrize("damage", BREAKAGES, ids=lambda damage: str(damage.__name__))
def test_a_model_that_is_sealed_but_broken_is_refused_in_one_line(
    real: Path, damage: Callable[[Path], None]
) -> None:
    damage(real)
    reseal(real)
    # In a process of its own: what breaks a native library would end this one too.
    ended = subprocess.run(
        [sys.executable, "-m", "turnout_inference.model.cli", "verify", str(real)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 3, ended.stderr
    assert ended.stderr.startswith(f"turnout-model: {real}")
    assert ended.stderr.count("\n") == 1
    assert "; " in ended.stderr


def sized(folder: Path, **changes: int) -> None:
    of_tokenizer(folder, **changes)
    reseal(folder)
    verify(folder)


def test_a_piece_with_the_last_token_of_the_vocabulary_is_still_of_the_model(real: Path) -> None:
    sized(real, id_offset=2)


def test_inputs_as_long_as_the_positions_are_still_of_the_model(real: Path) -> None:
    edit_manifest(real, max_tokens=256)
    verify(real)


def test_a_second_text_of_a_type_that_the_encoder_lacks_is_refused() -> None:
    manifest = load_manifest(DEFAULT_MODEL)
    pairs = Layout(prefix=(0,), middle=(2,), suffix=(2,), second_type=1)
    tokenizer = Tokenizer(lambda _text: [], pairs, manifest.max_tokens, largest_id=8001)
    with pytest.raises(ModelRefused, match="the type 1, the encoder has 1"):
        check_fit(DEFAULT_MODEL, manifest, tokenizer)


@given(st.integers(0, 5000), st.binary(min_size=1, max_size=8))
def test_no_damage_to_the_head_of_the_weights_breaks_the_reader(place: int, noise: bytes) -> None:
    content = bytearray((DEFAULT_MODEL / "model.bin").read_bytes())
    content[place : place + len(noise)] = noise
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.bin")
        path.write_bytes(content[: 100_000 + place])
        with suppress(ModelRefused):
            read_encoder_sizes(path)
