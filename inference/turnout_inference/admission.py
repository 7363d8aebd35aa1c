"""The door: a request is taken in whole or refused at once, never given up midway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from turnout_inference.errors import ApiError, overloaded

LONGEST_RETRY = 60
"""Seconds; a client told to wait longer would better go elsewhere."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may be in the house at once; wait in seconds, 0 for no bound."""

    requests: int
    waiting_tokens: int
    waiting_bytes: int
    wait: float


class Door:
    """Counts what was admitted. Used from the event loop only.

    expected_wait(tokens): seconds that a request of so many tokens would wait, as measured.
    waiting_tokens(): tokens in the queue.
    """

    def __init__(
        self,
        bounds: Bounds,
        *,
        expected_wait: Callable[[int], float],
        waiting_tokens: Callable[[], int],
    ) -> None:
        self.bounds = bounds
        self.requests = 0
        self.bytes = 0
        self._expected_wait = expected_wait
        self._waiting_tokens = waiting_tokens

    def enter(self) -> None:
        """Admit a request before its body is read, or raise 429."""
        if self.requests >= self.bounds.requests:
            raise self._refused(
                f"{self.requests} requests are being answered, the most this server takes",
                "requests",
            )
        self.requests += 1

    def leave(self) -> None:
        self.requests -= 1

    def hold(self, size: int) -> None:
        """Count `size` bytes of a body as held, or raise 429; `release` gives them back."""
        if self.bytes + size > self.bounds.waiting_bytes:
            raise self._refused(
                f"the bodies of other requests take {self.bytes} of "
                f"{self.bounds.waiting_bytes} bytes",
                "bytes",
            )
        self.bytes += size

    def release(self, size: int) -> None:
        self.bytes -= size

    def queue(self, tokens: int, deadline: float) -> None:
        """Let `tokens` tokens into the queue, or raise 429. deadline: seconds that are left."""
        waiting = self._waiting_tokens()
        if not waiting:
            return
        if waiting + tokens > self.bounds.waiting_tokens:
            raise self._refused(
                f"{waiting} tokens wait, {tokens} more would exceed {self.bounds.waiting_tokens}",
                "tokens",
            )
        wait = self._expected_wait(tokens)
        if self.bounds.wait and wait > self.bounds.wait:
            raise self._refused(
                f"the queue is {wait:.1f} s long, {self.bounds.wait:g} s is the bound", "wait"
            )
        if wait > deadline:
            raise self._refused(
                f"the queue is {wait:.1f} s long, the request allows {deadline:.1f} s", "deadline"
            )

    def retry_after(self) -> int:
        """Whole seconds until half of what waits now is done: room without an empty queue."""
        return min(LONGEST_RETRY, max(1, ceil(self._expected_wait(self._waiting_tokens()) / 2)))

    def _refused(self, message: str, reason: str) -> ApiError:
        return overloaded(message, reason, self.retry_after())
