"""The Sanic application: which path is served by what, and how anything else is answered."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import SanicException
from sanic.handlers import ErrorHandler

from turnout_inference.logs import fields
from turnout_inference.routes import health, infinity, ours, tei
from turnout_inference.routes.exchange import (
    ErrorShape,
    Exchange,
    from_sanic,
    inference,
    internal_error,
    observed,
    refuse,
    request_id,
)
from turnout_inference.service import Service

log = logging.getLogger(__name__)
_numbers = itertools.count(1)
UNKNOWN_PATH = "unknown"
"""What metrics and logs call a path that is not served: strangers choose those."""


class Errors(ErrorHandler):
    """What Sanic refuses by itself: unknown paths, wrong methods, broken HTTP."""

    def __init__(self, service: Service, shapes: dict[str, ErrorShape]) -> None:
        super().__init__()
        self._service = service
        self._shapes = shapes

    def default(self, request: Request, exception: Exception) -> HTTPResponse:
        path = request.path if request.path in self._shapes else UNKNOWN_PATH
        shape = self._shapes.get(request.path, ours.error)
        exchange = Exchange(request, self._service, path, time.monotonic(), request_id(request))
        if isinstance(exception, SanicException):
            error = from_sanic(exception)
        else:
            log.error("the request failed", exc_info=exception, extra=fields(path=path))
            error = internal_error()
        response = refuse(exchange, error, shape)
        response.headers["x-request-id"] = exchange.request_id
        self._service.metrics.requests.labels(path, response.status).inc()
        return response


def create_app(service: Service) -> Sanic[Any, Any]:
    """An application around a service; it starts nothing by itself."""
    shapes: dict[str, ErrorShape] = {}
    app: Sanic[Any, Any] = Sanic(
        f"turnout-{next(_numbers)}",
        error_handler=Errors(service, shapes),
        configure_logging=False,
    )
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
            "REQUEST_MAX_SIZE": settings.max_body_bytes,
            "MAX_CONNECTIONS": settings.max_connections,
        }
    )

    def route(path: str, methods: Iterable[str], handler: Callable[..., Any]) -> None:
        app.add_route(handler, path, methods=list(methods), name=_name(path, methods))

    for path, handler, shape in (
        ("/v1/classify", ours.classify, ours.error),
        ("/predict", tei.predict, tei.error),
        ("/invocations", tei.predict, tei.error),
        ("/classify", infinity.classify, infinity.error),
    ):
        shapes[path] = shape
        route(path, ["POST"], inference(service, path, shape, handler))
    for path, handler in (
        ("/health", health.health),
        ("/ping", health.health),
        ("/readyz", health.health),
        ("/livez", health.livez),
        ("/metrics", health.metrics),
        ("/v1/model", ours.model),
        ("/info", tei.info),
    ):
        shapes[path] = ours.error
        quiet = path not in {"/v1/model", "/info"}
        route(path, ["GET", "HEAD"], observed(service, path, ours.error, handler, quiet=quiet))
    return app


def _name(path: str, methods: Iterable[str]) -> str:
    return f"{'_'.join(methods)}{path.replace('/', '_').replace('.', '_')}".lower()
