"""Clients that are slow, leave, cannot wait, or come all at once."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from itertools import pairwise

import pytest
from tests.inference.running import Running, fake_model, running, wait_until

from turnout_inference.fake import FakeBackend

KEYS = ("first-key-0123456", "second-key-012345")


def post(length: int) -> bytes:
    """The head of a request whose body has `length` bytes."""
    return (
        b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    )


def test_a_head_that_arrives_a_byte_at_a_time_is_cut_off() -> None:
    with running(read_timeout=0.5) as server, server.connect() as connection:
        began = time.monotonic()
        with suppress(OSError):  # a reset or a broken pipe
            for byte in b"GET /health HTTP/1.1\r\n" + b"x" * 500:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
        assert time.monotonic() - began < 5
        assert server.metric("turnout_rejections_total", reason="slow_client") == 1


def test_a_body_that_does_not_arrive_is_a_408() -> None:
    with running(read_timeout=0.3) as server, server.connect() as connection:
        connection.sendall(
            b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b'Content-Length: 100\r\n\r\n{"inp'
        )
        answer = connection.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in answer
        assert server.service.door.bytes == 0


def test_a_body_that_dribbles_is_a_408_all_the_same() -> None:
    with running(read_timeout=0.4) as server, server.connect() as connection:
        connection.sendall(
            b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000\r\n\r\n"
        )
        connection.settimeout(0.05)
        answer = b""
        for _ in range(40):
            connection.sendall(b" ")
            try:
                answer = connection.recv(65_536)
                break
            except TimeoutError:
                continue
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_refused_body_that_dribbles_does_not_hold_the_connection() -> None:
    with running(read_timeout=0.3) as server, server.connect() as connection:
        connection.sendall(
            b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
            b"Content-Length: 900\r\n\r\n"
        )
        began = time.monotonic()
        assert connection.recv(65_536).startswith(b"HTTP/1.1 415 ")
        with suppress(OSError):
            for _ in range(200):
                connection.sendall(b" ")
                time.sleep(0.02)
        assert time.monotonic() - began < 3


def test_a_client_that_leaves_is_not_worked_for(caplog: pytest.LogCaptureFixture) -> None:
    backend = FakeBackend(labels=3)
    with running(fake_model(backend)) as server:
        backend.batches.clear()
        backend.gate.clear()
        blocker, leaver = server.connect(), server.connect()
        body = b'{"inputs": "a"}'
        request = (
            b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        blocker.sendall(request)
        wait_until(lambda: len(backend.batches) == 1, 5)
        leaver.sendall(request)
        wait_until(lambda: server.service.door.requests == 2, 5)
        leaver.close()
        wait_until(lambda: server.service.door.requests == 1, 5)
        backend.gate.set()
        assert blocker.recv(65_536).startswith(b"HTTP/1.1 200")
        blocker.close()
        assert len(backend.batches) == 1
        assert server.metric("turnout_abandoned_total", reason="client_left") == 1
        # It is no failure of ours, and counted once.
        assert server.metric("turnout_requests_total", path="/v1/classify", status="499") == 1
        assert server.metric("turnout_requests_total", path="/v1/classify", status="500") == 0
        assert server.metric("turnout_rejections_total", reason="internal") == 0
        assert caplog.records == []


@pytest.mark.parametrize("sent", [b"", b"GET /li", post(100), post(100) + b"{"])
def test_a_client_that_leaves_midway_is_no_failure(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with running() as server:
        before = server.metric("turnout_requests_total", path="/v1/classify", status="499")
        for _ in range(3):
            with server.connect() as connection:
                connection.sendall(sent)
                time.sleep(0.05)
        time.sleep(0.1)
        for path in ("/v1/classify", "unknown"):
            assert server.metric("turnout_requests_total", path=path, status="500") == 0
        left = server.metric("turnout_requests_total", path="/v1/classify", status="499") - before
        assert left == (3 if sent.startswith(b"POST") else 0)
        assert server.metric("turnout_rejections_total", reason="internal") == 0
        assert caplog.records == []


@pytest.mark.parametrize("size", [10_000, 60_000, 70_000, 200_000, 1_000_000])
def test_a_client_that_leaves_is_noticed_however_much_it_sent(size: int) -> None:
    backend = FakeBackend(labels=3)
    body = json.dumps({"inputs": ["a" * (size // 10)] * 10}).encode()
    with running(fake_model(backend)) as server:
        backend.gate.clear()
        leaver = server.connect()
        leaver.sendall(post(len(body)) + body)
        wait_until(lambda: server.service.door.requests == 1, 5)
        leaver.close()
        wait_until(lambda: server.service.door.requests == 0, 5)
        backend.gate.set()


def test_announced_bodies_that_never_come_take_nobodys_place() -> None:
    with running(max_waiting_bytes=1_000_000, max_requests=8) as server:
        idle = [server.connect() for _ in range(32)]
        for connection in idle:
            connection.sendall(post(900_000))
        time.sleep(0.2)
        assert server.service.door.bytes == 0
        assert server.classify("a").status_code == 200
        for connection in idle:
            connection.close()


def test_bytes_that_did_arrive_are_bounded_together() -> None:
    with running(max_waiting_bytes=100_000) as server, server.connect() as half:
        half.sendall(post(90_000) + b" " * 60_000)
        wait_until(lambda: server.service.door.bytes == 60_000, 5)
        assert server.classify("a" * 50_000).status_code == 429
        assert server.metric("turnout_rejections_total", reason="bytes") == 1
        assert server.classify("a" * 30_000).status_code == 200
        half.close()
        wait_until(lambda: server.service.door.bytes == 0, 5)


def test_a_large_body_is_not_read_when_there_is_no_room_for_it() -> None:
    with running(max_requests=1) as server, server.connect() as connection:
        fill(server)
        connection.sendall(post(1_000_000))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 429 ")


def test_connections_beyond_the_bound_are_closed_at_once() -> None:
    with running(max_connections=2) as server:
        held = [server.connect() for _ in range(2)]
        time.sleep(0.1)
        with server.connect() as third, suppress(ConnectionResetError):
            assert third.recv(10) == b""
        for connection in held:
            connection.close()
        time.sleep(0.1)
        assert server.client.get("/health").status_code == 200


@pytest.mark.parametrize(
    "given", ["0", "-1", "soon", "nan", "inf", "", "1_0", "+1", "\u0663", "1e999", "0x1", "1 0"]
)
def test_a_timeout_that_is_none_is_refused(server: Running, given: str) -> None:
    response = server.client.post(
        "/v1/classify", json={"inputs": "a"}, headers=[(b"X-Request-Timeout", given.encode())]
    )
    assert response.status_code == 400
    assert "X-Request-Timeout" in response.json()["error"]["message"]


def test_a_request_whose_time_is_up_is_dropped_and_told_so() -> None:
    backend = FakeBackend(labels=3)
    with running(fake_model(backend)) as server:
        backend.batches.clear()
        backend.gate.clear()
        first = {"X-Request-Timeout": "0.2"}
        response = server.client.post("/v1/classify", json={"inputs": "a"}, headers=first)
        assert response.status_code == 408
        assert response.json()["error"]["code"] == "deadline_exceeded"
        late = server.client.post("/v1/classify", json={"inputs": "b"}, headers=first)
        assert late.status_code == 408
        backend.gate.set()
        assert server.classify("c").status_code == 200
        assert [len(batch) for batch in backend.batches] == [1, 1]
        assert server.metric("turnout_abandoned_total", reason="deadline") == 2


def test_the_servers_own_bound_is_a_504() -> None:
    backend = FakeBackend(labels=3)
    with running(fake_model(backend), request_timeout=0.2) as server:
        backend.gate.clear()
        response = server.client.post(
            "/v1/classify", json={"inputs": "a"}, headers={"X-Request-Timeout": "20"}
        )
        assert response.status_code == 504


def fill(server: Running) -> None:
    """Take every place in the house."""
    for _ in range(server.service.settings.max_requests):
        server.service.door.enter()


@pytest.mark.parametrize(
    ("path", "key"), [("/v1/classify", "inputs"), ("/predict", "inputs"), ("/classify", "input")]
)
@pytest.mark.parametrize("unread", [True, False])
def test_a_refusal_looks_the_same_whether_or_not_the_request_was_read(
    path: str, key: str, unread: bool
) -> None:
    with running(max_requests=1) as server:
        fill(server)
        # A request that names how it wants the connection is read like any other.
        headers = {"X-Request-Id": "id-1"} | ({} if unread else {"Connection": "close"})
        response = server.client.post(path, json={key: ["a"]}, headers=headers)
        assert response.status_code == 429
        assert int(response.headers["retry-after"]) >= 1
        assert response.headers["x-request-id"] == "id-1"
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-content-type-options"] == "nosniff"
        reason = "crowded" if unread else "requests"
        assert server.metric("turnout_rejections_total", reason=reason) == 1
        assert server.metric("turnout_requests_total", path=path, status="429") == 1
        assert server.client.get("/health").status_code == 200
        server.service.door.leave()
        assert server.client.post(path, json={key: ["a"]}).status_code == 200


@pytest.mark.parametrize("draining", [False, True])
def test_a_refusal_while_it_drains_asks_to_close_and_does(draining: bool) -> None:
    with running(max_requests=1) as server, server.connect() as connection:
        fill(server)
        server.service.draining = draining
        connection.sendall(post(15) + b'{"inputs": "a"}')
        answer = connection.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 429 ")
        assert (b"connection: close" in answer) == draining
        connection.settimeout(0.3)
        if draining:
            assert connection.recv(10) == b""
        else:
            with pytest.raises(TimeoutError):
                connection.recv(10)
        server.service.draining = False


@pytest.mark.parametrize("given", ["0.5", "10", "1.", ".5", "1e1"])
def test_a_timeout_is_a_decimal_number(server: Running, given: str) -> None:
    headers = {"X-Request-Timeout": given}
    response = server.client.post("/v1/classify", json={"inputs": "a"}, headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize("cuts", [(20,), (95,), (99, 105), (40, 97, 110)])
def test_a_request_in_pieces_is_refused_once_and_the_next_one_served(cuts: tuple[int, ...]) -> None:
    request = (
        b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b'Content-Length: 15\r\n\r\n{"inputs": "a"}'
    )
    with running(max_requests=1) as server, server.connect() as connection:
        fill(server)
        for start, end in pairwise((0, *cuts, len(request))):
            connection.sendall(request[start:end])
            time.sleep(0.03)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 429 ")
        server.service.door.leave()
        connection.sendall(request)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_a_crowd_that_comes_at_once_is_not_all_let_in() -> None:
    backend = FakeBackend(labels=3)
    with running(fake_model(backend), batch_tokens=30, queue_batches=1) as server:
        server.classify("abc")
        backend.gate.clear()
        connections = [server.connect() for _ in range(60)]
        request = (
            b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b'Content-Length: 17\r\n\r\n{"inputs": "abc"}'
        )
        held = threading.Event()
        server.loop.call_soon_threadsafe(held.wait)
        for connection in connections:
            connection.sendall(request)
        held.set()

        def refusals() -> float:
            return server.metric("turnout_rejections_total", reason="crowded")

        wait_until(lambda: server.service.door.requests + refusals() == 60, 10)
        backend.gate.set()
        answers = [connection.recv(65_536)[9:12] for connection in connections]
        for connection in connections:
            connection.close()
        served, refused = answers.count(b"200"), answers.count(b"429")
        assert served + refused == 60
        assert 0 < served <= 30
        assert refusals() == refused
        assert server.service.door.arriving == 0
