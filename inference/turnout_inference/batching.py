"""Which texts are computed together, and in which order: a queue without clock or threads.

Fair between requests: every text gets a start tag, the tokens its own request has asked for
before it (start-time fair queueing, Goyal et al., 1996), and the lowest tag is served first.
A request of 512 texts therefore delays a single one by no more than the batch in progress.
Cheap: a batch is filled up with texts near in length to the one whose turn it is, as many as
make it take the least time a token.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, inf

from turnout_inference.tokenizer import Encoded

WINDOW = 64
"""Texts, in order of their turn, among which a batch looks for equal lengths."""
SMALLEST_SHARE = 128
"""Padded tokens below which a batch is not split between idle threads."""


@dataclass(slots=True, eq=False)
class Job:
    """The texts of one request, and what became of them.

    enqueued, started (its first batch) and finished are seconds on a monotonic clock.
    """

    inputs: Sequence[Encoded]
    enqueued: float
    started: float = 0.0
    finished: float = 0.0
    rows: list[Row | None] = field(init=False)
    remaining: int = field(init=False)
    tokens: int = field(init=False)
    """Tokens of its texts that no batch has taken yet."""
    dropped: bool = False
    error: Exception | None = None

    def __post_init__(self) -> None:
        self.rows = [None] * len(self.inputs)
        self.remaining = len(self.inputs)
        self.tokens = sum(len(encoded.ids) for encoded in self.inputs)


@dataclass(frozen=True, slots=True)
class Row:
    """The answer to one text: a probability and a logit for each label."""

    probabilities: list[float]
    logits: list[float]


@dataclass(slots=True, eq=False)
class Entry:
    """One text of a job, waiting."""

    job: Job
    index: int
    length: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts to be computed together; padded is rows x the longest, tokens what is not padding."""

    entries: list[Entry]
    padded: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Limits:
    """tokens: padded tokens a batch may have (one longer text goes alone).

    wait: seconds that a batch which is not full may wait for company while another is being
    computed. A text that finds all threads idle never waits.
    """

    tokens: int
    wait: float = 0.0


class BatchQueue:
    """Jobs in, batches out. Not thread-safe: the caller holds a lock."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.texts = 0
        self.tokens = 0
        self.jobs: set[Job] = set()
        """Jobs with texts that no batch has taken."""
        self._heap: list[tuple[int, int, Entry]] = []
        self._virtual_time = 0
        self._sequence = 0

    def add(self, job: Job) -> None:
        """Queue all texts of a job."""
        tag = self._virtual_time
        by_length = sorted(range(len(job.inputs)), key=lambda i: len(job.inputs[i].ids))
        for index in by_length:
            length = len(job.inputs[index].ids)
            self._push(tag, Entry(job, index, length))
            tag += length
        self.jobs.add(job)
        self.texts += len(job.inputs)
        self.tokens += job.tokens

    def drop(self, job: Job) -> None:
        """Forget a job: what is not in a batch yet never will be."""
        job.dropped = True
        if job in self.jobs:
            self.jobs.remove(job)
            waiting = sum(1 for _, _, entry in self._heap if entry.job is job)
            self._heap = [item for item in self._heap if item[2].job is not job]
            heapq.heapify(self._heap)
            self.texts -= waiting
            self.tokens -= job.tokens
            job.tokens = 0

    def ahead_of(self, tokens: int) -> int:
        """Tokens that are computed before a new job of `tokens` tokens is, by fair shares."""
        return sum([job.tokens if job.tokens < tokens else tokens for job in self.jobs])

    def wait(self, now: float, busy: int) -> float:
        """Seconds that the next batch should still wait for company; 0: take it now."""
        if not busy or not self.limits.wait or self.tokens >= self.limits.tokens:
            return 0.0
        oldest = min((job.enqueued for job in self.jobs), default=now)
        return max(0.0, oldest + self.limits.wait - now)

    def take(self, idle: int = 1) -> Batch | None:
        """The next batch, or None when nothing waits.

        idle: threads that wait for a batch, the caller's included; they share what there is.
        """
        if not self._heap:
            self._virtual_time = 0
            return None
        budget = self.limits.tokens
        if idle > 1:
            budget = min(budget, max(SMALLEST_SHARE, ceil(self.tokens / idle)))
        window = [heapq.heappop(self._heap) for _ in range(min(WINDOW, len(self._heap)))]
        first = window[0]
        self._virtual_time = max(self._virtual_time, first[0])
        ordered = sorted(window, key=lambda item: item[2].length)
        low, high = best_run([item[2].length for item in ordered], ordered.index(first), budget)
        for item in ordered[:low] + ordered[high:]:
            heapq.heappush(self._heap, item)
        entries = [item[2] for item in ordered[low:high]]
        for entry in entries:
            self._taken(entry)
        return Batch(
            entries,
            padded=entries[-1].length * len(entries),
            tokens=sum(entry.length for entry in entries),
        )

    def _push(self, tag: int, entry: Entry) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (tag, self._sequence, entry))

    def _taken(self, entry: Entry) -> None:
        job = entry.job
        job.tokens -= entry.length
        self.tokens -= entry.length
        self.texts -= 1
        if not job.tokens:
            self.jobs.discard(job)


def best_run(lengths: Sequence[int], anchor: int, budget: int) -> tuple[int, int]:
    """The half-open range of sorted `lengths` around `anchor` that makes the best batch.

    Best is least time a token (`price`) within `budget` padded tokens. The anchor alone is the
    answer when it does not fit.
    """
    sums = [0, *accumulate(lengths)]
    best, least = (anchor, anchor + 1), inf
    for high in range(anchor + 1, len(lengths) + 1):
        longest = lengths[high - 1]
        lowest = max(high - budget // longest, 0)
        if lowest > anchor:
            break
        low = anchor
        now = price(sums[high] - sums[low], high - low, longest)
        # The texts to the left are ever shorter: once one does not pay, none does.
        while low > lowest:
            more = price(sums[high] - sums[low - 1], high - low + 1, longest)
            if more > now:
                break
            low, now = low - 1, more
        if now <= least:
            best, least = (low, high), now
    return best


def price(tokens: int, rows: int, longest: int) -> float:
    """Time that a batch takes for each of its real tokens, in that of a token without overhead.

    Fitted to batches of real comments on two encoders, 4x256 and 12x768, each on one CPU with AVX2
    and with AVX-512. To start a batch costs as much as 16 tokens (23 for the larger one); a padded
    token costs 0.18 (0.08), and more the longer the rows are.
    """
    return (16 + tokens + rows * longest * (0.18 + 0.002 * longest)) / tokens
