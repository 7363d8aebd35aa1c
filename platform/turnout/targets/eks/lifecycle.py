"""When a pod leaves: how long each step takes, so that no request is lost. Pure arithmetic."""

from dataclasses import dataclass
from typing import Final

# Between a pod's end being announced and the load balancer knowing of it lie the endpoint
# controller, the TargetGroupBinding controller and the load balancer's own nodes.
_NEWS_TRAVELS: Final = 10
_MARGIN: Final = 5


@dataclass(frozen=True)
class Leaving:
    """The steps of a pod's end, in seconds."""

    pre_stop: int
    """The pod serves on while the load balancer takes it out and its last requests end."""
    drain_timeout: int
    """From SIGTERM on: the server finishes what it admitted."""
    grace: int
    """After which Kubernetes kills; longer than both together."""


def leaving(deregistration_delay: int, request_timeout: int) -> Leaving:
    """The steps for a load balancer's `deregistration_delay` and the longest request, seconds."""
    pre_stop = deregistration_delay + _NEWS_TRAVELS
    drain_timeout = request_timeout + _MARGIN
    return Leaving(
        pre_stop=pre_stop, drain_timeout=drain_timeout, grace=pre_stop + drain_timeout + _MARGIN
    )


def settling(interval: int, healthy_threshold: int) -> int:
    """Seconds that a new pod must have been ready before an old one leaves.

    The load balancer sends nothing before its own checks have passed, and Auto Mode has no
    readiness gate that would tell Kubernetes so.
    """
    return interval * healthy_threshold + _NEWS_TRAVELS
