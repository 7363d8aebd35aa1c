"""One request and its answer: identity, key, body, errors, figures and the log line."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from sanic import HTTPResponse, Request
from sanic.exceptions import (
    BadRequest,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    RequestTimeout,
    SanicException,
)

from turnout_inference.errors import ApiError, Code
from turnout_inference.logs import fields
from turnout_inference.routes.body import INLINE, check_headers, parse_body, too_large
from turnout_inference.routes.cors import cors_headers
from turnout_inference.schemas import Shape
from turnout_inference.service import Deadline, Service
from turnout_inference.strict_http import HeadTooLong, StrictHttp

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_TRACE_PARENT = re.compile(
    r"(?!ff|00.{54})[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?"
)
"""W3C Trace Context: no version ff, nothing after the flags in version 00, no id of zeros."""
_SECONDS = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_METHODS = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
CLIENT_LEFT = 499
"""In logs and metrics the status of a request whose client did not wait for the answer."""
_UNREAD = 65_536
"""Bytes of a refused body that are read away, so that the client sees the answer."""

ErrorShape = Callable[[ApiError, str], tuple[int, object]]
"""An API's status and JSON for an error, from the error and the request id."""


@dataclass(slots=True)
class Exchange:
    """What a handler has at hand; `noted` goes into the log line."""

    request: Request
    service: Service
    path: str
    began: float
    request_id: str
    noted: dict[str, object] = field(default_factory=dict)
    _held: int = 0
    _entered: bool = False

    @property
    def method(self) -> str:
        """As logs call it: a stranger may make one up."""
        given = self.request.method
        return given if given in _METHODS else "unknown"

    @property
    def deadline(self) -> Deadline:
        """The server's bound, or the client's when that is shorter."""
        longest = self.service.settings.request_timeout
        given = self.request.headers.get("x-request-timeout")
        seconds = longest if given is None else _seconds(given)
        if seconds < longest:
            return Deadline(self.began + seconds, by_client=True)
        return Deadline(self.began + longest)

    async def read(self, shape: type[Shape]) -> Shape:
        """The body; ApiError for a wrong type, size, encoding, syntax, shape or pace."""
        check_headers(self.request.headers)
        body = await self._body()
        self.service.door.enter()
        self._entered = True
        max_texts = self.service.settings.max_texts
        if len(body) <= INLINE:
            return parse_body(shape, body, max_texts)
        # Sanic stops reading when so much waits to be read, and only goes on to read more of the
        # same body. Until it reads, nobody notices that the client left.
        transport = _stream(self.request).protocol.transport
        if transport is not None:
            transport.resume_reading()
        return await self.service.aside(lambda: parse_body(shape, body, max_texts), self.deadline)

    async def _body(self) -> bytes:
        stream = _stream(self.request)
        limit = self.service.settings.max_body_bytes
        declared = self.request.headers.get("content-length")
        if declared is not None:
            if int(declared) > limit:
                raise too_large(f"{declared} bytes", limit)
            if (body := stream.take_body()) is not None:
                self._hold(len(body))
                return body
        self.service.door.foresee(int(declared or 0))
        try:
            async with asyncio.timeout(self.service.settings.read_timeout):
                return await self._gather(stream, limit)
        except TimeoutError:
            # Nothing more is expected of this client, not even the rest.
            stream.request_body = None
            stream.keep_alive = False
            raise ApiError(
                408,
                Code.READ_TIMEOUT,
                f"the body did not arrive within {self.service.settings.read_timeout:g} s",
                "send it faster, or in smaller requests",
            ) from None

    async def _gather(self, stream: StrictHttp, limit: int) -> bytes:
        body = bytearray()
        while stream.request_body and (part := await stream.read()) is not None:
            if len(body) + len(part) > limit:
                raise too_large(f"more than {limit} bytes", limit)
            self._hold(len(part))
            body += part
        return bytes(body)

    def _hold(self, size: int) -> None:
        self.service.door.hold(size)
        self._held += size

    def leave(self) -> None:
        """Give back what the request took of the house."""
        self.service.door.release(self._held)
        if self._entered:
            self.service.door.leave()


Handler = Callable[[Exchange], Awaitable[HTTPResponse]]


def answer_json(value: object, status: int = 200, **headers: str) -> HTTPResponse:
    """A JSON response; header names are given with underscores."""
    return HTTPResponse(
        orjson.dumps(value),
        status,
        {name.replace("_", "-"): text for name, text in headers.items()},
        "application/json",
    )


def admitted(handler: Handler) -> Handler:
    """A handler of work for the model: bounded in number, memory and time."""

    async def handle(exchange: Exchange) -> HTTPResponse:
        service = exchange.service
        if service.status not in {"ok", "draining"}:
            raise service.unavailable()
        try:
            return await handler(exchange)
        finally:
            exchange.leave()

    return handle


def keyed(handler: Handler) -> Handler:
    """A handler that asks for an API key first, where keys are configured."""

    async def handle(exchange: Exchange) -> HTTPResponse:
        headers = exchange.request.headers
        exchange.service.access.check(headers.get("authorization"), headers.get("x-api-key"))
        return await handler(exchange)

    return handle


def observed(
    service: Service, path: str, shape: ErrorShape, handler: Handler, *, quiet: bool = False
) -> Any:
    """A Sanic handler around ours: every answer is counted, logged and carries a request id.

    The body is left to the handler to read. quiet: log at debug, as for health checks.
    """

    async def handle(request: Request, **_: object) -> HTTPResponse:
        exchange = Exchange(request, service, path, time.monotonic(), request_id(request))
        try:
            response = await handler(exchange)
            if _stream(request).request_body:
                await _read_away(exchange)
        except ApiError as error:
            response = refuse(exchange, error, shape)
        except SanicException as error:
            response = refuse(exchange, from_sanic(error), shape)
        except asyncio.CancelledError:
            finish(exchange, CLIENT_LEFT, quiet)
            raise
        except Exception:
            log.exception("the request failed", extra=fields(request_id=exchange.request_id))
            response = refuse(exchange, internal_error(), shape)
        complete(exchange, response)
        finish(exchange, response.status, quiet)
        return response

    handle.is_stream = True  # type: ignore[attr-defined]
    return handle


async def _read_away(exchange: Exchange) -> None:
    """Read a body that a request brought to where none is asked for, as far as it is short.

    An answer that comes before it Sanic takes for our fault, and logs an error.
    """
    stream, settings = _stream(exchange.request), exchange.service.settings
    stream.request_max_size = min(_UNREAD, settings.max_body_bytes)
    try:
        async with asyncio.timeout(settings.read_timeout):
            while stream.request_body:
                await stream.read()
    except (TimeoutError, BadRequest, PayloadTooLarge):
        stream.request_body = None
        stream.keep_alive = False


def complete(exchange: Exchange, response: HTTPResponse) -> None:
    """The headers that every answer has; what is unread of a body is bounded."""
    stream = _stream(exchange.request)
    if stream.request_body:
        bound = min(_UNREAD, exchange.service.settings.max_body_bytes)
        stream.request_max_size = bound
        if stream.expecting_continue:
            # Told no before it sent anything, the client must not be told to go on.
            stream.expecting_continue = False
            stream.request_body = None
            stream.keep_alive = False
        declared = exchange.request.headers.get("content-length", "")
        if not declared.isdecimal() or int(declared) > bound:
            stream.keep_alive = False
    headers = response.headers
    headers["x-request-id"] = exchange.request_id
    headers["x-content-type-options"] = "nosniff"
    origins = exchange.service.settings.cors_origins
    if origins:
        headers.update(cors_headers(exchange.request.headers.get("origin"), origins))


def refuse(exchange: Exchange, error: ApiError, shape: ErrorShape) -> HTTPResponse:
    """The answer to a request that cannot be served."""
    exchange.noted["error"] = error.code.value
    exchange.service.metrics.rejections.labels(error.reason).inc()
    status, body = shape(error, exchange.request_id)
    response = answer_json(body, status)
    response.headers.update(error.headers)
    return response


def from_sanic(error: SanicException) -> ApiError:
    """What Sanic found wrong with a request, in our words."""
    match error:
        case NotFound():
            return ApiError(
                404, Code.NOT_FOUND, "there is nothing at this path", "see /openapi.json"
            )
        case MethodNotAllowed():
            allowed = str(error.headers.get("Allow", "")).split(", ")
            return ApiError(
                405,
                Code.METHOD_NOT_ALLOWED,
                "the path does not take this method",
                "the Allow header lists those that it takes",
                headers={"Allow": ", ".join(sorted(allowed))},
            )
        case PayloadTooLarge():
            return ApiError(413, Code.BODY_TOO_LARGE, _plain(error), "send less at once")
        case HeadTooLong():
            return ApiError(
                431, Code.BAD_HTTP, _plain(error), "send fewer headers, or shorter ones"
            )
        case RequestTimeout():
            return ApiError(
                408, Code.READ_TIMEOUT, "the request did not arrive in time", "send it faster"
            )
        case BadRequest():
            return ApiError(
                400, Code.BAD_HTTP, f"not a valid HTTP request: {_plain(error)}", "see RFC 9112"
            )
        case _ if error.status_code < 500:
            return ApiError(error.status_code, Code.BAD_HTTP, _plain(error), "see RFC 9110")
        case _:
            return internal_error()


def _plain(error: SanicException) -> str:
    """Its message, which may repeat bytes that are no text."""
    return str(error).encode("ascii", "backslashreplace").decode()


def request_id(request: Request) -> str:
    """The client's X-Request-Id where it is a plain one, else a new one."""
    return plain_request_id(request.headers.get("x-request-id")) or new_request_id()


def new_request_id() -> str:
    """128 random bits in hex; unguessable they need not be, and the kernel is not asked."""
    return f"{random.getrandbits(128):032x}"


def plain_request_id(given: str | None) -> str | None:
    """A given request id that is safe to repeat in headers and logs, else None."""
    return given if given is not None and _REQUEST_ID.fullmatch(given) else None


def internal_error() -> ApiError:
    return ApiError(
        500,
        Code.INTERNAL,
        "the server failed on this request",
        "try again; where it stays so, report the request id",
    )


def finish(exchange: Exchange, status: int, quiet: bool = False) -> None:
    """Count and log an answer."""
    service = exchange.service
    seconds = time.monotonic() - exchange.began
    service.metrics.answered(exchange.path, status, seconds)
    if service.tracer is not None and not quiet:
        service.tracer.record(
            exchange.request.headers,
            exchange.method,
            exchange.path,
            status,
            seconds,
            exchange.noted,
        )
    level = logging.DEBUG if quiet else logging.INFO
    if not service.settings.log_requests or not service.request_log.wants(level):
        return
    given = exchange.request.headers.get("traceparent")
    trace = None if given is None else _TRACE_PARENT.fullmatch(given)
    service.request_log.add(
        level,
        {
            "request_id": exchange.request_id,
            "trace_id": trace and trace[1],
            "span_id": trace and trace[2],
            "method": exchange.method,
            "path": exchange.path,
            "status": status,
            "ms": round(seconds * 1000, 2),
            **exchange.noted,
        },
    )


def _stream(request: Request) -> StrictHttp:
    stream = request.stream
    assert isinstance(stream, StrictHttp)  # noqa: S101 - the server speaks HTTP/1.1 only
    return stream


def _seconds(given: str) -> float:
    seconds = float(given) if _SECONDS.fullmatch(given) else -1.0
    if not 0 < seconds < float("inf"):
        raise ApiError(
            400,
            Code.BAD_HTTP,
            f"X-Request-Timeout: {given[:40]!r} is not a number of seconds above 0",
            "send it as 0.5 or 10, or leave it out",
        )
    return seconds
