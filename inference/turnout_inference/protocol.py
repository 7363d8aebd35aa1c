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

from turnout_inference.strict_http import StrictHttp
from turnout_inference.unread import Refusal

_PROBE_AFTER, _PROBE_EVERY, _PROBES = 30, 10, 3
"""Seconds of silence until TCP asks whether the client is still there, and so on."""


class BoundedProtocol(HttpProtocol):
    """Reads MAX_CONNECTIONS from the app's config.

    `app.ctx.refuse_unread(data)` may answer a request before Sanic sees it; None: it may not.
    """

    HTTP_CLASS = StrictHttp
    __slots__ = ("active", "arriving_since", "refusal")

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.arriving_since: float | None = None
        self.active = time.monotonic()
        self.refusal: Refusal | None = None

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
        if self.refusal is not None:
            data = self._read_away(data)
        elif not self.recv_buffer and self.stage is Stage.IDLE:
            self.refusal = self.app.ctx.refuse_unread(data)
            if self.refusal is not None:
                data = self._read_away(b"")
        if data:
            super().data_received(data)

    def _read_away(self, data: bytes) -> bytes:
        """Drop what belongs to a refused request, answer it once all is here; give the rest."""
        assert self.refusal is not None  # noqa: S101
        taken = min(self.refusal.missing, len(data))
        self.refusal.missing -= taken
        if not self.refusal.missing:
            if self.transport is not None:
                self.transport.write(self.refusal.answer)
            last, self.refusal = self.refusal.last, None
            if last:
                self.close()
                return b""
        return data[taken:]

    @property
    def stage(self) -> Stage:
        http = self.http
        return Stage.IDLE if http is None else http.stage

    @property
    def in_request(self) -> bool:
        """Whether a request is being read, computed or answered."""
        if self.refusal is not None:
            return True
        http = self.http
        return http is not None and (
            http.stage is not Stage.IDLE or bool(self.recv_buffer) or http.request_body is not None
        )

    def cut_if_slow(self, now: float, allowed: float) -> bool:
        """Close the connection if something other than a body has been arriving for too long.

        Bodies have a bound of their own while a handler reads them. To be called regularly: the
        time counts from the first call that found the connection so.
        """
        http = self.http
        unread_rest = http is not None and http.stage is Stage.IDLE and bool(http.request_body)
        if not (self.stage is Stage.REQUEST or unread_rest or self.refusal is not None):
            self.arriving_since = None
        elif self.arriving_since is None:
            self.arriving_since = now
        elif now - self.arriving_since > allowed:
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
