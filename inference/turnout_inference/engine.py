"""The threads that compute: they take batches from the queue and answer jobs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from turnout_inference.admission import Outlook
from turnout_inference.backend import Backend
from turnout_inference.batching import Batch, BatchQueue, Job, Limits, Row
from turnout_inference.head import probabilities
from turnout_inference.model.manifest import ProblemType
from turnout_inference.tokenizer import Encoded

log = logging.getLogger(__name__)

DECIMALS = 6
"""Scores are rounded to as many, far below what int8 can tell apart."""
SICK_AFTER = 3
"""Failed batches in a row after which the engine calls itself unhealthy."""
RATE_MEMORY = 0.1
"""Weight of the newest batch in the measured rate (exponential moving average)."""


class BackendFailed(Exception):  # noqa: N818 - said of the backend, to the client
    """A batch could not be computed; the reason is in the log, not in the answer."""


class Engine:
    """Computes jobs with `backend.threads` threads; every method may be called from any thread.

    deliver gets the jobs that are done, answered or failed, from an inference thread; a job
    that was dropped is not among them. on_batch gets each computed batch and its seconds.
    """

    def __init__(
        self,
        backend: Backend,
        problem: ProblemType,
        limits: Limits,
        *,
        deliver: Callable[[list[Job]], None],
        on_batch: Callable[[Batch, float], None] = lambda _batch, _seconds: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backend = backend
        self._problem: ProblemType = problem
        self._deliver = deliver
        self._on_batch = on_batch
        self._clock = clock
        self._queue = BatchQueue(limits)
        self._changed = threading.Condition()
        self._idle = 0
        self._busy = 0
        self._stopping = False
        self._failures = 0
        self._rate = 0.0
        self._threads = [
            threading.Thread(target=self._run, name=f"inference-{number}", daemon=True)
            for number in range(backend.threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the batches in progress and end the threads; what waits is not computed."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    @property
    def healthy(self) -> bool:
        return self._failures < SICK_AFTER

    @property
    def waiting_tokens(self) -> int:
        return self._queue.tokens

    @property
    def waiting_texts(self) -> int:
        return self._queue.texts

    def submit(self, job: Job) -> None:
        with self._changed:
            self._queue.add(job)
            self._changed.notify(1 if len(job.inputs) == 1 else len(self._threads))

    def warm_up(self, inputs: Sequence[Encoded]) -> None:
        """Compute one batch before the first request: memory is there, the rate is known."""
        began = self._clock()
        self._backend.logits(inputs)
        seconds = max(self._clock() - began, 1e-6)
        self._rate = sum(len(encoded.ids) for encoded in inputs) / seconds

    def drop(self, job: Job) -> None:
        """The client has left or the time is up: compute nothing more of it."""
        with self._changed:
            self._queue.drop(job)

    def outlook(self, tokens: int) -> Outlook:
        """What a job of `tokens` tokens would find; seconds by the rate measured so far."""
        with self._changed:
            ahead = self._queue.ahead_of(tokens)
        rate = self._rate * self._backend.threads
        return Outlook(ahead, ahead / rate if rate else 0.0)

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            began = self._clock()
            for entry in batch.entries:
                entry.job.started = entry.job.started or began
            try:
                rows = self._compute(batch)
            except Exception as error:
                log.exception("a batch of %d texts failed", len(batch.entries))
                self._fail(batch, error)
            else:
                self._answer(batch, rows, began)

    def _next(self) -> Batch | None:
        with self._changed:
            self._idle += 1
            try:
                while not self._stopping:
                    wait = self._queue.wait(self._clock(), self._busy)
                    if not wait and (batch := self._queue.take(self._idle)) is not None:
                        self._busy += 1
                        return batch
                    self._changed.wait(wait or None)
                return None
            finally:
                self._idle -= 1

    def _compute(self, batch: Batch) -> list[Row]:
        logits = self._backend.logits([entry.job.inputs[entry.index] for entry in batch.entries])
        scores = probabilities(logits, self._problem)
        both = zip(
            scores.astype(float).round(DECIMALS).tolist(),
            logits.astype(float).round(DECIMALS).tolist(),
            strict=True,
        )
        return [Row(*pair) for pair in both]

    def _answer(self, batch: Batch, rows: list[Row], began: float) -> None:
        now = self._clock()
        seconds = max(now - began, 1e-6)
        finished: list[Job] = []
        with self._changed:
            self._busy -= 1
            self._failures = 0
            rate = batch.tokens / seconds
            self._rate += (rate - self._rate) * (RATE_MEMORY if self._rate else 1.0)
            for entry, row in zip(batch.entries, rows, strict=True):
                job = entry.job
                job.rows[entry.index] = row
                job.remaining -= 1
                if not job.remaining and not job.dropped:
                    job.finished = now
                    finished.append(job)
        if finished:
            self._deliver(finished)
        self._on_batch(batch, seconds)

    def _fail(self, batch: Batch, error: Exception) -> None:
        failed: set[Job] = {entry.job for entry in batch.entries}
        with self._changed:
            self._busy -= 1
            self._failures += 1
            told = [job for job in failed if not job.dropped]
            for job in failed:
                job.error = BackendFailed(type(error).__name__)
                self._queue.drop(job)
        if told:
            self._deliver(told)
