"""Cron as people write it, and as AWS's schedulers take it.

Pure string work. Application Auto Scaling has six fields, counts days of the week from 1 (Sunday)
and wants `?` for the day that the other day field decides: Amazon EventBridge, "Cron expressions".
EC2 Auto Scaling takes the five fields of crontab(5) as they are.
"""

import re
from typing import Final

_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS: Final = (
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
)  # fmt: skip
_LONGEST_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ITEM: Final = re.compile(r"(?P<from>\*|\w+)(?:-(?P<to>\w+))?(?:/(?P<step>\d+))?")


def check_cron(expression: str) -> None:
    """Raises ValueError, with the field that is wrong, where crontab(5) would not take it."""
    fields = expression.split(" ")
    if len(fields) != len(_FIELDS):
        raise ValueError("must have five fields: minute hour day-of-month month day-of-week")
    _, _, days, months, _ = [
        _values(text, *field) for text, field in zip(fields, _FIELDS, strict=True)
    ]
    if min(days) > max(_LONGEST_MONTH[month - 1] for month in months):
        raise ValueError(
            f"never comes: month {fields[3]} has no day {fields[2]}; give a day that it has"
        )
    if fields[2] != "*" and fields[4] != "*":
        raise ValueError(
            "sets both day-of-month and day-of-week, which AWS cannot keep; leave one at *"
        )


def six_fields(expression: str) -> str:
    """`expression` as `cron(…)` of Application Auto Scaling. Raises ValueError."""
    check_cron(expression)
    minute, hour, day, month, weekday = expression.split(" ")
    if weekday == "*":
        return f"cron({minute} {hour} {day} {month} ? *)"
    days = sorted(day % 7 for day in _values(weekday, *_FIELDS[4]))
    named = ",".join(_DAYS[number] for number in dict.fromkeys(days))
    return f"cron({minute} {hour} ? {month} {named} *)"


_FIELDS: Final[tuple[tuple[str, int, int, tuple[str, ...]], ...]] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day-of-month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    # Both 0 and 7 are Sunday.
    ("day-of-week", 0, 7, _DAYS),
)


def _values(text: str, name: str, least: int, most: int, names: tuple[str, ...]) -> list[int]:
    """The numbers that a field means. Raises ValueError."""
    found: list[int] = []
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise ValueError(f"has {item!r} as {name}; use *, numbers, a-b, a,b or */n")
        step = int(match["step"] or 1)
        if step == 0:
            raise ValueError(f"has a step of 0 as {name}; use 1 or more")
        if match["from"] == "*":
            if match["to"] is not None:
                raise ValueError(f"has {item!r} as {name}; * takes no range")
            first, last = least, most if name != "day-of-week" else 6
        else:
            first = _number(match["from"], name, least, most, names)
            alone = match["to"] is None and match["step"] is None
            last = first if alone else most
            if match["to"] is not None:
                last = _number(match["to"], name, least, most, names)
        if last < first:
            raise ValueError(f"has {item!r} as {name}, which ends before it begins")
        found.extend(range(first, last + 1, step))
    return found


def _number(text: str, name: str, least: int, most: int, names: tuple[str, ...]) -> int:
    if text.upper() in names:
        return least + names.index(text.upper())
    if not text.isdecimal() or not least <= int(text) <= most:
        allowed = f"{least} to {most}" + (f" or {names[0]} to {names[-1]}" if names else "")
        raise ValueError(f"has {text!r} as {name}; use {allowed}")
    return int(text)
