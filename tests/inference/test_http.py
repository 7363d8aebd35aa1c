"""HTTP around the API: methods, ids, keys, origins, connections."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import httpx
import pytest
from tests.inference.running import Running, fake_model, running

from turnout_inference.fake import FakeBackend
from turnout_inference.logs import JsonFormatter, RequestLog

KEYS = ("first-key-0123456", "second-key-012345")


def test_a_path_that_is_not_served_is_a_404_in_json(server: Running) -> None:
    response = server.client.get("/nowhere?text=private")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
    assert "private" not in response.text


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/classify", "OPTIONS, POST"),
        ("/predict", "OPTIONS, POST"),
        ("/health", "GET, HEAD, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS, POST"),
    ],
)
def test_another_method_is_a_405_that_lists_the_right_ones(
    server: Running, path: str, allowed: str
) -> None:
    response = server.client.delete(path)
    assert response.status_code == 405
    assert response.headers["allow"] == allowed
    assert server.client.options(path).headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/health", "/v1/model", "/metrics", "/", "/docs"])
def test_head_is_get_without_the_body(server: Running, path: str) -> None:
    get, head = server.client.get(path), server.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    if path != "/metrics":
        assert head.headers["content-length"] == get.headers["content-length"]


def test_a_request_id_is_made_or_taken_over(server: Running) -> None:
    made = server.client.get("/health").headers["x-request-id"]
    assert len(made) == 32
    taken = server.client.get("/health", headers={"X-Request-Id": "abc-123"})
    assert taken.headers["x-request-id"] == "abc-123"


@pytest.mark.parametrize("given", ["a b", "x" * 129, "<script>", "a\tb"])
def test_a_request_id_that_is_not_plain_is_replaced(server: Running, given: str) -> None:
    response = server.client.get("/health", headers={"X-Request-Id": given})
    assert response.headers["x-request-id"] != given


@pytest.mark.parametrize(
    "raw",
    [
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"a" * 20_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
def test_broken_http_gets_a_4xx_in_json_and_the_connection_is_closed(
    server: Running, raw: bytes
) -> None:
    with server.connect() as connection:
        connection.sendall(raw)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 4")
    assert "error" in json.loads(body)


@pytest.mark.parametrize(
    "chunks", [b"zz\r\nabc\r\n", b"5\r\nab", b"-5\r\nabc\r\n", b"3\r\n{}\x00\r\n0\r\nX: y\r\n\r\n"]
)
def test_broken_chunks_end_in_a_4xx_or_a_closed_connection(chunks: bytes) -> None:
    with running(read_timeout=0.5) as server, server.connect() as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + chunks
        )
        answer = connection.recv(65_536)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
        assert server.classify("a").status_code == 200


def test_two_requests_sent_at_once_on_one_connection_are_both_answered(server: Running) -> None:
    one = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(one + one)
        answer = b""
        while answer.count(b"HTTP/1.1 200") < 2:
            part = connection.recv(65_536)
            assert part
            answer += part


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"Content-Length: 3\r\n\r\nabc", True),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", True),
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", False),
        (b"Content-Length: 100000\r\n\r\n" + b" " * 100_000, False),
        (b"Content-Length: 3\r\n\r\n", False),
    ],
)
@pytest.mark.parametrize("line", [b"GET /livez", b"OPTIONS /predict"])
def test_a_body_that_nobody_asked_for_is_read_away(
    line: bytes, body: bytes, kept: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with running(read_timeout=0.3) as server, server.connect() as connection:
        connection.sendall(line + b" HTTP/1.1\r\nHost: x\r\n" + body)
        answer = connection.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 20")
        assert (b"connection: keep-alive" in answer) == kept
        if kept:
            connection.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 404 ")
    assert caplog.records == []


def test_without_keys_everything_is_open(server: Running) -> None:
    assert server.classify("a").status_code == 200


@pytest.fixture(scope="module")
def keyed() -> Iterator[Running]:
    with running(api_keys=KEYS) as found:
        yield found


@pytest.mark.parametrize("path", ["/health", "/readyz", "/livez", "/ping", "/", "/docs"])
def test_health_and_pages_need_no_key(keyed: Running, path: str) -> None:
    assert keyed.client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/v1/model", "/info"])
def test_everything_else_needs_a_key(keyed: Running, path: str) -> None:
    refused = keyed.client.get(path)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert keyed.client.get(path, headers={"X-API-Key": KEYS[0]}).status_code == 200


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("path", ["/v1/classify", "/predict", "/classify"])
def test_any_of_the_keys_opens_the_api(keyed: Running, path: str, key: str) -> None:
    body = {"input": ["a"]} if path == "/classify" else {"inputs": "a"}
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        assert keyed.client.post(path, json=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {KEYS[0]}x"},
        {"Authorization": f"Basic {KEYS[0]}"},
        {"Authorization": KEYS[0]},
        {"X-API-Key": KEYS[0][:-1]},
        {"X-API-Key": ",".join(KEYS)},
    ],
)
def test_a_wrong_key_is_refused_before_the_body_is_looked_at(
    keyed: Running, headers: dict[str, str]
) -> None:
    response = keyed.client.post("/v1/classify", content=b"not json", headers=headers)
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "unauthorized"
    assert KEYS[0] not in response.text


def test_other_origins_are_not_allowed_by_default(server: Running) -> None:
    response = server.client.get("/v1/model", headers={"Origin": "https://example.com"})
    assert "access-control-allow-origin" not in response.headers


def test_configured_origins_may_call() -> None:
    origin = "https://example.com"
    with running(cors_origins=(origin,)) as server:
        preflight = server.client.options(
            "/v1/classify",
            headers={"Origin": origin, "Access-Control-Request-Method": "POST"},
        )
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == origin
        assert "POST" in preflight.headers["access-control-allow-methods"]
        for name in ("Content-Type", "traceparent", "tracestate"):
            assert name in preflight.headers["access-control-allow-headers"]
        answer = server.client.get("/v1/model", headers={"Origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["vary"] == "Origin"
        other = server.client.get("/v1/model", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers


def test_the_log_has_the_ids_and_never_the_text(caplog: pytest.LogCaptureFixture) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    written = io.StringIO()
    with caplog.at_level(logging.DEBUG), running(log_requests=True) as server:
        server.service.request_log = RequestLog(written)
        server.client.post(
            "/v1/classify?q=hidden",
            json={"inputs": ["very private words"]},
            headers={"X-Request-Id": "id-1", "traceparent": trace, "X-API-Key": "hidden"},
        )
        server.client.post("/v1/classify", content=b'{"inputs": "very private', headers={})
    requests = [json.loads(line) for line in written.getvalue().splitlines()]
    others = [
        JsonFormatter().format(record)
        for record in caplog.records
        if record.name.startswith(("turnout", "sanic"))
    ]
    assert requests[0]["request_id"] == "id-1"
    assert requests[0]["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert requests[0]["span_id"] == "00f067aa0ba902b7"
    assert (requests[0]["status"], requests[0]["texts"], requests[0]["tokens"]) == (200, 1, 20)
    assert requests[1]["error"] == "unsupported_media_type"
    everything = written.getvalue() + "".join(others)
    assert not any(word in everything for word in ("private", "hidden", "words"))


@pytest.mark.parametrize(
    ("raw", "status", "error", "path", "method"),
    [
        (b"GET /private?private HTTP/1.1\r\nHost: x", 404, "not_found", "unknown", "GET"),
        (b"PRIVATE /livez HTTP/1.1\r\nHost: x", 405, "method_not_allowed", "/livez", "unknown"),
        (b"GET private HTTP/1.1\r\nHost: x", 400, "bad_http", "unknown", "unknown"),
        (
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: private\xff",
            417,
            "bad_http",
            "/predict",
            "unknown",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 17_000,
            431,
            "bad_http",
            "unknown",
            "unknown",
        ),
    ],
)
def test_what_is_refused_before_a_handler_is_logged_and_counted_once(
    raw: bytes, status: int, error: str, path: str, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    written = io.StringIO()
    with caplog.at_level(logging.INFO), running(log_requests=True) as server:
        server.service.request_log = RequestLog(written)
        with server.connect() as connection:
            connection.sendall(raw + b"\r\n\r\n")
            head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert json.loads(body)["error"]
        assert server.metric("turnout_requests_total", path=path, status=str(status)) == 1
        assert server.metric("turnout_rejections_total", reason=error) == 1
        server.service.request_log.flush()
    (line, *_) = [json.loads(line) for line in written.getvalue().splitlines()]
    assert f"x-request-id: {line['request_id']}".encode() in head
    assert (line["status"], line["error"]) == (status, error)
    assert (line["path"], line["method"]) == (path, method)
    assert "private" not in written.getvalue().lower() + caplog.text
    assert [record.levelname for record in caplog.records if record.levelno > logging.INFO] == []


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (TRACE, True),
        ("cc" + TRACE[2:] + "-later", True),
        ("ff" + TRACE[2:], False),
        (TRACE + "-more", False),
        (TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32), False),
        (TRACE.replace("00f067aa0ba902b7", "0" * 16), False),
        (TRACE.upper(), False),
        (TRACE[:-1], False),
    ],
)
def test_the_log_has_ids_of_a_valid_traceparent_only(
    given: str, taken: bool, caplog: pytest.LogCaptureFixture
) -> None:
    written = io.StringIO()
    with caplog.at_level(logging.INFO), running(log_requests=True) as server:
        server.service.request_log = RequestLog(written)
        body = {"inputs": "a"}
        assert server.client.post("/v1/classify", json=body, headers={"traceparent": given})
        server.service.request_log.flush()
    assert ("trace_id" in json.loads(written.getvalue())) == taken


def test_metrics_tell_no_time_of_creation(server: Running) -> None:
    server.classify("a")
    assert "_created" not in server.client.get("/metrics").text


def test_errors_point_to_a_description_that_is_there_without_the_pages_too() -> None:
    with running(pages=False) as server:
        error = server.client.get("/nowhere").json()["error"]
        assert server.client.get(error["fix"].removeprefix("see ")).json()["openapi"] == "3.1.0"
        error = server.client.post("/v1/classify", json={}).json()["error"]
        assert error["fix"].endswith(" /openapi.json")


def test_a_request_that_goes_well_logs_no_complaint(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), running() as server:
        for path, body in (("/v1/classify", {"inputs": "a"}), ("/classify", {"input": ["a"]})):
            assert server.client.post(path, json=body).status_code == 200
    assert [record.getMessage() for record in caplog.records] == []


def test_what_is_counted_is_what_happened() -> None:
    with running(max_texts=2) as server:
        server.classify(["a", "bc"])
        server.classify(["a"] * 3)
        server.client.get("/no/such/path")
        metric = server.metric
        assert metric("turnout_requests_total", path="/v1/classify", status="200") == 1
        assert metric("turnout_requests_total", path="/v1/classify", status="413") == 1
        assert metric("turnout_requests_total", path="unknown", status="404") == 1
        assert metric("turnout_rejections_total", reason="too_many_texts") == 1
        assert metric("turnout_texts_total") == 2
        assert metric("turnout_tokens_total") == 3 + 4
        assert metric("turnout_padding_tokens_total") == 1
        assert metric("turnout_batch_texts_count") == 1
        assert metric("turnout_queue_wait_seconds_count") == 1
        assert metric("turnout_request_seconds_count", path="/v1/classify") == 2
        assert metric("turnout_requests_in_progress") == 0
        labels = {"name": "fake", "revision": "1", "digest": "f" * 64, "compute_type": "int8"}
        assert metric("turnout_model_info", **labels) == 1


def test_a_model_that_keeps_failing_makes_it_unhealthy() -> None:
    backend = FakeBackend(labels=3)
    with running(fake_model(backend)) as server:
        backend.error = RuntimeError("broken")
        statuses = [server.classify("a").status_code for _ in range(4)]
        assert statuses == [500, 500, 500, 503]
        assert server.client.get("/health").status_code == 503
        assert server.client.get("/livez").status_code == 200


def test_while_it_drains_it_is_not_ready_but_answers() -> None:
    with running() as server:
        server.service.draining = True
        assert server.client.get("/readyz").json() == {"status": "draining"}
        assert server.client.get("/health").status_code == 503
        assert server.client.get("/livez").status_code == 200
        assert server.classify("a").status_code == 200
        server.service.draining = False


def test_the_http_client_of_the_platform_is_happy_too(server: Running) -> None:
    with httpx.Client(base_url=server.url) as client:
        assert client.get("/health").json() == {"status": "ok"}
