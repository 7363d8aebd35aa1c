"""CTranslate2 in-process, without a server: the yardstick of every other figure."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from turnout_inference.backend import Backend
from turnout_inference.tokenizer import Encoded

ROWS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Raw:
    """Texts a second, and CPU milliseconds a text, by rows a batch; texts sorted by length."""

    by_rows: dict[int, float]
    cpu_by_rows: dict[int, float]

    @property
    def best(self) -> float:
        return max(self.by_rows.values())

    @property
    def least_cpu(self) -> float:
        return min(self.cpu_by_rows.values())


def measure(backend: Backend, encoded: Sequence[Encoded], seconds: float) -> Raw:
    """`seconds` for each batch size, with as many Python threads as the backend computes with."""
    ordered = sorted(encoded, key=lambda item: len(item.ids))
    found: dict[int, float] = {}
    cpu: dict[int, float] = {}
    for rows in ROWS:
        batches = [ordered[start : start + rows] for start in range(0, len(ordered), rows)]
        # Every length in turn, whatever the time allows to compute.
        spread = batches[:: max(1, len(batches) // 97)] if rows < 64 else batches
        rate, cost = _rate(backend, spread, seconds)
        found[rows], cpu[rows] = round(rate, 1), round(cost, 4)
    return Raw(found, cpu)


def _rate(
    backend: Backend, batches: Sequence[Sequence[Encoded]], seconds: float
) -> tuple[float, float]:
    done = [0] * backend.threads
    began, cpu = time.perf_counter(), time.process_time()
    bound = began + seconds

    def run(number: int) -> None:
        position = number
        while time.perf_counter() < bound:
            batch = batches[position % len(batches)]
            backend.logits(batch)
            done[number] += len(batch)
            position += backend.threads

    threads = [threading.Thread(target=run, args=(number,)) for number in range(backend.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cost = (time.process_time() - cpu) * 1000 / sum(done)
    return sum(done) / (time.perf_counter() - began), cost


def texts_of(path: Path, count: int) -> list[str]:
    """Texts of a file, one a line; of tab-separated lines the first field, without a header."""
    lines = path.read_text().splitlines()
    texts = [line.split("\t")[0] for line in lines[1 if "\t" in lines[0] else 0 :]]
    return [text for text in texts if text.strip()][:count]
