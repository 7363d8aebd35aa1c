"""OpenTelemetry, where the extra `otel` is installed and TURNOUT_TRACING is on.

One server span a request, child of the caller's traceparent; where it goes is said by the
standard OTEL_* variables. No text of a request is ever an attribute.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from turnout_inference import __version__
from turnout_inference.settings import SettingsRefused


def check_tracing() -> None:
    """SettingsRefused where tracing is asked for and its libraries are not installed."""
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError as error:
        raise SettingsRefused(
            [
                f"TURNOUT_TRACING: {error}; install `turnout-inference[otel]`, "
                "or leave this setting out"
            ]
        ) from None


class Tracer:
    """Makes spans of finished requests: nothing of it is in the way while they run."""

    def __init__(self) -> None:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        os.environ.setdefault("OTEL_SERVICE_NAME", "turnout-server")
        # It would wait for the collector at the interpreter's end, without a bound of ours.
        self._provider = TracerProvider(resource=Resource.create(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("turnout-inference", __version__)
        self._propagator = TraceContextTextMapPropagator()
        self._trace = trace

    def record(
        self,
        headers: Mapping[str, str],
        method: str,
        path: str,
        status: int,
        seconds: float,
        noted: Mapping[str, object],
    ) -> None:
        """A span of a request that took `seconds` and ends now."""
        carrier = {
            name: value for name in ("traceparent", "tracestate") if (value := headers.get(name))
        }
        ended = time.time_ns()
        attributes: dict[str, Any] = {
            "http.request.method": method,
            "http.route": path,
            "http.response.status_code": status,
        }
        attributes |= {
            f"turnout.{name}": value for name, value in noted.items() if value is not None
        }
        span = self._tracer.start_span(
            f"{method} {path}",
            context=self._propagator.extract(carrier),
            kind=self._trace.SpanKind.SERVER,
            attributes=attributes,
            start_time=ended - int(seconds * 1e9),
        )
        if status >= 500:
            span.set_status(self._trace.StatusCode.ERROR)
        span.end(end_time=ended)

    def stop(self) -> None:
        """Send what is left; takes as long as the collector does, up to OTEL's own timeouts."""
        self._provider.shutdown()
