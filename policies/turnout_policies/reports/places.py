"""Where a finding is shown: the file and line that somebody would edit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from turnout_policies.runner import Violation


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, its path relative to the repository's root; lines count from 1."""

    file: str
    line: int = 1


# The whole of a stack, where nothing nearer is known: its project file.
PROJECT_FILE = Place("Pulumi.yaml")
Locate = Callable[[Violation], Place]


def at_project(_: Violation) -> Place:
    """Every finding at the project file: what an exported stack tells of its source."""
    return PROJECT_FILE


def short_name(urn: str) -> str:
    """`https (aws:lb/listener:Listener)` for the URN of that resource."""
    parts = urn.split("::")
    if len(parts) < 4:
        return urn
    return f"{parts[-1]} ({parts[-2].rsplit('$', 1)[-1]})"
