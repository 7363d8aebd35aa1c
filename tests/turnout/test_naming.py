"""Names within AWS's limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout import naming

NAME = st.from_regex(r"[a-z](-?[a-z0-9]){1,80}", fullmatch=True)
LIMIT = st.integers(8, 100)


@given(NAME, LIMIT)
def test_a_fitted_name_keeps_the_limit(name: str, limit: int) -> None:
    assert len(naming.fit(name, limit)) <= limit


@given(NAME, LIMIT)
def test_a_short_name_is_left_as_it_is(name: str, limit: int) -> None:
    if len(name) <= limit:
        assert naming.fit(name, limit) == name


@given(NAME, LIMIT)
def test_a_fitted_name_has_no_double_and_no_last_hyphen(name: str, limit: int) -> None:
    fitted = naming.fit(name, limit)
    assert "--" not in fitted
    assert not fitted.endswith("-")


@given(NAME, NAME)
def test_two_names_stay_two_names(one: str, other: str) -> None:
    if one != other:
        assert naming.fit(one, 24) != naming.fit(other, 24)


@given(NAME)
def test_a_logical_name_leaves_room_for_the_automatic_suffix(name: str) -> None:
    physical = f"{naming.logical(name, naming.LOAD_BALANCER)}-0123abc"
    assert len(physical) <= naming.LOAD_BALANCER


def test_a_limit_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves no room"):
        naming.fit("service", 7)
