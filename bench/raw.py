"""CTranslate2 in-process, without a server: the yardstick of every other figure.

A process of its own, since CTranslate2 chooses its instructions once: as it does by itself, or
as the server has it do (--instructions).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from turnout_inference.backend import Backend
    from turnout_inference.tokenizer import Encoded

ROWS = (1, 2, 4, 8, 16, 32, 64)
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""As the server has it."""
Instructions = Literal["library", "server"]


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

    def figures(self) -> dict[str, object]:
        return {
            "texts_per_second_by_rows": self.by_rows,
            "cpu_ms_a_text_by_rows": self.cpu_by_rows,
        }


def measure_apart(
    texts: Path, model: str | None, cpus: set[int], seconds: float, instructions: Instructions
) -> Raw:
    """`measure` in a process of its own, on these CPUs."""
    command = [sys.executable, "-m", "bench.raw", "--texts", str(texts)]
    command += ["--seconds", str(seconds), "--instructions", instructions]
    command += ["--model", model] if model else []
    done = subprocess.run(
        command,
        env=os.environ | ONE_THREAD,
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cpus),
    )
    found = json.loads(done.stdout)
    return Raw(*({int(rows): value for rows, value in part.items()} for part in found))


def measure(backend: Backend, encoded: Sequence[Encoded], seconds: float) -> Raw:
    """About `seconds` for each batch size, with as many threads as the backend computes with.

    Always whole passes over every k-th of all batches, so that short and long texts have their
    shares; what is left of a difference between those and all is evened out by tokens.
    """
    ordered = sorted(encoded, key=lambda item: len(item.ids))
    mean = _tokens(ordered) / len(ordered)
    found: dict[int, float] = {}
    cpu: dict[int, float] = {}
    for rows in ROWS:
        batches = [ordered[start : start + rows] for start in range(0, len(ordered), rows)]
        fit = max(1, int(seconds * _guess(backend, ordered, rows) / rows))
        step = max(1, len(batches) // fit)
        rate, cost = _rate(backend, batches[step // 2 :: step], seconds)
        found[rows], cpu[rows] = round(rate / mean, 1), round(cost * mean, 4)
    return Raw(found, cpu)


def _guess(backend: Backend, ordered: Sequence[Encoded], rows: int) -> float:
    """Texts a second in a batch of usual length, the second time."""
    middle = ordered[len(ordered) // 2 :][:rows]
    for _ in range(2):
        began = time.perf_counter()
        backend.logits(middle)
        seconds = time.perf_counter() - began
    return len(middle) / seconds


def _rate(
    backend: Backend, batches: Sequence[Sequence[Encoded]], seconds: float
) -> tuple[float, float]:
    """Tokens a second and CPU milliseconds a token, over as many whole passes as fit `seconds`."""
    began, cpu = time.perf_counter(), time.process_time()
    passes = 0
    with ThreadPoolExecutor(backend.threads) as threads:
        while not passes or time.perf_counter() - began < seconds * 0.7:
            for logits in threads.map(backend.logits, batches):
                assert len(logits)
            passes += 1
    tokens = passes * sum(_tokens(batch) for batch in batches)
    cost = (time.process_time() - cpu) * 1000 / tokens
    return tokens / (time.perf_counter() - began), cost


def _tokens(texts: Sequence[Encoded]) -> int:
    return sum(len(text.ids) for text in texts)


def texts_of(path: Path, count: int) -> list[str]:
    """Texts of a file, one a line; of tab-separated lines the first field, without a header.

    In an order drawn once, so that any part of them is like the whole.
    """
    lines = path.read_text().splitlines()
    texts = [line.split("\t")[0] for line in lines[1 if "\t" in lines[0] else 0 :]]
    texts = [text for text in texts if text.strip()][:count]
    random.Random(7).shuffle(texts)
    return texts


def main() -> None:
    """Measure, and print the two tables as JSON."""
    parser = argparse.ArgumentParser(description="CTranslate2 without a server.")
    parser.add_argument("--model")
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each batch size")
    parser.add_argument("--instructions", choices=("library", "server"), default="library")
    given = parser.parse_args()

    from turnout_inference.instructions import VARIABLE
    from turnout_inference.model.fetch import resolve_model
    from turnout_inference.worker import load_model

    if given.instructions == "library":
        # Set but empty: CTranslate2 takes it for unset, and the backend leaves it alone.
        os.environ[VARIABLE] = ""
    folder = resolve_model(given.model, None, Path("/nonexistent"))
    model = load_model(folder, threads=len(os.sched_getaffinity(0)), threads_per_batch=1)
    encoded = [model.tokenizer.encode(text) for text in texts_of(given.texts, given.count)]
    found = measure(model.backend, encoded, given.seconds)
    print(json.dumps([found.by_rows, found.cpu_by_rows]))


if __name__ == "__main__":
    main()
