"""What a remote model is read through, whatever lies behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

CHUNK = 1 << 20
"""Bytes read at a time."""


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """Patience: times in seconds.

    attempts: how often in a row a file may fail without a byte gained before it is given up.
    backoff: the wait after the first failure; doubles with each, up to eight times as long.
    pace: bytes a second, over `pace_over` seconds each, below which a connection is given up as if
    it had been cut.
    lock_wait: how long another process on this machine may take to fetch the same model.
    """

    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    attempts: int = 5
    backoff: float = 0.25
    pace: float = 1000.0
    pace_over: float = 30.0
    lock_wait: float = 900.0


class Interrupted(Exception):  # noqa: N818 - not an error yet: the fetch goes on from there
    """A read failed in a way that a later one may not."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A file's bytes from `start` on; `start` is 0 where the other side cannot resume."""

    start: int
    chunks: Iterator[bytes]


class Source(Protocol):
    """A remote folder."""

    def open(self, name: str, offset: int) -> AbstractContextManager[Stream]:
        """Read a file from `offset` bytes on.

        Raises ModelRefused where trying again is of no use, and Interrupted (from the stream
        too) where it is.
        """
        ...

    def place(self, name: str) -> str:
        """What messages call the file."""
        ...
