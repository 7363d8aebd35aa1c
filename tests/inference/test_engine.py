"""The threads around the queue, with the fake backend."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnout_inference.batching import Batch, Job, Limits
from turnout_inference.engine import SICK_AFTER, BackendFailed, Engine
from turnout_inference.fake import FakeBackend
from turnout_inference.head import Floats
from turnout_inference.tokenizer import Encoded


class Mailbox:
    """Jobs as they are delivered."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.batches: list[Batch] = []
        self._changed = threading.Condition()

    def put(self, jobs: list[Job]) -> None:
        with self._changed:
            self.jobs += jobs
            self._changed.notify_all()

    def wait_for(self, holds: Callable[[list[Job]], bool]) -> list[Job]:
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self.jobs), 10)
            return list(self.jobs)


@contextmanager
def engine(
    backend: FakeBackend, tokens: int = 512, clock: Callable[[], float] = time.monotonic
) -> Iterator[tuple[Engine, Mailbox]]:
    box = Mailbox()
    made = Engine(
        backend,
        "multi_label",
        Limits(tokens),
        deliver=box.put,
        on_batch=lambda batch, _seconds: box.batches.append(batch),
        clock=clock,
    )
    made.start()
    try:
        yield made, box
    finally:
        backend.gate.set()
        made.stop()


def job(*ids: list[int]) -> Job:
    return Job([Encoded(one, len(one)) for one in ids], time.monotonic())


def expected(ids: list[int], labels: int) -> list[float]:
    logits = np.array([sum(ids) % 97 / 10 - label for label in range(labels)], dtype=np.float32)
    return [round(float(value), 6) for value in logits]


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.lists(st.lists(st.integers(0, 9000), min_size=1, max_size=60), min_size=1, max_size=20),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 4),
)
def test_every_text_gets_its_own_answer_in_order(
    texts: list[list[list[int]]], threads: int
) -> None:
    with engine(FakeBackend(labels=3, threads=threads), tokens=128) as (made, box):
        jobs = [job(*request) for request in texts]
        for one in jobs:
            made.submit(one)
        delivered = box.wait_for(lambda done: len(done) == len(jobs))
    assert len(delivered) == len(set(delivered)) == len(jobs)
    for one, request in zip(jobs, texts, strict=True):
        rows = [row.logits for row in one.rows if row is not None]
        assert rows == [expected(ids, 3) for ids in request]


def test_a_dropped_job_is_neither_computed_nor_delivered() -> None:
    backend = FakeBackend(labels=2)
    with engine(backend) as (made, box):
        backend.gate.clear()
        first, left, last = job([1]), job([2]), job([3])
        made.submit(first)
        while not backend.batches:
            time.sleep(0.001)
        made.submit(left)
        made.submit(last)
        made.drop(left)
        backend.gate.set()
        assert box.wait_for(lambda done: last in done) == [first, last]
    assert backend.batches == [[1], [1]]


def test_a_job_dropped_while_it_is_computed_is_not_delivered() -> None:
    backend = FakeBackend(labels=2)
    with engine(backend) as (made, box):
        backend.gate.clear()
        left, after = job([1]), job([2])
        made.submit(left)
        while not backend.batches:
            time.sleep(0.001)
        made.drop(left)
        made.submit(after)
        backend.gate.set()
        assert box.wait_for(lambda done: bool(done)) == [after]


def test_a_failed_batch_fails_its_jobs_only() -> None:
    backend = FakeBackend(labels=2, error=RuntimeError("no"))
    with engine(backend) as (made, box):
        broken = job([1])
        made.submit(broken)
        box.wait_for(lambda done: broken in done)
        assert isinstance(broken.error, BackendFailed)
        backend.error = None
        good = job([2])
        made.submit(good)
        box.wait_for(lambda done: good in done)
        assert good.error is None


def test_failures_in_a_row_make_it_unhealthy_and_a_success_healthy_again() -> None:
    backend = FakeBackend(labels=2, error=RuntimeError("no"))
    with engine(backend) as (made, box):
        for count in range(1, SICK_AFTER + 1):
            assert made.healthy
            made.submit(job([1]))
            box.wait_for(lambda done, count=count: len(done) == count)  # type: ignore[misc]
        assert not made.healthy
        backend.error = None
        made.submit(job([1]))
        box.wait_for(lambda done: len(done) == SICK_AFTER + 1)
        assert made.healthy


class Allergic(FakeBackend):
    """Fails on every batch with the token 13 in it."""

    def logits(self, batch: Sequence[Encoded]) -> Floats:
        answer = super().logits(batch)
        if any(13 in encoded.ids for encoded in batch):
            raise RuntimeError("13")
        return answer


def held(made: Engine, backend: FakeBackend, *jobs: Job) -> None:
    """Have the jobs wait together behind a batch in progress, then let go."""
    backend.gate.clear()
    made.submit(job([1]))
    while not backend.batches:
        time.sleep(0.001)
    for one in jobs:
        made.submit(one)
    backend.gate.set()


def test_a_text_that_fails_takes_none_of_its_batch_along() -> None:
    backend = Allergic(labels=2)
    with engine(backend) as (made, box):
        poisoned, other, third = job([2], [13], [3]), job([4], [5]), job([6])
        held(made, backend, poisoned, other, third)
        box.wait_for(lambda done: {poisoned, other, third} <= set(done))
        assert backend.batches[1] == [1] * 6
        assert isinstance(poisoned.error, BackendFailed)
        for good, ids in ((other, [[4], [5]]), (third, [[6]])):
            assert good.error is None
            assert [row.logits for row in good.rows if row] == [expected(one, 2) for one in ids]
        assert box.jobs.count(poisoned) == 1
        assert made.healthy


def test_texts_that_fail_with_others_in_their_batch_do_not_make_the_engine_unhealthy() -> None:
    backend = Allergic(labels=2)
    with engine(backend) as (made, box):
        poisoned = [job([13]) for _ in range(2 * SICK_AFTER)]
        held(made, backend, *poisoned, job([4]))
        box.wait_for(lambda done: len(done) == len(poisoned) + 2)
        assert made.healthy


def test_a_batch_that_fails_as_a_whole_counts_once() -> None:
    backend = Allergic(labels=2)
    with engine(backend) as (made, box):
        poisoned = [job([13]) for _ in range(2 * SICK_AFTER)]
        held(made, backend, *poisoned)
        box.wait_for(lambda done: len(done) == len(poisoned) + 1)
        assert made.healthy


class Forgetful(FakeBackend):
    """Leaves out the last row of every batch of several."""

    def logits(self, batch: Sequence[Encoded]) -> Floats:
        answer = super().logits(batch)
        return answer[:-1] if len(batch) > 1 else answer


def test_rows_that_are_missing_are_computed_again_not_mixed_up() -> None:
    with engine(Forgetful(labels=2)) as (made, box):
        one = job([1], [2], [3])
        made.submit(one)
        box.wait_for(lambda done: one in done)
        assert [row.logits for row in one.rows if row] == [expected([n], 2) for n in (1, 2, 3)]


@pytest.mark.parametrize("where", ["deliver", "on_batch"])
def test_a_thread_outlives_what_it_calls(where: str) -> None:
    box = Mailbox()

    def failing(*_: object) -> None:
        raise RuntimeError("the event loop is closed")

    calls = {"deliver": box.put, "on_batch": lambda *_: None} | {where: failing}
    made = Engine(FakeBackend(labels=2), "multi_label", Limits(512), **calls)  # type: ignore[arg-type]
    made.start()
    first = job([1])
    made.submit(first)
    while first.remaining or made.in_progress != [0]:
        time.sleep(0.001)
    assert made.whole
    second = job([2])
    made.submit(second)
    while second.remaining:
        time.sleep(0.001)
    made.stop()


class Slow(FakeBackend):
    """A thousand tokens a second, on a clock of its own."""

    now = 0.0

    def logits(self, batch: Sequence[Encoded]) -> Floats:
        answer = super().logits(batch)
        self.now += sum(len(encoded.ids) for encoded in batch) / 1000
        return answer


def test_the_expected_wait_follows_the_measured_rate() -> None:
    backend = Slow(labels=2)
    with engine(backend, clock=lambda: backend.now) as (made, _box):
        made.warm_up([Encoded([1] * 20, 20)])
        backend.gate.clear()
        made.submit(job([1]))
        while not backend.batches[1:]:
            time.sleep(0.001)
        made.submit(job(*[[1] * 10] * 50))
        assert made.outlook(100).ahead == 100
        assert made.outlook(100).wait == pytest.approx(0.1)
        assert made.outlook(10_000).wait == pytest.approx(0.5)


def test_stopping_waits_for_the_batch_in_progress() -> None:
    backend = FakeBackend(labels=2, seconds_per_token=0.05)
    with engine(backend) as (made, box):
        made.submit(job([1]))
        while not backend.batches:
            time.sleep(0.001)
        made.stop()
        assert len(box.jobs) == 1


def test_a_request_of_512_texts_delays_a_single_one_by_no_more_than_one_batch() -> None:
    backend = FakeBackend(labels=2)
    with engine(backend, tokens=256) as (made, box):
        backend.gate.clear()
        huge = job(*[[1] * 30] * 512)
        made.submit(huge)
        while not backend.batches:
            time.sleep(0.001)
        single = job([7] * 20)
        made.submit(single)
        backend.gate.set()
        box.wait_for(lambda done: single in done)
        in_progress, its_own = backend.batches[:2]
        assert 20 not in in_progress
        assert 20 in its_own
        box.wait_for(lambda done: huge in done)
