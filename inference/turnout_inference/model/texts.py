"""Files of texts: one a line, or in a .tsv with their true labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from turnout_inference.model.command import CommandFailed
from turnout_inference.model.parity import Decisions


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts, and where the file gives them, their true labels as [texts, labels]."""

    texts: tuple[str, ...]
    labels: Decisions | None


def read_texts(path: Path, labels: tuple[str, ...]) -> Texts:
    """Read a file of texts; CommandFailed says what is wrong with it.

    A .tsv has a text, a tab, and its labels by name or by number from 0, separated by
    commas; the first of several lines is its header where it fits no label. Any other file is
    plain texts. Blank lines are left out, and one pair of quotes around a text of a .tsv.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise CommandFailed(
            f"{path}: cannot be read ({error.strerror}); give a file of texts"
        ) from None
    except UnicodeDecodeError:
        raise CommandFailed(f"{path}: not UTF-8; save it as UTF-8") from None
    filled = [(number, line.rstrip("\r")) for number, line in enumerate(lines, 1) if line.strip()]
    found = (
        _labelled(path, filled, labels)
        if path.suffix == ".tsv"
        else Texts(tuple(line for _, line in filled), None)
    )
    if not found.texts:
        raise CommandFailed(f"{path}: holds no texts; give a file with one text a line")
    return found


def _labelled(path: Path, lines: list[tuple[int, str]], labels: tuple[str, ...]) -> Texts:
    numbers = {label: number for number, label in enumerate(labels)}
    numbers |= {str(number): number for number in range(len(labels)) if str(number) not in numbers}
    texts: list[str] = []
    rows: list[list[int]] = []
    for place, (number, line) in enumerate(lines):
        text, tab, given = line.rpartition("\t")
        names = [name.strip() for name in given.split(",")]
        unknown = [name for name in names if name not in numbers]
        if not tab or unknown:
            if place == 0 and len(lines) > 1:
                continue
            wrong = f"{unknown[0]!r} is not a label" if tab else "has no tab before its labels"
            raise CommandFailed(
                f"{path}: line {number}: {wrong}; use {', '.join(labels)}, or their numbers from 0"
            )
        texts.append(_without_quotes(text.strip()))
        rows.append([numbers[name] for name in names])
    true = np.zeros((len(texts), len(labels)), dtype=np.bool_)
    for row, columns in enumerate(rows):
        true[row, columns] = True
    return Texts(tuple(texts), true)


def _without_quotes(text: str) -> str:
    quoted = len(text) >= 2 and text[0] == text[-1] == '"'
    return text[1:-1] if quoted else text
