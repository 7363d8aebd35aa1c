"""Files of texts, with and without labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnout_inference.model.command import CommandFailed
from turnout_inference.model.texts import Texts, read_texts

LABELS = ("kind", "rude")


def read(tmp_path: Path, name: str, content: str | bytes) -> Texts:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_texts(path, LABELS)


def test_plain_texts_are_one_a_line_and_blank_lines_are_left_out(tmp_path: Path) -> None:
    found = read(tmp_path, "texts.txt", "하나\r\n\n  \n둘\tzwei\n")
    assert found.texts == ("하나", "둘\tzwei")
    assert found.labels is None


def test_labels_come_by_name_or_by_number(tmp_path: Path) -> None:
    found = read(tmp_path, "texts.tsv", "document\tlabel\na\tkind\nb\t1\nc\tkind, rude\n")
    assert found.texts == ("a", "b", "c")
    assert found.labels is not None
    assert found.labels.tolist() == [[True, False], [False, True], [True, True]]


def test_a_file_without_a_header_loses_no_text(tmp_path: Path) -> None:
    assert read(tmp_path, "texts.tsv", "a\tkind\n").texts == ("a",)


def test_the_last_tab_separates_and_quotes_around_a_text_go(tmp_path: Path) -> None:
    assert read(tmp_path, "texts.tsv", '"a\tb"\tkind\n"\tkind\n').texts == ("a\tb", '"')


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    assert read(tmp_path, "texts.txt", b"\xef\xbb\xbfa\n").texts == ("a",)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("texts.txt", "\n\n", "holds no texts"),
        ("texts.txt", b"\xff\xff", "not UTF-8"),
        ("texts.tsv", "a\tmean\n", "line 1: 'mean' is not a label; use kind, rude"),
        ("texts.tsv", "a\n", "line 1: has no tab before its labels"),
        ("texts.tsv", "h\tl\na\tmean\n", "line 2: 'mean' is not a label; use kind, rude"),
        ("texts.tsv", "a\tkind\nb\t2\n", "line 2: '2' is not a label"),
        ("texts.tsv", "a\tkind\n\nb\n", "line 3: has no tab before its labels"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_by_line(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    with pytest.raises(CommandFailed, match=said):
        read(tmp_path, name, content)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="No such file"):
        read_texts(tmp_path / "none.txt", LABELS)
