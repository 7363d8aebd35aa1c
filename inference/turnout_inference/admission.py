"""The door: a request is taken in whole or refused at once, never given up midway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from turnout_inference.errors import ApiError, overloaded

LONGEST_RETRY = 60
"""Seconds; a client told to wait longer would better go elsewhere."""
OWN_SHARE = 8
"""How many requests of its own size may be ahead of a request, beside the full batches."""
TYPICAL_MEMORY = 0.05
"""Weight of the newest request in the size of a typical one (exponential moving average)."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may be in the house at once.

    ahead: tokens that may be computed before a small request is; a large one, which takes long
    itself, may have more ahead of it. wait: the same in seconds, as measured; 0 for no bound.
    """

    requests: int
    ahead: int
    waiting_tokens: int
    waiting_bytes: int
    wait: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a new request would find: tokens ahead of it by fair shares, and seconds of those."""

    ahead: int
    wait: float


class Door:
    """Counts what was admitted. Used from the event loop only.

    outlook(tokens): what a request of so many tokens would find in the queue.
    waiting_tokens(): tokens in the queue.
    """

    def __init__(
        self,
        bounds: Bounds,
        *,
        outlook: Callable[[int], Outlook],
        waiting_tokens: Callable[[], int],
    ) -> None:
        self.bounds = bounds
        self.requests = 0
        self.arriving = 0
        """Requests that were let through to be read and have not entered yet."""
        self.bytes = 0
        self._outlook = outlook
        self._waiting_tokens = waiting_tokens
        self._typical = 0.0

    @property
    def crowded(self) -> bool:
        """Whether a typical request would be refused: it need not even be read."""
        if self.requests + self.arriving >= self.bounds.requests:
            return True
        tokens = int(self._typical)
        outlook = self._outlook(tokens)
        coming = Outlook(outlook.ahead + self.arriving * tokens, outlook.wait)
        return self._too_long(tokens, coming)

    def foresee(self, size: int) -> None:
        """Raise 429 where a request would not be let in now: its `size` bytes need not be read.

        Nothing is counted: a client that announces much and sends nothing takes no one's place.
        """
        self._check_requests()
        self._check_bytes(size)

    def enter(self) -> None:
        """Admit a request that has arrived in whole, or raise 429."""
        self._check_requests()
        self.requests += 1

    def leave(self) -> None:
        self.requests -= 1

    def hold(self, size: int) -> None:
        """Count `size` bytes that arrived as held, or raise 429; `release` gives them back."""
        self._check_bytes(size)
        self.bytes += size

    def _check_requests(self) -> None:
        if self.requests >= self.bounds.requests:
            raise self._refused(
                f"{self.requests} requests are being answered, the most this server takes",
                "requests",
            )

    def _check_bytes(self, size: int) -> None:
        if self.bytes + size > self.bounds.waiting_bytes:
            raise self._refused(
                f"the bodies of other requests take {self.bytes} of "
                f"{self.bounds.waiting_bytes} bytes",
                "bytes",
            )

    def release(self, size: int) -> None:
        self.bytes -= size

    def queue(self, tokens: int, deadline: float) -> None:
        """Let `tokens` tokens into the queue, or raise 429. deadline: seconds that are left."""
        self._typical += (tokens - self._typical) * (TYPICAL_MEMORY if self._typical else 1.0)
        waiting = self._waiting_tokens()
        if not waiting:
            return
        if waiting + tokens > self.bounds.waiting_tokens:
            raise self._refused(
                f"{waiting} tokens wait, {tokens} more would exceed {self.bounds.waiting_tokens}",
                "tokens",
            )
        outlook = self._outlook(tokens)
        if self._too_long(tokens, outlook):
            raise self._refused(f"the queue is {outlook.wait:.2g} s long", "queue")
        if outlook.wait > deadline:
            raise self._refused(
                f"the queue is {outlook.wait:.2g} s long, the request allows {deadline:.2g} s",
                "deadline",
            )

    def _too_long(self, tokens: int, outlook: Outlook) -> bool:
        by_tokens = outlook.ahead > self.bounds.ahead + OWN_SHARE * tokens
        return by_tokens or 0 < self.bounds.wait < outlook.wait

    def refusal(self) -> ApiError:
        """429 for a request that is not even read."""
        return self._refused("the server has as much to do as it takes", "crowded")

    def retry_after(self) -> int:
        """Whole seconds until half of what waits now is done: room without an empty queue."""
        wait = self._outlook(self._waiting_tokens()).wait
        return min(LONGEST_RETRY, max(1, ceil(wait / 2)))

    def _refused(self, message: str, reason: str) -> ApiError:
        return overloaded(message, reason, self.retry_after())
