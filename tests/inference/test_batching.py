"""The queue, without clock or threads: hypothesis plays the requests and the threads."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from turnout_inference.batching import Batch, BatchQueue, Job, Limits, best_run, price
from turnout_inference.tokenizer import Encoded

BUDGET = 512


def job(*lengths: int, enqueued: float = 0.0) -> Job:
    return Job([Encoded([1] * length, length) for length in lengths], enqueued)


def queue(*jobs: Job, tokens: int = BUDGET, wait: float = 0.0) -> BatchQueue:
    made = BatchQueue(Limits(tokens, wait))
    for one in jobs:
        made.add(one)
    return made


def drained(from_queue: BatchQueue) -> list[Batch]:
    batches = []
    while (batch := from_queue.take()) is not None:
        batches.append(batch)
    return batches


def test_an_empty_queue_gives_no_batch() -> None:
    assert queue().take() is None


def test_one_text_is_a_batch_at_once() -> None:
    batch = queue(job(7)).take()
    assert batch is not None
    assert (len(batch.entries), batch.padded, batch.tokens) == (1, 7, 7)


def test_texts_of_equal_length_share_a_batch_up_to_the_budget() -> None:
    sizes = [len(batch.entries) for batch in drained(queue(job(*[64] * 20)))]
    assert sizes == [8, 8, 4]


def test_a_text_longer_than_the_budget_goes_alone() -> None:
    batches = drained(queue(job(2000, 10)))
    assert sorted(len(batch.entries) for batch in batches) == [1, 1]


def test_a_batch_takes_texts_near_in_length_rather_than_padding() -> None:
    made = queue(*[job(length) for length in (10, 500, 11, 490, 12)])
    first = made.take()
    assert first is not None
    assert sorted(entry.length for entry in first.entries) == [10, 11, 12]


def test_a_single_text_waits_for_no_more_than_the_batch_in_progress() -> None:
    huge = job(*[30] * 512)
    made = queue(huge)
    for _ in range(5):
        made.take()
    single = job(30)
    made.add(single)
    batch = made.take()
    assert batch is not None
    assert single in {entry.job for entry in batch.entries}


@pytest.mark.parametrize("length", [3, 30, 256])
def test_a_single_text_of_any_length_is_next_after_a_huge_request(length: int) -> None:
    made = queue(job(*[17] * 512), job(*[200] * 512))
    for _ in range(7):
        made.take()
    single = job(length)
    made.add(single)
    following = [made.take() for _ in range(2)]
    served = {entry.job for batch in following if batch for entry in batch.entries}
    assert single in served


def test_two_huge_requests_are_served_by_turns() -> None:
    one, two = job(*[30] * 300), job(*[31] * 300)
    batches = drained(queue(one, two))
    half = [entry.job for batch in batches[: len(batches) // 2] for entry in batch.entries]
    assert abs(half.count(one) - half.count(two)) < 0.2 * len(half)


def test_idle_threads_share_what_there_is() -> None:
    made = queue(job(*[30] * 16))
    batch = made.take(idle=2)
    assert batch is not None
    assert len(batch.entries) == 8


def test_a_dropped_job_costs_nothing() -> None:
    kept, left = job(30, 30), job(30, 30)
    made = queue(kept, left)
    made.drop(left)
    assert {entry.job for batch in drained(made) for entry in batch.entries} == {kept}
    assert (made.texts, made.tokens, made.jobs) == (0, 0, set())


def test_a_lone_request_is_not_delayed() -> None:
    assert queue(job(30), wait=1.0).wait(now=0.0, busy=0) == 0.0


def test_a_batch_that_is_not_full_waits_for_company_while_another_is_computed() -> None:
    made = queue(job(30, enqueued=5.0), wait=0.010)
    assert made.wait(now=5.004, busy=1) == pytest.approx(0.006)
    assert made.wait(now=5.011, busy=1) == 0.0


def test_a_full_batch_waits_for_nothing() -> None:
    assert queue(job(*[64] * 8), wait=1.0).wait(now=0.0, busy=1) == 0.0


def test_what_is_ahead_of_a_small_request_is_its_fair_share_only() -> None:
    assert queue(job(*[30] * 512), job(20)).ahead_of(30) == 30 + 20


@given(
    st.lists(st.integers(1, 600), min_size=1, max_size=80).map(sorted),
    st.data(),
    st.integers(1, 2000),
)
def test_the_best_run_holds_the_anchor_and_the_budget(
    lengths: list[int], data: st.DataObject, budget: int
) -> None:
    anchor = data.draw(st.integers(0, len(lengths) - 1))
    low, high = best_run(lengths, anchor, budget)
    assert low <= anchor < high
    if high - low > 1:
        assert lengths[high - 1] * (high - low) <= budget
    prices = [
        price(sum(lengths[a:b]), b - a, lengths[b - 1])
        for a in range(anchor + 1)
        for b in range(anchor + 1, len(lengths) + 1)
        if lengths[b - 1] * (b - a) <= budget
    ]
    found = price(sum(lengths[low:high]), high - low, lengths[high - 1])
    assert found <= min(prices, default=found) + 1e-9


@dataclass
class Book:
    """What the machine below knows of a job."""

    job: Job
    taken: list[int] = field(default_factory=list)
    skipped: int = 0


class Queueing(RuleBasedStateMachine):
    """Requests come, leave and are served in any order; the promises hold at every step."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.queue = BatchQueue(Limits(BUDGET))
        self.books: dict[Job, Book] = {}

    @rule(target=jobs, lengths=st.lists(st.integers(1, 700), min_size=1, max_size=40))
    def submit(self, lengths: list[int]) -> Job:
        new = job(*lengths)
        self.books[new] = Book(new)
        self.queue.add(new)
        return new

    @rule(left=consumes(jobs))
    def leave(self, left: Job) -> None:
        self.queue.drop(left)

    @rule(idle=st.integers(1, 4))
    def serve(self, idle: int) -> None:
        waiting = self.queue.texts
        batch = self.queue.take(idle)
        if batch is None:
            assert waiting == 0
            return
        assert batch.padded == max(e.length for e in batch.entries) * len(batch.entries)
        assert batch.tokens == sum(entry.length for entry in batch.entries)
        assert len(batch.entries) == 1 or batch.padded <= BUDGET
        for entry in batch.entries:
            assert not entry.job.dropped
            book = self.books[entry.job]
            assert entry.index not in book.taken
            book.taken.append(entry.index)

    @invariant()
    def nothing_is_lost(self) -> None:
        live = [book for book in self.books.values() if not book.job.dropped]
        left = [len(book.job.inputs) - len(book.taken) for book in live]
        assert self.queue.texts == sum(left)
        assert self.queue.tokens == sum(book.job.tokens for book in live)
        assert self.queue.jobs == {book.job for book, n in zip(live, left, strict=True) if n}

    def teardown(self) -> None:
        for batch in drained(self.queue):
            for entry in batch.entries:
                self.books[entry.job].taken.append(entry.index)
        for book in self.books.values():
            if not book.job.dropped:
                assert sorted(book.taken) == list(range(len(book.job.inputs)))


TestQueueing = Queueing.TestCase
