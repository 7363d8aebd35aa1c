"""The server as a supervised background process of this machine: plain functions, no Pulumi."""

from turnout.local.errors import LocalServerError
from turnout.local.port import free_port, is_free
from turnout.local.server import (
    Running,
    ServerSpec,
    State,
    answers,
    digest,
    ensure,
    owns,
    state,
    stop,
    taken,
)

__all__ = [
    "LocalServerError",
    "Running",
    "ServerSpec",
    "State",
    "answers",
    "digest",
    "ensure",
    "free_port",
    "is_free",
    "owns",
    "state",
    "stop",
    "taken",
]
