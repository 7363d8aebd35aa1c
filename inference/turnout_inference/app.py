"""The Sanic application: which path is served by what, and how anything else is answered."""

from __future__ import annotations

import asyncio
import logging
import time
from itertools import count, groupby
from typing import Any

from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import SanicException
from sanic.handlers import ErrorHandler

from turnout_inference.docs_page import docs_page
from turnout_inference.endpoints import ENDPOINTS, ROOT_HEALTH, Endpoint
from turnout_inference.logs import fields
from turnout_inference.openapi import openapi
from turnout_inference.routes import ours
from turnout_inference.routes.cors import preflight_headers
from turnout_inference.routes.exchange import (
    CLIENT_LEFT,
    ErrorShape,
    Exchange,
    Handler,
    admitted,
    complete,
    finish,
    from_sanic,
    internal_error,
    keyed,
    observed,
    refuse,
    request_id,
)
from turnout_inference.routes.pages import assets, description
from turnout_inference.service import Service
from turnout_inference.strict_http import LONGEST_HEAD
from turnout_inference.unread import UnreadRefusals

log = logging.getLogger(__name__)
_numbers = count(1)
UNKNOWN_PATH = "unknown"
"""What metrics and logs call a path that is not served: strangers choose those."""


class Errors(ErrorHandler):
    """What Sanic refuses by itself: unknown paths, wrong methods, broken HTTP."""

    def __init__(self, service: Service, shapes: dict[str, ErrorShape]) -> None:
        super().__init__()
        self._service = service
        self._shapes = shapes

    def default(self, request: Request, exception: BaseException) -> HTTPResponse:
        if isinstance(exception, asyncio.CancelledError):
            # The client left: nobody reads this, and what was under way has been counted.
            return HTTPResponse(None, CLIENT_LEFT)
        path = request.path if request.path in self._shapes else UNKNOWN_PATH
        shape = self._shapes.get(request.path, ours.error)
        exchange = Exchange(request, self._service, path, time.monotonic(), request_id(request))
        if isinstance(exception, SanicException):
            error = from_sanic(exception)
        else:
            log.error(
                "the request failed",
                exc_info=exception,
                extra=fields(request_id=exchange.request_id, path=path),
            )
            error = internal_error()
        response = refuse(exchange, error, shape)
        complete(exchange, response)
        finish(exchange, response.status)
        return response


def create_app(service: Service) -> Sanic[Any, Any]:
    """An application around a service; it starts nothing by itself."""
    shapes: dict[str, ErrorShape] = {}
    app: Sanic[Any, Any] = Sanic(
        f"turnout-{next(_numbers)}",
        error_handler=Errors(service, shapes),
        configure_logging=False,
    )
    app.ctx.shapes = shapes
    settings = service.settings
    app.config.update(
        {
            "ACCESS_LOG": False,
            "MOTD": False,
            "AUTO_EXTEND": False,
            "KEEP_ALIVE_TIMEOUT": settings.keep_alive,
            "REQUEST_TIMEOUT": settings.read_timeout,
            # Our own bounds come first: 408 for a slow body, 504 for a late answer.
            "RESPONSE_TIMEOUT": settings.read_timeout + settings.request_timeout + 5,
            "REQUEST_MAX_HEADER_SIZE": LONGEST_HEAD,
            # Ours is kept where bodies are read; Sanic holds heads to this one too.
            "REQUEST_MAX_SIZE": max(settings.max_body_bytes, LONGEST_HEAD),
            "MAX_CONNECTIONS": settings.max_connections,
        }
    )

    document = openapi(service.model.manifest.name, not service.access.open)
    files = [description(document), *(assets(docs_page(document)) if settings.pages else ())]
    served = [
        *ENDPOINTS,
        *(() if settings.pages else (ROOT_HEALTH,)),
        *(Endpoint(one.path, one.handler(), "A file.", keyed=False, quiet=True) for one in files),
    ]
    for path, endpoints in groupby(sorted(served, key=_path), key=_path):
        _route(app, service, path, list(endpoints))
    app.ctx.refuse_unread = UnreadRefusals(
        service, {one.path: one.shape for one in ENDPOINTS if one.request is not None}
    )
    return app


def _route(app: Sanic[Any, Any], service: Service, path: str, endpoints: list[Endpoint]) -> None:
    """Serve a path: its methods, HEAD beside GET, and OPTIONS."""

    def add(methods: list[str], handler: Handler, shape: ErrorShape, quiet: bool) -> None:
        name = f"{methods[0]}{path}".replace("/", "_").replace(".", "_").lower()
        observing = observed(service, path, shape, handler, quiet=quiet)
        app.add_route(observing, path, methods=methods, name=name)

    allowed: list[str] = []
    for endpoint in endpoints:
        handler = endpoint.handler
        if endpoint.request is not None:
            handler = admitted(handler)
            app.ctx.shapes[path] = endpoint.shape
        if endpoint.keyed:
            handler = keyed(handler)
        methods = ["GET", "HEAD"] if endpoint.method == "GET" else ["POST"]
        add(methods, handler, endpoint.shape, endpoint.quiet)
        allowed += methods
    app.ctx.shapes.setdefault(path, ours.error)
    add(["OPTIONS"], _options(", ".join(sorted([*allowed, "OPTIONS"]))), ours.error, True)


def _options(allowed: str) -> Handler:
    async def options(exchange: Exchange) -> HTTPResponse:
        origins = exchange.service.settings.cors_origins
        headers = preflight_headers(exchange.request.headers.get("origin"), origins, allowed)
        return HTTPResponse(None, 204, {"allow": allowed} | headers)

    return options


def _path(endpoint: Endpoint) -> str:
    return endpoint.path
