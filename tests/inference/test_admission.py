"""The door: bounds, and how long it tells a client to stay away."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from turnout_inference.admission import OWN_SHARE, Bounds, Door, Outlook
from turnout_inference.errors import ApiError

BOUNDS = Bounds(requests=2, ahead=500, waiting_tokens=1000, waiting_bytes=100, wait=2.0)


@dataclass
class Queue:
    """100 tokens a second; all that waits is ahead of whoever comes."""

    waiting: int = 0

    def door(self, bounds: Bounds = BOUNDS) -> Door:
        return Door(
            bounds,
            outlook=lambda _tokens: Outlook(self.waiting, self.waiting / 100),
            waiting_tokens=lambda: self.waiting,
        )


def refusal(door: Door, tokens: int = 10, deadline: float = 30.0) -> ApiError:
    with pytest.raises(ApiError) as caught:
        door.queue(tokens, deadline)
    return caught.value


def test_requests_beyond_the_bound_are_refused_until_one_leaves() -> None:
    door = Queue().door()
    door.enter()
    door.enter()
    with pytest.raises(ApiError) as caught:
        door.enter()
    assert (caught.value.status, caught.value.reason) == (429, "requests")
    door.leave()
    door.enter()


def test_bytes_held_are_bounded_together() -> None:
    door = Queue().door()
    door.hold(80)
    with pytest.raises(ApiError) as caught:
        door.hold(21)
    assert caught.value.reason == "bytes"
    door.release(80)
    door.hold(100)


def test_tokens_beyond_the_bound_are_refused() -> None:
    assert refusal(Queue(150).door(), tokens=851).reason == "tokens"


def test_more_ahead_than_the_bound_is_refused() -> None:
    bounds = Bounds(2, ahead=50, waiting_tokens=1000, waiting_bytes=100, wait=0.0)
    assert refusal(Queue(50 + OWN_SHARE * 10 + 1).door(bounds)).reason == "queue"


def test_a_large_request_may_have_more_ahead_of_it() -> None:
    bounds = Bounds(2, ahead=50, waiting_tokens=1000, waiting_bytes=100, wait=0.0)
    Queue(50 + OWN_SHARE * 100).door(bounds).queue(100, 30.0)


def test_a_wait_longer_than_the_bound_is_refused() -> None:
    assert refusal(Queue(201).door()).reason == "queue"


def test_it_is_crowded_when_a_typical_request_would_be_refused() -> None:
    queue = Queue()
    door = queue.door()
    assert not door.crowded
    door.queue(10, 30.0)
    queue.waiting = 199
    assert not door.crowded
    queue.waiting = 201
    assert door.crowded


def test_those_who_are_arriving_count_as_if_they_were_in_the_queue() -> None:
    door = Door(
        Bounds(requests=100, ahead=50, waiting_tokens=1000, waiting_bytes=100, wait=0.0),
        outlook=lambda _tokens: Outlook(0, 0.0),
        waiting_tokens=lambda: 0,
    )
    door.queue(10, 30.0)
    door.arriving = 5 + OWN_SHARE
    assert not door.crowded
    door.arriving += 1
    assert door.crowded


def test_it_is_crowded_when_the_house_is_full() -> None:
    door = Queue().door()
    door.enter()
    assert not door.crowded
    door.enter()
    assert door.crowded


def test_a_queue_longer_than_the_client_waits_is_refused() -> None:
    assert refusal(Queue(150).door(), deadline=1.4).reason == "deadline"


def test_an_empty_queue_takes_any_request_that_is_allowed_at_all() -> None:
    Queue().door().queue(10_000, 0.001)


def test_no_bound_on_waiting_is_none() -> None:
    Queue(400).door(Bounds(2, 500, 1000, 100, 0.0)).queue(10, 30.0)


@pytest.mark.parametrize(
    ("waiting", "seconds"), [(0, 1), (100, 1), (300, 2), (900, 5), (100_000, 60)]
)
def test_retry_after_is_when_half_of_the_queue_is_done(waiting: int, seconds: int) -> None:
    assert Queue(waiting).door().retry_after() == seconds


def test_a_refusal_tells_when_to_come_back() -> None:
    error = refusal(Queue(900).door())
    assert error.headers == {"Retry-After": "5"}
    assert "5 s" in error.fix
