"""OpenTelemetry, sent to a collector that this test plays."""

from __future__ import annotations

import gzip
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.inference.running import fake_model, running

from turnout_inference.metrics import Metrics
from turnout_inference.service import Service
from turnout_inference.settings import Settings, SettingsRefused
from turnout_inference.tracing import Tracer, check_tracing

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ExportTraceServiceRequest]]:
    found: list[ExportTraceServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            found.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    yield found
    server.shutdown()
    server.server_close()


def test_a_request_is_a_span_below_its_callers_without_its_text(
    collected: list[ExportTraceServiceRequest],
) -> None:
    tracer = Tracer()
    with running(tracer=tracer) as server:
        server.client.post(
            "/v1/classify", json={"inputs": "private words"}, headers={"traceparent": PARENT}
        )
        server.client.get("/health")
        server.client.post("/v1/classify", json={})
    tracer.stop()
    exported = [scope for one in collected for scope in one.resource_spans]
    names = {
        attribute.value.string_value
        for one in exported
        for attribute in one.resource.attributes
        if attribute.key == "service.name"
    }
    assert names == {"mine"}
    spans = [span for one in exported for scope in one.scope_spans for span in scope.spans]
    assert [span.name for span in spans] == ["POST /v1/classify"] * 2
    first, second = spans
    assert first.trace_id.hex() == PARENT.split("-")[1]
    assert first.parent_span_id.hex() == PARENT.split("-")[2]
    assert second.trace_id != first.trace_id
    given = {one.key: one.value for one in first.attributes}
    assert given["http.response.status_code"].int_value == 200
    assert given["turnout.tokens"].int_value == 15
    assert first.end_time_unix_nano > first.start_time_unix_nano
    assert b"private" not in b"".join(one.SerializeToString() for one in collected)


def test_tracing_without_its_libraries_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    check_tracing()
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SettingsRefused, match=r"TURNOUT_TRACING: .*turnout-inference\[otel\]"):
        check_tracing()


def test_without_tracing_nothing_is_traced() -> None:
    assert Service(Settings(), fake_model(), Metrics()).tracer is None
