"""The threads that compute: they take batches from the queue and answer jobs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from turnout_inference.admission import Outlook
from turnout_inference.backend import Backend
from turnout_inference.batching import Batch, BatchQueue, Entry, Job, Limits, Row
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
        self._taken = 0
        self.in_progress = [0] * backend.threads
        """For each thread the number of the batch that it computes; 0 while it has none."""
        self._threads = [
            threading.Thread(
                target=self._run, args=(number,), name=f"inference-{number}", daemon=True
            )
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
    def whole(self) -> bool:
        """Whether every thread lives; none ends before `stop`."""
        return all(thread.is_alive() for thread in self._threads)

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

    def _run(self, number: int) -> None:
        while (batch := self._next(number)) is not None:
            began = self._clock()
            for entry in batch.entries:
                entry.job.started = entry.job.started or began
            try:
                rows = self._compute(batch.entries)
            except Exception as error:
                log.exception("a batch of %d texts failed", len(batch.entries))
                self._save(batch, error)
            else:
                self._answer(batch, rows, began)

    def _next(self, number: int) -> Batch | None:
        with self._changed:
            if self.in_progress[number]:
                self.in_progress[number] = 0
                self._busy -= 1
            self._idle += 1
            try:
                while not self._stopping:
                    wait = self._queue.wait(self._clock(), self._busy)
                    if not wait and (batch := self._queue.take(self._idle)) is not None:
                        self._busy += 1
                        self._taken += 1
                        self.in_progress[number] = self._taken
                        return batch
                    self._changed.wait(wait or None)
                return None
            finally:
                self._idle -= 1

    def _compute(self, entries: Sequence[Entry]) -> list[Row]:
        logits = self._backend.logits([entry.job.inputs[entry.index] for entry in entries])
        if len(logits) != len(entries):
            raise RuntimeError(f"{len(logits)} rows of logits for {len(entries)} texts")
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
        with self._changed:
            self._failures = 0
            rate = batch.tokens / seconds
            self._rate += (rate - self._rate) * (RATE_MEMORY if self._rate else 1.0)
            finished = self._keep(batch.entries, rows, now)
        self._tell(finished)
        try:
            self._on_batch(batch, seconds)
        except Exception:
            log.exception("a batch was computed, but not counted")

    def _save(self, batch: Batch, error: Exception) -> None:
        """Compute the texts of a failed batch one by one: who fails alone as well is told so."""
        good: list[Entry] = []
        rows: list[Row] = []
        errors = {batch.entries[0].job: error} if len(batch.entries) == 1 else {}
        for entry in batch.entries:
            if entry.job.dropped or entry.job in errors:
                continue
            try:
                rows += self._compute([entry])
                good.append(entry)
            except Exception as again:
                errors[entry.job] = again
        with self._changed:
            self._failures = 0 if good else self._failures + 1
            told = [job for job in errors if not job.dropped]
            for job, its_own in errors.items():
                job.error = BackendFailed(type(its_own).__name__)
                self._queue.drop(job)
            told += self._keep(good, rows, self._clock())
        self._tell(told)

    def _keep(self, entries: Sequence[Entry], rows: Sequence[Row], now: float) -> list[Job]:
        """Give jobs their rows; those that are complete now. Called with the lock held."""
        finished: list[Job] = []
        for entry, row in zip(entries, rows, strict=True):
            job = entry.job
            job.rows[entry.index] = row
            job.remaining -= 1
            if not job.remaining and not job.dropped:
                job.finished = now
                finished.append(job)
        return finished

    def _tell(self, jobs: list[Job]) -> None:
        if not jobs:
            return
        try:
            self._deliver(jobs)
        except Exception:
            # A thread that ended here would be missed by every request after this one.
            log.exception("%d jobs were done, but could not be delivered", len(jobs))
