"""One serving process: from a loaded model to the last answer after SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sanic import Sanic
from sanic.application.state import ApplicationServerInfo
from sanic.http.constants import HTTP

from turnout_inference.app import create_app
from turnout_inference.listening import BACKLOG
from turnout_inference.logs import fields
from turnout_inference.protocol import BoundedProtocol
from turnout_inference.service import LOOKS_A_SECOND, Service

log = logging.getLogger("turnout.server")

IDLE_GRACE = 1.0
"""Seconds that a silent connection is given during the drain: its next request may be on its
way, and closing now would lose it."""
SWEEP = 1 / LOOKS_A_SECOND
"""Seconds between two looks at the engine, and at connections that are too slow."""
AT_LEAST = 0.1
"""Seconds that threads are given to end where the drain has left none."""


@dataclass(slots=True)
class Serving:
    """A server that is being served; `stop` drains it."""

    app: Sanic[Any, Any]
    service: Service
    server: Any
    listener: socket.socket
    """A second handle on the listening socket: the event loop closes its own."""
    sweeper: asyncio.Task[None]

    async def drain(self) -> bool:
        """Finish what was admitted within the bound; whether nothing was cut off."""
        settings = self.service.settings
        bound = time.monotonic() + settings.drain_timeout
        self.service.draining = True
        self.app.config.KEEP_ALIVE = False
        await asyncio.sleep(min(settings.drain_wait, settings.drain_timeout))
        await self._stop_listening()
        while time.monotonic() < bound and self._still_open(IDLE_GRACE):
            await asyncio.sleep(0.02)
        cut = sum(connection.in_request for connection in self._connections())
        for connection in self._connections():
            connection.cut()
        self.sweeper.cancel()
        return not cut

    async def _stop_listening(self) -> None:
        """Close the listener, but take in first what the kernel has accepted for us."""
        self.server.close()
        loop = asyncio.get_running_loop()
        taken = []
        with suppress(BlockingIOError):
            while True:
                taken.append(self.listener.accept()[0])
        self.listener.close()
        for connection in taken:
            connection.setblocking(False)
            await loop.connect_accepted_socket(
                lambda: BoundedProtocol(
                    loop=loop, app=self.app, connections=self.server.connections
                ),
                connection,
            )

    def _still_open(self, grace: float) -> bool:
        """Close what has been silent for `grace` seconds; whether any connection is left."""
        now = time.monotonic()
        for connection in self._connections():
            if not connection.in_request and now - connection.active > grace:
                connection.close()
        return bool(self.server.connections)

    def _connections(self) -> list[BoundedProtocol]:
        return list(self.server.connections)


async def start(
    service: Service,
    listener: socket.socket,
    beat: Callable[[], None] = lambda: None,
    give_up: Callable[[str], None] = lambda _reason: None,
) -> Serving:
    """Serve on a listening socket, on the running event loop.

    beat is called every half second, for whoever watches this process. give_up is told, as often,
    why this process should be replaced.
    """
    app = create_app(service)
    spare = listener.dup()
    server = await app.create_server(
        sock=listener, protocol=BoundedProtocol, backlog=BACKLOG, access_log=False
    )
    assert server is not None  # noqa: S101
    # Sanic reads the protocol from here when it strips what is not needed from its own code.
    app.state.server_info.append(ApplicationServerInfo(settings={"version": HTTP.VERSION_1}))
    await server.startup()  # type: ignore[no-untyped-call]
    service.start()
    sweeper = asyncio.get_running_loop().create_task(_sweep(app, service, server, beat, give_up))
    return Serving(app, service, server, spare, sweeper)


async def serve(
    service: Service, listener: socket.socket, beat: Callable[[], None] = lambda: None
) -> bool:
    """Serve until SIGTERM or SIGINT, then drain; whether nothing was cut off or given up.

    A second signal during the drain ends it at once.
    """
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    reasons: list[str] = []

    def give_up(reason: str) -> None:
        if not reasons:
            log.error("giving up: %s; this process ends, to be replaced", reason)
            reasons.append(reason)
            told.set()

    serving = await start(service, listener, beat, give_up)
    host, port = listener.getsockname()[:2]
    log.info("serving", extra=fields(host=host, port=port, model=service.model.manifest.name))
    await told.wait()
    bound = time.monotonic() + service.settings.drain_timeout
    log.info("draining", extra=fields(requests=service.door.requests))
    told.clear()
    drain = loop.create_task(serving.drain())
    again = loop.create_task(told.wait())
    await asyncio.wait({drain, again}, return_when=asyncio.FIRST_COMPLETED)
    drained = drain.done()
    whole = drained and drain.result() and not reasons
    for task in (drain, again):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    service.stop(max(AT_LEAST, bound - time.monotonic()) if drained else AT_LEAST)
    log.info("stopped", extra=fields(drained=whole))
    return whole


async def _sweep(
    app: Sanic[Any, Any],
    service: Service,
    server: Any,
    beat: Callable[[], None],
    give_up: Callable[[str], None],
) -> None:
    while True:
        beat()
        if (reason := service.watch.look()) is not None:
            give_up(reason)
        now = time.monotonic()
        for connection in list(server.connections):
            if connection.cut_if_slow(now, service.settings.read_timeout):
                service.metrics.rejections.labels("slow_client").inc()
        service.gauge()
        service.metrics.connections.set(len(server.connections))
        if refused := app.ctx.refuse_unread.since_told:
            app.ctx.refuse_unread.since_told = 0
            log.warning("overloaded", extra=fields(refused=refused, seconds=SWEEP))
        service.request_log.flush()
        await asyncio.sleep(SWEEP)
