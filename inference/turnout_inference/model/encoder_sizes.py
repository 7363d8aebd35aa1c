"""How much a CTranslate2 encoder can be asked for, read from the head of its model.bin.

The library looks ids up without a bound: one too large reads what lies behind the table, or ends
the process. So the sizes are read here, and the rest of the folder is held against them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from turnout_inference.model.errors import ModelRefused

BINARY_VERSION = 6
"""CTranslate2's CURRENT_BINARY_VERSION, of which the layout below is (specs/model_spec.py)."""
_LONGEST_HEAD = 100_000
"""Tensors; a file that says more is damaged."""
_TOKENS = "encoder/embeddings_0/weight"
_TYPES = "encoder/embeddings_1/weight"
_POSITIONS = "encoder/position_encodings/encodings"


@dataclass(frozen=True, slots=True)
class EncoderSizes:
    """Rows of the encoder's tables; None where it has no such table, and so no bound."""

    tokens: int
    positions: int | None
    types: int | None


def read_encoder_sizes(path: Path) -> EncoderSizes:
    """The sizes of the encoder in `path`; ModelRefused where it holds none."""
    try:
        with path.open("rb") as file:
            shapes = _shapes(file)
    except (OSError, ValueError, struct.error) as error:
        raise ModelRefused(
            str(path), f"CTranslate2 cannot load it ({error})", "convert the model anew"
        ) from None
    rows = {name: shape[0] for name, shape in shapes.items() if shape}
    if _TOKENS not in rows:
        raise ModelRefused(str(path), f"holds no {_TOKENS}", "convert the model anew")
    return EncoderSizes(rows[_TOKENS], rows.get(_POSITIONS), rows.get(_TYPES))


def _shapes(file: BinaryIO) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor, by name; their values are passed over."""
    (version,) = _numbers(file, "<I")
    if version != BINARY_VERSION:
        raise ValueError(f"binary version {version}, this server reads {BINARY_VERSION}")
    _name(file)
    _, count = _numbers(file, "<II")
    if count > _LONGEST_HEAD:
        raise ValueError(f"{count} tensors")
    shapes: dict[str, tuple[int, ...]] = {}
    for _ in range(count):
        name = _name(file)
        (rank,) = _numbers(file, "<B")
        shapes[name] = _numbers(file, f"<{rank}I")
        _, size = _numbers(file, "<BI")
        file.seek(size, 1)
    return shapes


def _name(file: BinaryIO) -> str:
    (length,) = _numbers(file, "<H")
    return file.read(length).rstrip(b"\0").decode(errors="replace")


def _numbers(file: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))
