"""turnout.json and the files it lists: one compliant folder, and one change a case."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.inference.model.folders import LABELS, edit_manifest, write_model

from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.files import verify_files
from turnout_inference.model.manifest import (
    MANIFEST,
    Manifest,
    load_manifest,
    model_digest,
    parse_manifest,
)

FILES = ("model.bin", "config.json", "vocabulary.json", "sentencepiece.bpe.model",
         "head.safetensors", "LICENSE")  # fmt: skip


def checked(folder: Path) -> Manifest:
    manifest = load_manifest(folder)
    verify_files(folder, manifest)
    return manifest


def test_a_compliant_folder_is_accepted(model: Path) -> None:
    assert checked(model).labels == LABELS


def test_the_digest_is_the_sha256_of_the_manifests_bytes(model: Path) -> None:
    before = model_digest(model)
    with (model / MANIFEST).open("ab") as file:
        file.write(b"\n")
    assert model_digest(model) != before


def test_a_manifest_survives_being_written_and_read(model: Path) -> None:
    manifest = load_manifest(model)
    assert parse_manifest(manifest.to_bytes(), "x") == manifest


# --- the files


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_refused_by_file(model: Path, name: str) -> None:
    content = bytearray((model / name).read_bytes())
    content[len(content) // 2] ^= 0x10
    (model / name).write_bytes(content)
    with pytest.raises(ModelRefused, match=f"{name}: sha256 is .* says .*fetch or copy"):
        checked(model)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("keep", [0, -1])
def test_a_truncated_file_is_refused_by_its_size(model: Path, name: str, keep: int) -> None:
    content = (model / name).read_bytes()
    (model / name).write_bytes(content[:keep])
    with pytest.raises(ModelRefused, match=rf"{name}: \d+ bytes, turnout.json says {len(content)}"):
        checked(model)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused_by_name(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(ModelRefused, match=f"{name}: missing"):
        checked(model)


@pytest.mark.parametrize("name", ["vocabulary.txt", ".hidden", "sub"])
def test_a_file_too_many_is_refused(model: Path, name: str) -> None:
    (model / name).mkdir() if name == "sub" else (model / name).write_text("x")
    with pytest.raises(ModelRefused, match=f"{name}: not listed in turnout.json; remove it"):
        checked(model)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_link_is_refused_even_to_the_right_content(
    model: Path, tmp_path: Path, name: str
) -> None:
    (model / name).rename(tmp_path / name)
    (model / name).symlink_to(tmp_path / name)
    with pytest.raises(ModelRefused, match=f"{name}: not a regular file"):
        checked(model)


@pytest.mark.parametrize("name", ["model.bin", MANIFEST])
def test_a_pipe_is_refused_and_not_waited_on(model: Path, name: str) -> None:
    (model / name).unlink()
    os.mkfifo(model / name)
    with pytest.raises(ModelRefused, match="not a regular file"):
        checked(model)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match=r"turnout\.json: missing"):
        checked(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("x")
    with pytest.raises(ModelRefused, match="not a folder"):
        checked(tmp_path / "model")


@given(name=st.sampled_from(FILES), where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_single_bit_can_change_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, name: str, where: float, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("model")
    write_model(folder)
    content = bytearray((folder / name).read_bytes())
    content[int(where * len(content))] ^= 1 << bit
    (folder / name).write_bytes(content)
    with pytest.raises(ModelRefused):
        checked(folder)


# --- the manifest


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "a JSON object was expected, not list"),
        (b'"x"', "a JSON object was expected, not str"),
        (b'{"format_version": 1, "format_version": 1}', "key 'format_version' given twice"),
        (b" " * (1 << 20) + b"{}", "more than 1048576"),
        (b"{}", "format_version: null is not one"),
        (b'{"format_version": 1}', "name: Field required"),
    ],
)
def test_what_is_no_manifest_is_refused(model: Path, content: bytes, said: str) -> None:
    (model / MANIFEST).write_bytes(content)
    with pytest.raises(ModelRefused, match=said):
        load_manifest(model)


@pytest.mark.parametrize("version", [0, 2, "1", None, True, [1]])
def test_another_format_version_is_refused_with_the_way_out(model: Path, version: object) -> None:
    edit_manifest(model, format_version=version)
    with pytest.raises(ModelRefused, match=r"format_version: .* that this server reads \(1\);"):
        load_manifest(model)


ENTRY = {"sha256": "0" * 64, "size": 1}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"surprise": 1}, "surprise: Extra inputs"),
        ({"name": "a/b"}, "name: "),
        ({"name": ""}, "name: "),
        ({"architecture": "gpt2"}, "architecture: .*'bert'.*it is \"gpt2\""),
        ({"hidden_size": 0}, "hidden_size: .*greater than or equal to 1.*it is 0"),
        ({"problem_type": "regression"}, "problem_type: "),
        ({"labels": []}, "labels: "),
        ({"labels": ["a", "a", "b"]}, "labels: a given more than once"),
        ({"labels": ["a", ""]}, "labels.1: "),
        ({"threshold": None}, "threshold: a multi-label model has either"),
        ({"threshold": 1.5}, "threshold: .*less than or equal to 1"),
        ({"threshold": float("nan")}, "threshold: "),
        ({"thresholds": dict.fromkeys(LABELS, 0.5)}, "threshold: a multi-label model has either"),
        (
            {"threshold": None, "thresholds": {"kind": 0.5, "rude": 0.5}},
            "thresholds: one for each label and no other; differs in neutral",
        ),
        (
            {"threshold": None, "thresholds": dict.fromkeys([*LABELS, "more"], 0.5)},
            "differs in more",
        ),
        (
            {"problem_type": "single_label", "labels": ["rude"], "threshold": None},
            "problem_type: single_label needs two labels to choose from",
        ),
        ({"problem_type": "single_label"}, "threshold: a single-label model answers its best"),
        ({"max_tokens": 2}, "max_tokens: "),
        ({"tokenizer": {"kind": "whitespace", "file": "x"}}, "tokenizer: .*whitespace"),
        ({"tokenizer": {"kind": "sentencepiece", "file": "../x"}}, "tokenizer.sentencepiece.file"),
        ({"tokenizer": {"kind": "sentencepiece", "file": "other"}}, "files: other not listed"),
        ({"tokenizer": {"kind": "sentencepiece", "bos_id": -1}}, "bos_id: "),
        ({"head": {"input": "last", "activation": None}}, "head.input: "),
        ({"head": {"input": "first_token"}}, "head.activation: Field required"),
        ({"compute_type": "int4"}, "compute_type: "),
        ({"files": {}}, "files: config.json, head.safetensors, model.bin, .* not listed"),
        ({"files": {"../model.bin": ENTRY}}, "files"),
        ({"files": {"model.bin": {"sha256": "xyz", "size": 1}}}, "files.model.bin.sha256: "),
        ({"files": {"model.bin": {"sha256": "0" * 64, "size": -1}}}, "files.model.bin.size: "),
        ({"licence": ""}, "licence: "),
        ({"parity": {"texts": 0}}, "parity"),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_a_wrong_field_is_refused_by_name(model: Path, changes: dict[str, Any], said: str) -> None:
    edit_manifest(model, **changes)
    with pytest.raises(ModelRefused, match=said):
        load_manifest(model)


def test_a_manifest_that_lists_itself_is_refused(model: Path) -> None:
    data = json.loads((model / MANIFEST).read_bytes())
    edit_manifest(model, files=data["files"] | {MANIFEST: ENTRY})
    with pytest.raises(ModelRefused, match="cannot list itself"):
        load_manifest(model)


@given(st.binary(max_size=300))
def test_no_bytes_can_break_the_reader(content: bytes) -> None:
    with pytest.raises(ModelRefused):
        parse_manifest(content, "turnout.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(field=st.sampled_from(sorted(Manifest.model_fields)), value=JSON)
def test_no_value_of_a_field_can_break_the_reader(
    tmp_path_factory: pytest.TempPathFactory, field: str, value: object
) -> None:
    folder = tmp_path_factory.mktemp("model")
    write_model(folder)
    edit_manifest(folder, **{field: value})
    with suppress(ModelRefused):
        load_manifest(folder)


def test_thresholds_come_in_the_order_of_the_labels(model: Path) -> None:
    edit_manifest(model, threshold=None, thresholds={"neutral": 0.3, "kind": 0.1, "rude": 0.2})
    assert load_manifest(model).cuts() == (0.1, 0.2, 0.3)


def test_one_threshold_is_every_labels(model: Path) -> None:
    assert load_manifest(model).cuts() == (0.5, 0.5, 0.5)


def test_a_single_label_model_has_no_thresholds(model: Path) -> None:
    edit_manifest(model, problem_type="single_label", threshold=None)
    assert load_manifest(model).cuts() is None
