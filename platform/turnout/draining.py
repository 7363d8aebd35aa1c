"""How long a copy may take to leave: the figures of docs/container.md for each way of leaving.

Pure arithmetic; all in seconds.
"""

from dataclasses import dataclass
from typing import Final

# Amazon ECS, "Amazon ECS task definition parameters for Fargate": stopTimeout.
FARGATE_MOST_STOP: Final = 120
# Time for the load balancer to hear that a copy is leaving, after it was told.
_NEWS: Final = 5
_MARGIN: Final = 5


@dataclass(frozen=True)
class Drain:
    """`wait` before the listener closes, `timeout` for the whole shutdown, `stop` until SIGKILL."""

    wait: int
    timeout: int
    stop: int

    def environment(self) -> dict[str, str]:
        """The server's settings."""
        return {
            "TURNOUT_DRAIN_WAIT": str(self.wait),
            "TURNOUT_DRAIN_TIMEOUT": str(self.timeout),
        }


def told_after_deregistration(request_timeout: int, most: int | None = None) -> Drain:
    """The balancer has let go of the copy before SIGTERM: only what came late is still there."""
    return _bounded(_NEWS, request_timeout, most)


def told_at_once(deregistration_delay: int, request_timeout: int, most: int | None = None) -> Drain:
    """SIGTERM comes while the balancer still sends: wait until it has stopped."""
    return _bounded(max(deregistration_delay, _NEWS), request_timeout, most)


def _bounded(wait: int, request_timeout: int, most: int | None) -> Drain:
    timeout = wait + request_timeout
    stop = timeout + _MARGIN
    if most is None or stop <= most:
        return Drain(wait=wait, timeout=timeout, stop=stop)
    return Drain(wait=min(wait, most - 2 * _MARGIN), timeout=most - _MARGIN, stop=most)
