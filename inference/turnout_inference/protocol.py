"""Sanic's HTTP protocol, with bounds that its own timeouts do not set.

Sanic's timeouts start anew with every byte that arrives, so a client that sends one byte at a
time holds a connection for hours; here a request's head has a fixed time to arrive.
"""

from __future__ import annotations

import socket
import time
from typing import Any

from sanic.http import Stage
from sanic.server.protocols.http_protocol import HttpProtocol

_PROBE_AFTER, _PROBE_EVERY, _PROBES = 30, 10, 3
"""Seconds of silence until TCP asks whether the client is still there, and so on."""


class BoundedProtocol(HttpProtocol):
    """max_connections is read from the app's config, as MAX_CONNECTIONS."""

    __slots__ = ("active", "head_since")

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.head_since: float | None = None
        self.active = time.monotonic()

    def connection_made(self, transport: Any) -> None:
        if len(self.connections) >= self.app.config.MAX_CONNECTIONS:
            transport.abort()
            return
        _probe_silent_clients(transport)
        super().connection_made(transport)  # type: ignore[no-untyped-call]

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport is not None:
            super().connection_lost(exc)  # type: ignore[no-untyped-call]

    def data_received(self, data: bytes) -> None:
        self.active = time.monotonic()
        if self.head_since is None and self.stage in {Stage.IDLE, Stage.REQUEST}:
            self.head_since = self.active
        super().data_received(data)

    @property
    def stage(self) -> Stage:
        http = self.http
        return Stage.IDLE if http is None else http.stage

    @property
    def in_request(self) -> bool:
        """Whether a request is being read, computed or answered."""
        http = self.http
        return http is not None and (
            http.stage is not Stage.IDLE or bool(self.recv_buffer) or http.request_body is not None
        )

    def cut_slow_head(self, now: float, allowed: float) -> bool:
        """Close the connection if its request's head has been arriving for too long."""
        if self.stage is not Stage.REQUEST:
            self.head_since = None
        elif self.head_since is not None and now - self.head_since > allowed:
            self.cut()
            return True
        return False

    def cut(self) -> None:
        """Close the connection now, whatever is under way on it."""
        if self.transport is not None:
            self.transport.abort()


def _probe_silent_clients(transport: Any) -> None:
    """Let the kernel find clients that went away without a word."""
    raw = transport.get_extra_info("socket")
    if raw is None or raw.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    for option, value in (
        (socket.TCP_KEEPIDLE, _PROBE_AFTER),
        (socket.TCP_KEEPINTVL, _PROBE_EVERY),
        (socket.TCP_KEEPCNT, _PROBES),
        (socket.TCP_USER_TIMEOUT, 1000 * (_PROBE_AFTER + _PROBE_EVERY * _PROBES)),
    ):
        raw.setsockopt(socket.IPPROTO_TCP, option, value)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
