"""A backend without a model, of the same interface: the server's tests run in milliseconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from turnout_inference.head import Floats
from turnout_inference.tokenizer import Encoded, Layout, Tokenizer


@dataclass
class FakeBackend:
    """Logits that follow from the token ids alone, so an answer tells which text it is for.

    Row i, label j: `sum(ids) % 97 / 10 - j`. seconds_per_token makes it take time; `gate`,
    when cleared, holds every batch until it is set; `batches` records the lengths of each.
    """

    labels: int
    threads: int = 1
    seconds_per_token: float = 0.0
    error: Exception | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    batches: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    def logits(self, batch: Sequence[Encoded]) -> Floats:
        self.batches.append([len(encoded.ids) for encoded in batch])
        self.gate.wait()
        if self.error is not None:
            raise self.error
        if self.seconds_per_token:
            longest = max(len(encoded.ids) for encoded in batch)
            time.sleep(self.seconds_per_token * longest * len(batch))
        firsts = [sum(encoded.ids) % 97 / 10 for encoded in batch]
        logits: Floats = np.array(
            [[first - label for label in range(self.labels)] for first in firsts],
            dtype=np.float32,
        )
        return logits


def fake_tokenizer(max_tokens: int = 256) -> Tokenizer:
    """One token a character, in XLM-RoBERTa's layout."""
    return Tokenizer(
        lambda text: [ord(character) for character in text],
        Layout(prefix=(0,), middle=(2, 2), suffix=(2,)),
        max_tokens,
        largest_id=0x10FFFF,
    )
