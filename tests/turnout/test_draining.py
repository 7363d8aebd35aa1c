"""How long a copy may take to leave."""

from hypothesis import given
from hypothesis import strategies as st

from turnout.draining import (
    FARGATE_MOST_STOP,
    Drain,
    told_after_deregistration,
    told_at_once,
)

SECONDS = st.integers(0, 3600)
TIMEOUTS = st.integers(1, 900)
BOUNDS = st.one_of(st.none(), st.just(FARGATE_MOST_STOP))


def test_a_copy_that_is_told_first_waits_as_long_as_the_load_balancer_sends() -> None:
    drain = told_at_once(deregistration_delay=30, request_timeout=25)
    assert drain.wait == 30
    assert drain.timeout >= 30 + 25


def test_a_copy_that_the_balancer_let_go_of_hardly_waits() -> None:
    assert told_after_deregistration(request_timeout=25).wait == 5


def test_the_server_is_told_in_its_own_settings() -> None:
    told = Drain(wait=5, timeout=30, stop=35).environment()
    assert told == {"TURNOUT_DRAIN_WAIT": "5", "TURNOUT_DRAIN_TIMEOUT": "30"}


@given(SECONDS, TIMEOUTS, BOUNDS)
def test_the_server_ends_by_itself_before_it_is_killed(
    delay: int, timeout: int, most: int | None
) -> None:
    for drain in (told_at_once(delay, timeout, most), told_after_deregistration(timeout, most)):
        assert 0 < drain.wait < drain.timeout < drain.stop
        assert most is None or drain.stop <= most
