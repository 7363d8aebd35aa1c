"""Refusals under overload, before a request is parsed: saying no must cost next to nothing.

A 429 through the whole of the server costs about as much as a short text costs the model, so at
ten times the load nothing would be left for those who were admitted. A short request is refused
here for a tenth of that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from turnout_inference.routes.exchange import ErrorShape, new_request_id, plain_request_id
from turnout_inference.service import Service
from turnout_inference.strict_http import END, is_strict

LONGEST = 65_536
"""Bytes of a body that is read away; a longer one is left to the server to refuse."""
_DIGITS = 10
"""Of a Content-Length; int() refuses thousands of them."""
_ID = "{request-id}"
_AFTER_PATH = b" HTTP/1.1\r\n"


@dataclass(slots=True)
class Refusal:
    """An answer, and the bytes of its request's body that are to be read away before it."""

    answer: bytes
    missing: int
    last: bool = False
    """Whether the connection is to be closed after it."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A refusal without its request id, whose place in the content is _ID."""

    status: int
    retry_after: str
    content: str


class UnreadRefusals:
    """Called with what a connection received while it was idle: a request's head, maybe more."""

    def __init__(self, service: Service, shapes: Mapping[str, ErrorShape]) -> None:
        self._service = service
        self._shapes = {path.encode(): (path, shape) for path, shape in shapes.items()}
        self._ready: dict[str, _Ready] = {}
        """By path; while there is one, it is crowded until the event loop's next turn."""
        self.since_told = 0
        """Refusals that no log line has told of yet."""

    def __call__(self, data: bytes) -> Refusal | None:
        if not data.startswith(b"POST "):
            return None
        if not self._ready and not self._service.door.crowded:
            self._let_in()
            return None
        found = self._short_request(data)
        if found is None or self._service.settings.cors_origins:
            return None
        path, shape, head, missing = found
        ready = self._ready.get(path) or self._prepare(path, shape)
        given = _header(head, b"x-request-id")
        plain = None if given is None else plain_request_id(given.decode("latin-1"))
        request_id = plain or new_request_id()
        content = ready.content.replace(_ID, request_id).encode()
        self.since_told += 1
        self._service.metrics.refused(path, ready.status)
        last = self._service.draining
        answer = (
            f"HTTP/1.1 {ready.status} Too Many Requests\r\nretry-after: {ready.retry_after}\r\n"
            f"x-request-id: {request_id}\r\nx-content-type-options: nosniff\r\n"
            f"content-length: {len(content)}\r\n"
            f"connection: {'close' if last else 'keep-alive'}\r\n"
            "content-type: application/json\r\n\r\n"
        )
        return Refusal(answer.encode() + content, missing, last)

    def _prepare(self, path: str, shape: ErrorShape) -> _Ready:
        """What all refusals of a path share until the event loop's next turn."""
        error = self._service.door.refusal()
        status, body = shape(error, _ID)
        if not self._ready:
            asyncio.get_running_loop().call_soon(self._ready.clear)
        ready = _Ready(status, error.headers["Retry-After"], orjson.dumps(body).decode())
        self._ready[path] = ready
        return ready

    def _let_in(self) -> None:
        """Count a request as arriving until it had its turn to enter.

        The event loop hands over what all connections received before any of it is handled, so
        without this a crowd that comes at once would all be let in.
        """
        if not self._service.door.arriving:
            loop = asyncio.get_running_loop()
            # The first turn is before the requests' own, the second one after.
            loop.call_soon(loop.call_soon, self._settle)
        self._service.door.arriving += 1

    def _settle(self) -> None:
        self._service.door.arriving = 0

    def _short_request(self, data: bytes) -> tuple[str, ErrorShape, bytes, int] | None:
        """Path, shape, head and missing bytes of one plain POST to the model; else None."""
        end, path_end = data.find(END), data.find(b" ", 5)
        known = self._shapes.get(data[5:path_end])
        if end < 0 or known is None or not data.startswith(_AFTER_PATH, path_end):
            return None
        if not is_strict(data, end):
            return None
        head = data[: end + 2].lower()
        length = _header(head, b"content-length") or b""
        if not length.isdigit() or len(length) > _DIGITS or int(length) > LONGEST:
            return None
        missing = int(length) - (len(data) - end - len(END))
        if missing < 0 or not _once(head, b"content-length") or not _once(head, b"host"):
            return None
        if head.count(b"\r\nconnection:") != head.count(b"\r\nconnection: keep-alive\r\n"):
            return None
        if b"\r\ntransfer-encoding:" in head or b"\r\nexpect:" in head:
            return None
        return *known, data[: end + 2], missing


def _header(head: bytes, name: bytes) -> bytes | None:
    start = head.lower().find(b"\r\n" + name + b":")
    if start < 0:
        return None
    start += len(name) + 3
    return head[start : head.index(b"\r\n", start)].strip()


def _once(head: bytes, name: bytes) -> bool:
    return head.count(b"\r\n" + name + b":") == 1
