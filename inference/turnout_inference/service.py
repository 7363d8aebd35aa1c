"""What every API of the server asks for: texts in, scored texts out, or an ApiError."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from turnout_inference.access import Access
from turnout_inference.admission import Bounds, Door
from turnout_inference.backend import Backend
from turnout_inference.batching import Job, Limits, Row
from turnout_inference.ending import end_within
from turnout_inference.engine import Engine
from turnout_inference.errors import ApiError, Code, too_many_texts
from turnout_inference.logs import RequestLog
from turnout_inference.metrics import Metrics
from turnout_inference.model.manifest import Manifest
from turnout_inference.settings import Settings
from turnout_inference.tokenizer import Encoded, Side, Tokenizer
from turnout_inference.tracing import Tracer
from turnout_inference.watch import Watch

log = logging.getLogger(__name__)

INLINE_CHARACTERS = 4096
"""Texts of up to as many characters in all are tokenized on the event loop, in well under a
millisecond; a thread would take longer to wake. Larger requests go to a thread."""
WARM_UP_TEXT = "워밍업 warm-up " * 4
WARM_UP_ROWS = 8
LOOKS_A_SECOND = 2
GIVE_UP_AFTER = 30.0
"""Seconds that a batch may take, or all of them fail, before the process is given up; more where a
request may take more."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Text:
    """One input: a text, or a pair of texts."""

    text: str
    pair: str | None = None

    @property
    def characters(self) -> int:
        return len(self.text) + (len(self.pair) if self.pair is not None else 0)


@dataclass(frozen=True, slots=True)
class Deadline:
    """When nobody waits for the answer any more, on time.monotonic(), and who said so."""

    at: float
    by_client: bool = False

    @property
    def left(self) -> float:
        return self.at - time.monotonic()


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model: what it is, and how it computes."""

    manifest: Manifest
    digest: str
    tokenizer: Tokenizer
    backend: Backend


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows in the order of the texts; times in seconds."""

    rows: list[Row]
    encoded: Sequence[Encoded]
    tokens: int
    truncated: int
    tokenization: float
    queue: float
    inference: float


class Service:
    """The model behind the routes, its door, and what is counted. Lives on one event loop."""

    def __init__(
        self, settings: Settings, model: Model, metrics: Metrics, tracer: Tracer | None = None
    ) -> None:
        self.settings = settings
        self.model = model
        self.metrics = metrics
        self.tracer = tracer
        self.request_log = RequestLog(sys.stdout)
        self.access = Access(key.get_secret_value() for key in settings.api_keys)
        self.draining = False
        self.labels = model.manifest.labels
        self.cuts = model.manifest.cuts()
        self._of_nothing = len(model.tokenizer.encode("").ids)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._futures: dict[Job, asyncio.Future[Job]] = {}
        self._tokenizers = ThreadPoolExecutor(2, thread_name_prefix="tokenizer")
        self._engine = Engine(
            model.backend,
            model.manifest.problem_type,
            Limits(settings.batch_tokens, settings.batch_wait),
            deliver=self._deliver,
            on_batch=metrics.batch,
        )
        self.watch = Watch(
            self._engine,
            self._probe,
            patience=int(LOOKS_A_SECOND * max(GIVE_UP_AFTER, settings.request_timeout)),
        )
        self.door = Door(
            Bounds(
                requests=settings.max_requests,
                ahead=settings.queue_batches * settings.batch_tokens * model.backend.threads,
                waiting_tokens=settings.max_waiting_tokens,
                waiting_bytes=settings.max_waiting_bytes,
                wait=settings.max_wait,
            ),
            outlook=self._engine.outlook,
            waiting_tokens=lambda: self._engine.waiting_tokens,
        )
        manifest = model.manifest
        metrics.model.labels(
            manifest.name, manifest.revision, model.digest, manifest.compute_type
        ).set(1)

    def start(self) -> None:
        """Warm the model up and start computing; called on the event loop that serves."""
        self._loop = asyncio.get_running_loop()
        encoded = self.model.tokenizer.encode(WARM_UP_TEXT)
        self._engine.warm_up([encoded] * WARM_UP_ROWS)
        self._engine.start()

    def stop(self, seconds: float = 10.0) -> None:
        """End the threads, and send the last spans, within `seconds`; say what did not end."""
        parts: dict[str, Callable[[], object]] = {
            "inference": self._engine.stop,
            "tokenizers": partial(self._tokenizers.shutdown, cancel_futures=True),
        }
        if self.tracer is not None:
            parts["tracing"] = self.tracer.stop
        if left := end_within(seconds, parts):
            log.warning("ended without waiting for %s any longer", " and ".join(left))
        self.request_log.flush()

    def _probe(self) -> Job:
        return Job([self.model.tokenizer.encode(WARM_UP_TEXT)], time.monotonic())

    @property
    def status(self) -> str:
        """`ok`, `loading`, `draining` or `unhealthy`, as /health says it."""
        if self.draining:
            return "draining"
        if self._loop is None:
            return "loading"
        return "ok" if self._engine.healthy else "unhealthy"

    def gauge(self) -> None:
        """Set the gauges to what is so now."""
        self.metrics.in_house.set(self.door.requests)
        self.metrics.waiting_tokens.set(self._engine.waiting_tokens)

    def check(self, texts: Sequence[Text], place: str) -> None:
        """Refuse more texts, or longer ones, than the settings allow."""
        if len(texts) > self.settings.max_texts:
            raise too_many_texts(place, len(texts), self.settings.max_texts)
        longest = self.settings.max_characters
        for index, text in enumerate(texts):
            if text.characters > longest:
                raise ApiError(
                    413,
                    Code.TEXT_TOO_LONG,
                    f"{place}[{index}]: {text.characters} characters, {longest} are allowed",
                    "send less of it: the model reads "
                    f"{self.model.tokenizer.max_tokens} tokens of a text",
                )

    async def classify(
        self,
        texts: Sequence[Text],
        *,
        place: str,
        deadline: Deadline,
        side: Side = "right",
        truncate: bool = True,
        blank: bool = True,
    ) -> Outcome:
        """Score texts; without `blank`, none of which the tokenizer keeps nothing.

        Raises ApiError; when the caller is cancelled, what is not computed yet never will be.
        """
        self.check(texts, place)
        began = time.monotonic()
        encoded = await self._encode(texts, side, deadline)
        if not truncate:
            self._refuse_truncated(encoded, place)
        if not blank:
            self._refuse_blank(encoded, place)
        tokens = sum([len(item.ids) for item in encoded])
        if tokens > self.settings.max_request_tokens:
            raise ApiError(
                413,
                Code.TOO_MANY_TOKENS,
                f"{place}: {tokens} tokens, {self.settings.max_request_tokens} are allowed",
                "send the texts in several requests",
            )
        enqueued = time.monotonic()
        self.door.queue(tokens, deadline.left)
        job = await self._compute(Job(encoded, enqueued), deadline)
        rows = [row for row in job.rows if row is not None]
        outcome = Outcome(
            rows,
            encoded,
            tokens,
            truncated=sum([item.truncated for item in encoded]),
            tokenization=enqueued - began,
            queue=job.started - enqueued,
            inference=job.finished - job.started,
        )
        self.metrics.queue_wait.observe(outcome.queue)
        if outcome.truncated:
            self.metrics.truncated.inc(outcome.truncated)
        return outcome

    async def _encode(
        self, texts: Sequence[Text], side: Side, deadline: Deadline
    ) -> Sequence[Encoded]:
        encode = self.model.tokenizer.encode
        if sum(text.characters for text in texts) <= INLINE_CHARACTERS:
            return [encode(text.text, text.pair, side=side) for text in texts]
        left = False

        def run() -> list[Encoded]:
            encoded = []
            for text in texts:
                if left:
                    break
                encoded.append(encode(text.text, text.pair, side=side))
            return encoded

        try:
            return await self.aside(run, deadline)
        finally:
            left = True

    async def aside(self, work: Callable[[], T], deadline: Deadline) -> T:
        """Do in a thread what would hold up the event loop."""
        assert self._loop is not None  # noqa: S101
        try:
            async with asyncio.timeout(deadline.left):
                return await self._loop.run_in_executor(self._tokenizers, work)
        except TimeoutError:
            raise self._late(deadline) from None

    async def _compute(self, job: Job, deadline: Deadline) -> Job:
        assert self._loop is not None  # noqa: S101
        future: asyncio.Future[Job] = self._loop.create_future()
        timer = self._loop.call_later(deadline.left, self._expire, job, deadline)
        self._futures[job] = future
        self._engine.submit(job)
        try:
            await future
        except asyncio.CancelledError:
            self._engine.drop(job)
            self.metrics.abandoned.labels("client_left").inc()
            raise
        finally:
            timer.cancel()
            self._futures.pop(job, None)
        if job.error is not None:
            raise ApiError(
                500,
                Code.BACKEND_FAILED,
                "the model could not compute this request",
                "try again; where it stays so, the server's log says why",
            )
        return job

    def _expire(self, job: Job, deadline: Deadline) -> None:
        self._engine.drop(job)
        future = self._futures.get(job)
        if future is not None and not future.done():
            self.metrics.abandoned.labels("deadline").inc()
            future.set_exception(self._late(deadline))

    def _late(self, deadline: Deadline) -> ApiError:
        return ApiError(
            # Impatience of a client is no failure of the server, and no alarm should count it so.
            408 if deadline.by_client else 504,
            Code.DEADLINE_EXCEEDED,
            "the request's time was up before it was computed",
            "allow it more time, or send fewer texts at once",
            headers={"Retry-After": str(self.door.retry_after())},
        )

    def _deliver(self, jobs: list[Job]) -> None:
        assert self._loop is not None  # noqa: S101
        self._loop.call_soon_threadsafe(self._resolve, jobs)

    def _resolve(self, jobs: list[Job]) -> None:
        for job in jobs:
            future = self._futures.get(job)
            if future is not None and not future.done():
                future.set_result(job)

    def _refuse_truncated(self, encoded: Sequence[Encoded], place: str) -> None:
        for index, item in enumerate(encoded):
            if item.truncated:
                raise ApiError(
                    422,
                    Code.TEXT_TOO_LONG,
                    f"{place}[{index}]: at least {item.total} tokens, "
                    f"the model reads {len(item.ids)}",
                    "shorten it, or leave `truncate` at true",
                )

    def _refuse_blank(self, encoded: Sequence[Encoded], place: str) -> None:
        for index, item in enumerate(encoded):
            if item.total <= self._of_nothing:
                raise ApiError(
                    422,
                    Code.EMPTY_TEXT,
                    f"{place}[{index}]: the model reads none of the text's characters",
                    "leave such texts out: no model can say anything of them",
                )

    def chosen(self, row: Row) -> list[str]:
        """Labels over their threshold, best first; a single-label model's best one."""
        scores = row.probabilities
        if self.cuts is None:
            return [self.labels[max(range(len(scores)), key=scores.__getitem__)]]
        over = [
            (score, label)
            for score, label, cut in zip(scores, self.labels, self.cuts, strict=True)
            if score >= cut
        ]
        return [label for _, label in sorted(over, key=lambda pair: -pair[0])]

    def unavailable(self) -> ApiError:
        """503 while the model is being loaded or does not compute."""
        return ApiError(
            503,
            Code.UNAVAILABLE,
            f"the server cannot serve now: it is {self.status}",
            "try again",
            headers={"Retry-After": "1"},
        )
