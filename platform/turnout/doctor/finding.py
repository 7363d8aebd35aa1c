"""One thing that was looked at."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a thing is: `poor` works with a loss, `missing` stops the stack."""

    GOOD = "ok"
    POOR = "--"
    MISSING = "no"


@dataclass(frozen=True)
class Finding:
    """What was found, and where it is not good, what that costs and what mends it."""

    name: str
    health: Health
    said: str
    cost: str = ""
    fix: str = ""


def good(name: str, said: str) -> Finding:
    """Nothing to do."""
    return Finding(name, Health.GOOD, said)


def poor(name: str, said: str, *, cost: str, fix: str) -> Finding:
    """Works, but not as well as it could."""
    return Finding(name, Health.POOR, said, cost, fix)


def missing(name: str, said: str, *, cost: str, fix: str) -> Finding:
    """The stack cannot run like this."""
    return Finding(name, Health.MISSING, said, cost, fix)
