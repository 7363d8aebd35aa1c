"""When a pod leaves: how long each step takes, so that no request is lost. Pure arithmetic."""

from dataclasses import dataclass
from typing import Final

from turnout.draining import Drain, told_after_deregistration

# Between a pod's end being announced and the load balancer knowing of it lie the endpoint
# controller, the TargetGroupBinding controller and the load balancer's own nodes.
_NEWS_TRAVELS: Final = 10


@dataclass(frozen=True)
class Leaving:
    """The steps of a pod's end, in seconds."""

    pre_stop: int
    """The pod serves on while the load balancer takes it out and its last requests end."""
    drain: Drain
    """From SIGTERM on."""
    grace: int
    """After which Kubernetes kills; longer than both together."""


def leaving(deregistration_delay: int, request_timeout: int) -> Leaving:
    """The steps for a load balancer's `deregistration_delay` and the longest request, seconds."""
    pre_stop = deregistration_delay + _NEWS_TRAVELS
    drain = told_after_deregistration(request_timeout)
    return Leaving(pre_stop=pre_stop, drain=drain, grace=pre_stop + drain.stop)


def settling(interval: int, healthy_threshold: int) -> int:
    """Seconds that a new pod must have been ready before an old one leaves.

    The load balancer sends nothing before its own checks have passed, and Auto Mode has no
    readiness gate that would tell Kubernetes so.
    """
    return interval * healthy_threshold + _NEWS_TRAVELS
