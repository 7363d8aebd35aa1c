"""Cron as people write it, for AWS's two schedulers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.schedule import check_cron, six_fields


@pytest.mark.parametrize(
    ("written", "for_ecs"),
    [
        ("0 20 * * *", "cron(0 20 * * ? *)"),
        ("30 8 * * MON-FRI", "cron(30 8 ? * MON,TUE,WED,THU,FRI *)"),
        ("30 8 * * 1-5", "cron(30 8 ? * MON,TUE,WED,THU,FRI *)"),
        # crontab counts Sunday as 0 and as 7, AWS as 1.
        ("0 0 * * 0", "cron(0 0 ? * SUN *)"),
        ("0 0 * * 7", "cron(0 0 ? * SUN *)"),
        ("0 0 * * 5-7", "cron(0 0 ? * SUN,FRI,SAT *)"),
        ("0 0 * * sat,Sun", "cron(0 0 ? * SUN,SAT *)"),
        ("*/15 9-17 1 JAN-MAR *", "cron(*/15 9-17 1 JAN-MAR ? *)"),
        ("0 6 */2 * *", "cron(0 6 */2 * ? *)"),
        ("0 0 29 2 *", "cron(0 0 29 2 ? *)"),
        ("0 0 30,31 2,4 *", "cron(0 0 30,31 2,4 ? *)"),
        ("0 0 * * */2", "cron(0 0 ? * SUN,TUE,THU,SAT *)"),
    ],
)
def test_five_fields_become_the_six_that_application_auto_scaling_takes(
    written: str, for_ecs: str
) -> None:
    assert six_fields(written) == for_ecs


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("0 20 * *", "five fields"),
        ("60 * * * *", "'60' as minute; use 0 to 59"),
        ("0 24 * * *", "'24' as hour; use 0 to 23"),
        ("0 0 0 * *", "day-of-month; use 1 to 31"),
        ("0 0 * 13 *", "month; use 1 to 12 or JAN to DEC"),
        ("0 0 * * 8", "day-of-week; use 0 to 7 or SUN to SAT"),
        ("0 0 * * MONDAY", "day-of-week; use 0 to 7 or SUN to SAT"),
        ("0 0 ? * MON", "'?' as day-of-month"),
        ("0 17-9 * * *", "ends before it begins"),
        ("*/0 * * * *", "a step of 0 as minute"),
        ("*-5 * * * *", "* takes no range"),
        ("0 9 1 * MON", "sets both day-of-month and day-of-week"),
        ("0 9, * * *", "as hour"),
        ("0 22 31 2 *", "never comes: month 2 has no day 31"),
        ("0 22 30-31 FEB *", "never comes"),
    ],
)
def test_what_cron_does_not_take_is_refused_with_its_field(written: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        check_cron(written)


@given(st.integers(0, 59), st.integers(0, 23), st.lists(st.integers(0, 7), min_size=1, max_size=7))
def test_days_of_the_week_keep_their_meaning(minute: int, hour: int, days: list[int]) -> None:
    names = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
    field = six_fields(f"{minute} {hour} * * {','.join(map(str, days))}").split(" ")[4]
    assert set(field.split(",")) == {names[day % 7] for day in days}
