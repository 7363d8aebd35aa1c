"""What differs between two sets of inputs, and whether that replaces the resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tests.engine.standin.shapes import join


@dataclass(frozen=True)
class Change:
    """One property: its path as the engine writes it, and what becomes of the resource."""

    path: str
    kind: Literal["add", "delete", "update"]
    replaces: bool

    @property
    def top(self) -> str:
        return self.path.split(".")[0].split("[")[0]


def changes(old: dict[str, Any], new: dict[str, Any], replaces: frozenset[str]) -> list[Change]:
    """Compare inputs; `replaces` holds the paths, without list positions, that force a new one."""
    return list(_changes(old, new, "", "", replaces))


def _changes(
    old: Any, new: Any, path: str, pattern: str, replaces: frozenset[str]
) -> Iterator[Change]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(set(old) | set(new)):
            if not key.startswith("__"):
                inner = join(path, key), join(pattern, key)
                yield from _changes(old.get(key), new.get(key), *inner, replaces)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else None
            after = new[index] if index < len(new) else None
            yield from _changes(before, after, f"{path}[{index}]", pattern, replaces)
    else:
        kind: Literal["add", "delete", "update"] = (
            "add" if old is None else "delete" if new is None else "update"
        )
        yield Change(path, kind, replaces=_forces_new(pattern, replaces))


def _forces_new(pattern: str, replaces: frozenset[str]) -> bool:
    return any(
        pattern == path or pattern.startswith(f"{path}.") or path.startswith(f"{pattern}.")
        for path in replaces
    )
