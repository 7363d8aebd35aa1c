"""Token ids to logits, behind one small interface: CTranslate2, and a fake for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from turnout_inference.allocator import keep_freed_memory
from turnout_inference.head import Floats, Head, load_head
from turnout_inference.instructions import use_widest
from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.manifest import Manifest
from turnout_inference.tokenizer import Encoded


class Backend(Protocol):
    """Anything that computes a batch; called from `threads` threads at once."""

    @property
    def threads(self) -> int:
        """Batches that it computes at the same time."""
        ...

    def logits(self, batch: Sequence[Encoded]) -> Floats:
        """Logits of shape (rows, labels), rows in the order of `batch`."""
        ...


class CTranslate2Backend:
    """An int8 (or other) CTranslate2 encoder with the head on top.

    `forward_batch` releases the GIL, so `threads` Python threads keep as many of the
    library's workers busy; all of them share one copy of the weights.
    """

    def __init__(self, encoder: Any, head: Head, pooled: bool, threads: int) -> None:
        self._forward = encoder.forward_batch
        self._head = head
        self._pooled = pooled
        self.threads = threads

    def logits(self, batch: Sequence[Encoded]) -> Floats:
        output = self._forward([encoded.ids for encoded in batch], token_type_ids=_types(batch))
        if self._pooled:
            return self._head(np.asarray(output.pooler_output))
        return self._head(np.asarray(output.last_hidden_state)[:, 0])


def _types(batch: Sequence[Encoded]) -> list[list[int]] | None:
    if all(encoded.types is None for encoded in batch):
        return None
    longest = max(len(encoded.ids) for encoded in batch)
    rows = ([0] * len(e.ids) if e.types is None else e.types for e in batch)
    return [row + [0] * (longest - len(row)) for row in rows]


def load_backend(
    folder: Path, manifest: Manifest, *, threads: int = 1, intra_threads: int = 1
) -> CTranslate2Backend:
    """Load a verified model folder.

    threads: batches computed at once. intra_threads: CPUs that share one batch.
    """
    use_widest()
    import ctranslate2

    keep_freed_memory()
    head = load_head(folder, manifest)
    try:
        encoder = ctranslate2.Encoder(
            str(folder),
            device="cpu",
            inter_threads=threads,
            intra_threads=intra_threads,
            max_queued_batches=-1,
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelRefused(
            str(folder), f"CTranslate2 cannot load it ({error})", "convert the model anew"
        ) from None
    backend = CTranslate2Backend(encoder, head, manifest.head.input == "pooler_output", threads)
    _try_out(backend, folder)
    return backend


def _try_out(backend: CTranslate2Backend, folder: Path) -> None:
    """One small batch: a model whose sizes disagree is refused now, not at the first request."""
    try:
        logits = backend.logits([Encoded([0, 2], 2), Encoded([0, 1, 2], 3)])
    except (RuntimeError, ValueError, IndexError) as error:
        raise ModelRefused(
            str(folder), f"it loads but does not compute ({error})", "convert the model anew"
        ) from None
    if not np.isfinite(logits).all():
        raise ModelRefused(
            str(folder), "it computes scores that are not numbers", "convert the model anew"
        )
