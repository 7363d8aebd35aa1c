"""HTTP/1.1 from strangers, by the letter: what two parsers could read in two ways is refused.

Sanic takes a space before a colon, a line feed alone, digits of any script and more, each of which
lets a request hide in another one's body where a proxy in front reads it in the other way.
"""

from __future__ import annotations

import re
from typing import Any

from sanic import Request
from sanic.exceptions import BadRequest, SanicException
from sanic.http import Http

LONGEST_HEAD = 16_384
"""Bytes of request line and headers; Sanic can do no more."""
_LONGEST_CHUNK_LINE = 256
END = b"\r\n\r\n"

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_LINE = rb"%b (?:/[!-\"$-~]*|\*|https?://[!-\"$-.0-9:-~]+/[!-\"$-~]*) HTTP/1\.[01]" % _TOKEN
_FIELD = rb"%b:[\t -~\x80-\xff]*" % _TOKEN
_HEAD = re.compile(rb"%b(?:\r\n%b)*+" % (_LINE, _FIELD))
_REQUEST_LINE, _HEADER = re.compile(_LINE), re.compile(_FIELD)
_DIGITS = re.compile(r"[0-9]+[ \t]*")
_FRAMING = re.compile(
    rb"\r\n(?:content-length:[ \t]*[0-9]+|transfer-encoding:[ \t]*chunked)[ \t]*(?:\r\n|\Z)",
    re.IGNORECASE,
)
_CHUNK_LINE = re.compile(rb"\r\n[0-9A-Fa-f]{1,16}(?:;[\t -~\x80-\xff]*)?\r\n")


class HeadTooLong(SanicException):
    """A head of more than LONGEST_HEAD bytes."""

    status_code = 431
    quiet = True


def is_strict(data: bytes | bytearray, end: int) -> bool:
    """Whether `data` up to `end`, where its first empty line is, is a head by the letter."""
    return _HEAD.fullmatch(data, 0, end) is not None


class StrictHttp(Http):
    """Sanic's HTTP/1.1, which sees only what passed; all else gets 4xx and a closed connection."""

    __slots__ = ()

    async def http1_request_header(self) -> None:
        """Receive a head into `request`."""
        end = await self._end_of_head()
        if not is_strict(self.recv_buffer, end):
            raise BadRequest(_what_is_wrong(bytes(self.recv_buffer[:end])))
        try:
            await super().http1_request_header()  # type: ignore[no-untyped-call]
        except BadRequest:
            # To answer, Sanic would parse the target again, and fail again.
            self.url = None
            raise BadRequest(
                "the target, Content-Length or Transfer-Encoding is not valid, or not alone"
            ) from None
        # There are none here; Sanic would lift its bounds on time for one.
        self.upgrade_websocket = False
        self._check_framing()

    async def _end_of_head(self) -> int:
        buffer: bytearray = self.recv_buffer
        start = 0
        while (end := buffer.find(END, start)) < 0:
            start = max(0, len(buffer) - len(END) + 1)
            if start >= LONGEST_HEAD:
                break
            await self._receive_more()
        if not 0 <= end < LONGEST_HEAD:
            raise HeadTooLong(
                f"the request line and the headers take more than {LONGEST_HEAD} bytes"
            )
        return end

    def _check_framing(self) -> None:
        request = self.request
        problem = None
        hosts = len(request.headers.getall("host", ()))
        if hosts > 1 or (not hosts and request.version == "1.1"):
            problem = "Host must be sent, once"
        elif self._chunked and request.version != "1.1":
            problem = "Transfer-Encoding needs HTTP/1.1"
        elif self.request_body and not _is_framed(request):
            problem = "Content-Length or Transfer-Encoding is not valid"
        if len(request.headers.getall("connection", ())) > 1:
            # Sanic hears the last one only, and one of them may be `close`.
            self.keep_alive = False
        if problem is not None:
            self.request_body = None
            raise BadRequest(problem)

    @property
    def _chunked(self) -> bool:
        """Whether more chunks are to come: Sanic keeps that where a whole body would be."""
        kind: Any = self.request_body
        return bool(kind == "chunked")

    def take_body(self) -> bytes | None:
        """The whole body, where it is here already, as of nearly every request; else None."""
        size = self.request_bytes_left or 0
        if self._chunked or not 0 < size <= len(self.recv_buffer):
            return None
        body = bytes(self.recv_buffer[:size])
        del self.recv_buffer[:size]
        self.request_bytes_left = 0
        self.request_body = None
        self.expecting_continue = False
        return body

    async def read(self) -> bytes | None:
        """Some bytes of the request's body; None at its end."""
        if self._chunked and not self.request_bytes_left:
            await self._check_chunk_line()
        return await super().read()

    async def _check_chunk_line(self) -> None:
        """The line break that ends the chunk before, and the next one's size."""
        if self.expecting_continue:
            self.expecting_continue = False
            await self._send(b"HTTP/1.1 100 Continue\r\n\r\n")
        buffer = self.recv_buffer
        while (end := buffer.find(b"\r\n", 2)) < 0:
            if len(buffer) > _LONGEST_CHUNK_LINE or not buffer.startswith(b"\r\n"[: len(buffer)]):
                break
            await self._receive_more()
        line = buffer[: min(end + 2, _LONGEST_CHUNK_LINE)]
        if _CHUNK_LINE.fullmatch(line) is None:
            self.request_body = None
            self.keep_alive = False
            raise BadRequest("the chunks of the body are broken")


def _is_framed(request: Request) -> bool:
    length = request.headers.get("content-length")
    if length is not None and not _DIGITS.fullmatch(length):
        return False
    # Sanic has stripped spaces of any script; there are some only where not all is ASCII.
    return request.head.isascii() or _FRAMING.search(request.head) is not None


def _what_is_wrong(head: bytes) -> str:
    """The place of it, never the words: those are a stranger's, and may be private."""
    first, *rest = head.split(b"\r\n")
    if _REQUEST_LINE.fullmatch(first) is None:
        return "the request line is not `METHOD /path HTTP/1.1`"
    wrong = next(number for number, line in enumerate(rest, 1) if _HEADER.fullmatch(line) is None)
    return f"header line {wrong} is not `name: value` on one line"
