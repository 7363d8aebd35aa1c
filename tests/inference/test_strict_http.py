"""Requests that two parsers could read in two ways: 400, closed, and nothing of them executed."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.inference.running import Running, running

BODY = b'{"inputs": "a"}'
LINE = b"POST /v1/classify HTTP/1.1"
HOST, TYPE, LENGTH = b"Host: x", b"Content-Type: application/json", b"Content-Length: 15"
CHUNKED = b"Transfer-Encoding: chunked"
HIDDEN = b"GET /v1/model HTTP/1.1\r\nHost: x\r\nX: y\r\n\r\n"
"""A request in the place of a body; whoever answers it was deceived."""


def request(*headers: bytes, line: bytes = LINE, body: bytes = BODY) -> bytes:
    return b"\r\n".join([line, *headers]) + b"\r\n\r\n" + body


def exchange(server: Running, *parts: bytes, patience: float = 10) -> tuple[bytes, bool]:
    """All that is answered to `parts`, sent a moment apart; and whether the connection closed."""
    with server.connect() as connection:
        for part in parts:
            connection.sendall(part)
            if part is not parts[-1]:
                time.sleep(0.03)
        return receive(connection, patience)


def receive(connection: socket.socket, patience: float) -> tuple[bytes, bool]:
    connection.settimeout(patience)
    answer = b""
    try:
        while part := connection.recv(65_536):
            answer += part
    except TimeoutError:
        return answer, False
    except ConnectionResetError:
        pass
    return answer, True


def refused(server: Running, *parts: bytes, status: int = 400) -> str:
    """Assert one refusal and a closed connection; its message."""
    answer, closed = exchange(server, *parts)
    assert closed
    assert answer.count(b"HTTP/1.1 ") == 1
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nconnection: close" in head
    error = json.loads(body)["error"]
    assert error["code"] == "bad_http"
    message: str = error["message"]
    return message


def test_the_baseline_is_served(server: Running) -> None:
    answer, closed = exchange(server, request(HOST, TYPE, LENGTH), patience=0.3)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert not closed


@pytest.mark.parametrize(
    "headers",
    [
        (b"Content-Length : 15",),
        (b"Content-Length\t: 15",),
        (LENGTH, b"Transfer-Encoding : chunked"),
        (LENGTH, b" continued: here"),
        (b"X: a", b" b"),
        (b" Content-Length: 15",),
        (b"X: a\nContent-Length: 15",),
        (b"X: a\rContent-Length: 15",),
        (b"X: a\0b", LENGTH),
        (b"X\0: a", LENGTH),
        (b"X: \x1b[31m", LENGTH),
        (b": a", LENGTH),
        (b"X(): a", LENGTH),
        (b"no colon", LENGTH),
        ("이름: a".encode(), LENGTH),
        ("Content-Length: ١٥".encode(),),
        (b"Content-Length: +15",),
        (b"Content-Length: -15",),
        (b"Content-Length: 1_5",),
        (b"Content-Length: 15.0",),
        (b"Content-Length: 15, 15",),
        (b"Content-Length: 0xf",),
        (b"Content-Length: \xc2\xa015",),
        (b"Content-Length:",),
        (b"Content-Length: " + b"9" * 5000,),
        (LENGTH, LENGTH),
        (LENGTH, b"content-length: 0"),
        (LENGTH, CHUNKED),
        (CHUNKED, CHUNKED),
        (b"Transfer-Encoding: gzip, chunked",),
        (b"Transfer-Encoding: identity",),
        (b"Transfer-Encoding: \x0bchunked",),
        (b"Transfer-Encoding: \xc2\xa0chunked",),
        (HOST, LENGTH),
    ],
)
def test_a_head_that_is_not_by_the_letter_is_refused_and_nothing_after_it_is_read(
    server: Running, headers: tuple[bytes, ...]
) -> None:
    refused(server, request(HOST, TYPE, *headers, body=HIDDEN))


def test_a_request_needs_a_host(server: Running) -> None:
    assert "Host" in refused(server, request(TYPE, LENGTH))
    old = request(TYPE, LENGTH, line=b"POST /v1/classify HTTP/1.0")
    assert exchange(server, old)[0].startswith(b"HTTP/1.1 200 ")
    refused(server, request(HOST, HOST, TYPE, LENGTH, line=b"POST /v1/classify HTTP/1.0"))


@pytest.mark.parametrize(
    "headers",
    [
        (b"Connection: close",),
        (b"Connection: Close, x",),
        (b"Connection: keep-alive, close",),
        (b"Connection: close", b"Connection: keep-alive"),
        (b"Connection: keep-alive", b"Connection: close"),
    ],
)
def test_who_asks_to_close_in_any_way_is_closed_on(
    server: Running, headers: tuple[bytes, ...]
) -> None:
    answer, closed = exchange(server, request(HOST, TYPE, LENGTH, *headers), HIDDEN)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert closed


@pytest.mark.parametrize(
    "line",
    [
        b"GET livez?text=private HTTP/1.1",
        b"CONNECT private:80 HTTP/1.1",
        b"GET /private\tb HTTP/1.1",
        b"GET /private\0 HTTP/1.1",
        b"GET /private#b HTTP/1.1",
        b"GET ?private HTTP/1.1",
        b"GET #private HTTP/1.1",
        b"GET private: HTTP/1.1",
        b"GET http:private HTTP/1.1",
        b"GET http:///private HTTP/1.1",
        b"GET http://private HTTP/1.1",
        b"GET http://[::1/private HTTP/1.1",
        "GET /개인 HTTP/1.1".encode(),
        b"GET  HTTP/1.1",
        b"GET  /private HTTP/1.1",
        b"GET /private  HTTP/1.1",
        b"GET /private HTTP/1.1 ",
        b" GET /private HTTP/1.1",
        b"GET /private",
        b"GET /private HTTP/1.2",
        b"GET /private HTTP/2.0",
        b"GET /private http/1.1",
        b"G(T /private HTTP/1.1",
        b"PRI * HTTP/2.0",
    ],
)
def test_a_request_line_that_is_none_is_refused_and_not_repeated(
    server: Running, line: bytes, capfd: pytest.CaptureFixture[str], caplog: object
) -> None:
    message = refused(server, request(HOST, line=line, body=b""))
    written = capfd.readouterr()
    logged = getattr(caplog, "text", "")
    for said in (message, written.out, written.err, logged):
        assert "private" not in said
        assert "Traceback" not in said


@pytest.mark.parametrize(
    "line",
    [
        b"GET http://anywhere:80/livez HTTP/1.1",
        b"GET https://[::1]:80/livez?a=b HTTP/1.1",
        b"GET /livez?%zz&[]{}|<>^`\\ HTTP/1.1",
    ],
)
def test_a_request_line_that_is_odd_but_allowed_is_served(server: Running, line: bytes) -> None:
    answer, _ = exchange(server, request(HOST, line=line, body=b""), patience=0.3)
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "body",
    [
        b"0xf\r\n" + BODY + b"\r\n0\r\n\r\n",
        b" f\r\n" + BODY + b"\r\n0\r\n\r\n",
        b"f \r\n" + BODY + b"\r\n0\r\n\r\n",
        b"f ;a\r\n" + BODY + b"\r\n0\r\n\r\n",
        b"+f\r\n" + BODY + b"\r\n0\r\n\r\n",
        "٥\r\n".encode() + b"12345\r\n0\r\n\r\n",
        b"\r\n" + BODY + b"\r\n0\r\n\r\n",
        b"zz\r\n" + BODY + b"\r\n0\r\n\r\n",
        b"-5\r\n" + BODY + b"\r\n0\r\n\r\n",
        b"f" * 17 + b"\r\n" + BODY,
        b"f\n" + BODY + b"\n0\n\n" + b" " * 300,
        b"f;\0\r\n" + BODY + b"\r\n0\r\n\r\n",
        b"f;" + b"a" * 300,
        b"f\r\n" + BODY + b"XX0\r\n\r\n",
        b"7\r\n" + BODY[:7] + b"XX8\r\n" + BODY[7:] + b"\r\n0\r\n\r\n",
        b"f\r\n" + BODY + b"\r\n0\r\nX: y\r\n\r\n",
        b"f\r\n" + BODY + b"\r\n0\r\n\n\n",
    ],
)
def test_chunks_that_are_not_by_the_letter_are_refused(server: Running, body: bytes) -> None:
    refused(server, request(HOST, TYPE, CHUNKED, body=body + HIDDEN))


@pytest.mark.parametrize("apart", [False, True])
def test_chunks_by_the_letter_are_read_with_their_extensions(server: Running, apart: bool) -> None:
    head = request(HOST, TYPE, CHUNKED, body=b"")
    chunks = b"7;a=b\r\n" + BODY[:7] + b"\r\n008; c\r\n" + BODY[7:] + b"\r\n0\r\n\r\n"
    parts = [bytes([byte]) for byte in chunks] if apart else [chunks]
    answer, closed = exchange(server, head, *parts, request(HOST, TYPE, LENGTH), patience=0.5)
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert not closed


def test_chunks_need_a_version_that_knows_them(server: Running) -> None:
    old = b"POST /v1/classify HTTP/1.0"
    refused(server, request(HOST, TYPE, CHUNKED, line=old, body=b"0\r\n\r\n"))


@pytest.mark.parametrize("end", [b"\r\n\r\n", b""])
def test_a_head_that_is_too_long_is_a_431(server: Running, end: bytes) -> None:
    head = request(HOST, b"X: " + b"a" * 17_000, body=b"")[:-4]
    assert "16384 bytes" in refused(server, head + end, status=431)


def test_a_head_of_sixteen_kilobytes_is_taken_whatever_bodies_may_have() -> None:
    head = request(HOST, b"X: " + b"a" * 16_000, line=b"GET /livez HTTP/1.1", body=b"")
    with running(max_body_bytes=1024) as server:
        answer, _ = exchange(server, head[:9000], head[9000:], patience=0.3)
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("upgrade", [b"websocket", b"WebSocket", b"h2c"])
def test_an_upgrade_is_not_heard_and_lifts_no_bound(upgrade: bytes) -> None:
    with running(keep_alive=0.3) as server, server.connect() as connection:
        connection.sendall(request(HOST, TYPE, LENGTH, b"Upgrade: " + upgrade, body=b""))
        time.sleep(0.5)  # long enough for Sanic to look whether its time is up
        connection.sendall(BODY)
        answer, closed = receive(connection, 5)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert closed


@contextmanager
def crowded() -> Iterator[Running]:
    with running(max_requests=1) as server:
        server.service.door.enter()
        yield server


@pytest.mark.parametrize(
    "headers",
    [
        (b"Content-Length: 0", b"Content-Length: %d" % len(HIDDEN)),
        (b"Content-Length: 0", b"Content-Length : %d" % len(HIDDEN)),
        (b"Content-Length: 0", b"Transfer-Encoding : chunked"),
        (b"Content-Length: 0", b" folded: yes"),
        (b"X: a\nContent-Length: 0",),
        (b"Content-Length: 0", HOST),
        ("Content-Length: ٠".encode(),),
    ],
)
def test_when_crowded_no_request_hides_in_the_body_of_another(headers: tuple[bytes, ...]) -> None:
    with crowded() as server:
        refused(server, request(HOST, TYPE, *headers, body=b""), HIDDEN)


def test_when_crowded_a_version_in_a_header_is_not_the_requests() -> None:
    old = request(
        HOST, b"Content-Length: 0", b"X: HTTP/1.1", line=b"POST /v1/classify HTTP/1.0", body=b""
    )
    with crowded() as server:
        assert exchange(server, old)[1]


def test_when_crowded_the_baseline_is_refused_unread_and_the_connection_kept() -> None:
    with crowded() as server:
        answer, closed = exchange(server, request(HOST, TYPE, LENGTH), HIDDEN, patience=0.3)
        assert answer.startswith(b"HTTP/1.1 429 ")
        assert b"HTTP/1.1 200 " in answer
        assert not closed
        assert server.metric("turnout_rejections_total", reason="crowded") == 1
