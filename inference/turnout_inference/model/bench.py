"""turnout-model bench: rows a second by batch size and threads, to choose a machine."""

from __future__ import annotations

import argparse
import json
import platform
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles

from turnout_inference.backend import Backend, load_backend
from turnout_inference.cpus import granted_cpus
from turnout_inference.model.command import CommandFailed, Commands
from turnout_inference.model.fetch import DEFAULT_MODEL
from turnout_inference.model.files import verify_folder
from turnout_inference.model.fit import check_fit
from turnout_inference.model.manifest import Manifest
from turnout_inference.model.report import table
from turnout_inference.model.texts import read_texts
from turnout_inference.tokenizer import Encoded, load_tokenizer

COMMENT_TOKENS = ((0.0, 4), (0.05, 7), (0.25, 11), (0.5, 16), (0.75, 23), (0.9, 30), (0.95, 42))
"""Tokens of Korean news comments by share of comments: measured on K-MHaS (21,939 comments)."""
COMMENT_TOKENS_TAIL = ((0.99, 98), (1.0, 128))
ROWS = 256
LONGEST = 3600.0
"""Seconds for one combination."""
MOST_THREADS_A_CPU = 4


@dataclass(frozen=True, slots=True)
class Threads:
    """`batches` are computed at the same time, each by `cpus` CPUs."""

    batches: int
    cpus: int

    def __str__(self) -> str:
        return f"{self.batches}x{self.cpus}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One combination; times of a batch in milliseconds, padding as a share of all tokens.

    rows_per_cpu_second: of this process's CPU time, which others on the machine take less
    from than from the clock's.
    """

    threads: str
    batch: int
    rows_per_second: float
    rows_per_cpu_second: float
    tokens_per_second: float
    padding: float
    batch_p50_ms: float
    batch_p99_ms: float


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "bench",
        help="measure rows a second by batch size and threads",
        description="Encoder and head in this process, without server and tokenizer: what a "
        "machine can give at most. Texts of a batch are of similar length, as the server's are.",
    )
    parser.add_argument(
        "folder", type=Path, nargs="?", default=DEFAULT_MODEL, help="default: the package's model"
    )
    parser.add_argument("--batch", type=_counts, default=(1, 2, 4, 8, 16, 32), metavar="N,N,…")
    parser.add_argument(
        "--threads",
        type=_threads,
        metavar="BxC,…",
        help="B batches at a time, C CPUs each (default: 1x1, all CPUs as Nx1 and as 1xN)",
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=3.0, help="for each combination (default: %(default)s)"
    )
    parser.add_argument(
        "--texts", type=Path, help="take lengths and tokens from a file (default: like comments)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Measure every combination and print them."""
    manifest = verify_folder(arguments.folder, None)
    inputs = _inputs(arguments.folder, manifest, arguments.texts)
    cpus = max(1, round(granted_cpus()))
    layouts = arguments.threads or _usual_threads(cpus)
    for layout in layouts:
        if layout.batches * layout.cpus > MOST_THREADS_A_CPU * cpus:
            raise CommandFailed(
                f"--threads {layout}: {layout.batches * layout.cpus} threads on {cpus} CPUs "
                f"measure nothing; use {MOST_THREADS_A_CPU * cpus} at most"
            )
    found: list[Measurement] = []
    for layout in layouts:
        backend = load_backend(
            arguments.folder, manifest, threads=layout.batches, intra_threads=layout.cpus
        )
        found += [
            measure(backend, inputs, layout, size, arguments.seconds) for size in arguments.batch
        ]
    if arguments.json:
        print(json.dumps(_described(manifest, inputs, found), indent=2))
    else:
        print("\n".join(_table(found)))


def measure(
    backend: Backend, inputs: Sequence[Encoded], layout: Threads, size: int, seconds: float
) -> Measurement:
    """Compute batches of `size`, `layout.batches` at a time, for `seconds` or a little longer.

    Every thread ends with the last batch of a round: all combinations do the same work.
    """
    batches = sorted_batches(inputs, size)
    for batch in batches[:: max(1, len(batches) // 4)]:
        backend.logits(batch)
    # Each thread walks all lengths, from another place on.
    starts = [len(batches) * number // layout.batches for number in range(layout.batches)]
    rounds = [batches[start:] + batches[:start] for start in starts]
    began, began_cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(layout.batches) as pool:
        walked = pool.map(lambda each: _walk(backend, each, began + seconds), rounds)
        done = [entry for walk in walked for entry in walk]
    took, took_cpu = time.perf_counter() - began, time.process_time() - began_cpu
    times = [1000 * elapsed for elapsed, _ in done]
    rows = sum(len(batch) for _, batch in done)
    tokens = sum(len(row.ids) for _, batch in done for row in batch)
    padded = sum(len(batch) * max(len(row.ids) for row in batch) for _, batch in done)
    return Measurement(
        threads=str(layout),
        batch=size,
        rows_per_second=round(rows / took, 1),
        rows_per_cpu_second=round(rows / took_cpu, 1),
        tokens_per_second=round(tokens / took, 1),
        padding=round(1 - tokens / padded, 4),
        batch_p50_ms=round(median(times), 3),
        batch_p99_ms=round(quantiles(times, n=100)[98] if len(times) > 1 else times[0], 3),
    )


def sorted_batches(inputs: Sequence[Encoded], size: int) -> list[list[Encoded]]:
    """Batches of neighbours in length, in an order that mixes short and long ones."""
    ordered = sorted(inputs, key=lambda row: len(row.ids))
    batches = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    random.Random(0).shuffle(batches)  # noqa: S311 - the same order in every run
    return batches


def comment_like(rows: int, vocabulary: int, max_tokens: int) -> list[Encoded]:
    """Reproducible token ids with the lengths of news comments."""
    generator = random.Random(0)  # noqa: S311 - the same inputs in every run
    curve = COMMENT_TOKENS + COMMENT_TOKENS_TAIL
    found = []
    for _ in range(rows):
        point = generator.random()
        upper = next(place for place, (share, _) in enumerate(curve) if point <= share)
        (low, shorter), (high, longer) = curve[max(upper - 1, 0)], curve[max(upper, 1)]
        length = round(shorter + (longer - shorter) * (point - low) / (high - low))
        length = max(3, min(length, max_tokens))
        ids = [generator.randrange(min(10, vocabulary - 1), vocabulary) for _ in range(length)]
        found.append(Encoded(ids, length))
    return found


def _inputs(folder: Path, manifest: Manifest, texts: Path | None) -> list[Encoded]:
    tokenizer = load_tokenizer(folder, manifest)
    check_fit(folder, manifest, tokenizer)
    if texts is None:
        return comment_like(ROWS, tokenizer.largest_id + 1, manifest.max_tokens)
    return [tokenizer.encode(text) for text in read_texts(texts, manifest.labels).texts]


def _walk(
    backend: Backend, batches: Sequence[list[Encoded]], deadline: float
) -> list[tuple[float, list[Encoded]]]:
    done: list[tuple[float, list[Encoded]]] = []
    while not done or time.perf_counter() < deadline:
        for batch in batches:
            before = time.perf_counter()
            backend.logits(batch)
            done.append((time.perf_counter() - before, batch))
    return done


def _usual_threads(cpus: int) -> list[Threads]:
    usual = [Threads(1, 1), Threads(cpus, 1), Threads(1, cpus)]
    return usual if cpus > 1 else usual[:1]


def _described(
    manifest: Manifest, inputs: Sequence[Encoded], found: Sequence[Measurement]
) -> dict[str, object]:
    import ctranslate2

    lengths = sorted(len(row.ids) for row in inputs)
    return {
        "model": manifest.name,
        "compute_type": manifest.compute_type,
        "ctranslate2": ctranslate2.__version__,
        "machine": platform.machine(),
        "cpus": granted_cpus(),
        "rows": len(lengths),
        "tokens_median": lengths[len(lengths) // 2],
        "tokens_longest": lengths[-1],
        "measurements": [asdict(measurement) for measurement in found],
    }


def _table(found: Sequence[Measurement]) -> list[str]:
    header = (
        "threads",
        "batch",
        "rows/s",
        "per CPU s",
        "tokens/s",
        "padding",
        "batch p50 ms",
        "p99 ms",
    )
    return table(
        header,
        [
            (
                row.threads,
                str(row.batch),
                f"{row.rows_per_second:.0f}",
                f"{row.rows_per_cpu_second:.0f}",
                f"{row.tokens_per_second:.0f}",
                f"{row.padding:.0%}",
                f"{row.batch_p50_ms:.2f}",
                f"{row.batch_p99_ms:.2f}",
            )
            for row in found
        ],
    )


def _counts(text: str) -> tuple[int, ...]:
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        counts = ()
    if not counts or min(counts) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of counts such as 1,8,32")
    return counts


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= LONGEST:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of seconds above 0, {LONGEST:g} at most"
        )
    return seconds


def _threads(text: str) -> list[Threads]:
    try:
        pairs = [tuple(int(part) for part in item.split("x")) for item in text.split(",")]
        layouts = [Threads(batches, cpus) for batches, cpus in pairs]
    except ValueError:
        layouts = []
    if not layouts or any(min(item.batches, item.cpus) < 1 for item in layouts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list such as 1x1,2x1,1x2")
    return layouts
