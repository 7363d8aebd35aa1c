"""What Prometheus sees. With several workers the figures of all are added up."""

from __future__ import annotations

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from turnout_inference.batching import Batch
from turnout_inference.supervisor import METRICS_FOLDER

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """One set of metrics a process; tests make their own."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        # When each series began, as one more series each, tells nobody anything here.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        self._registry = registry
        self.requests = Counter(
            "turnout_requests", "Requests answered.", ["path", "status"], registry=registry
        )
        self.duration = Histogram(
            "turnout_request_seconds",
            "From the request's head to its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.queue_wait = Histogram(
            "turnout_queue_wait_seconds",
            "From the queue's door to a request's first batch.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.rejections = Counter(
            "turnout_rejections", "Requests refused, by reason.", ["reason"], registry=registry
        )
        self.abandoned = Counter(
            "turnout_abandoned",
            "Requests dropped: the client left, or the deadline passed.",
            ["reason"],
            registry=registry,
        )
        self.texts = Counter("turnout_texts", "Texts classified.", registry=registry)
        self.tokens = Counter(
            "turnout_tokens", "Tokens computed, padding aside.", registry=registry
        )
        self.truncated = Counter("turnout_truncated", "Texts cut off.", registry=registry)
        self.padding = Counter(
            "turnout_padding_tokens", "Tokens computed that were padding.", registry=registry
        )
        self.batch_rows = Histogram(
            "turnout_batch_texts", "Texts a batch.", buckets=_ROWS, registry=registry
        )
        self.batch_seconds = Histogram(
            "turnout_batch_seconds", "Time to compute a batch.", buckets=_SECONDS, registry=registry
        )
        self.in_house = Gauge(
            "turnout_requests_in_progress",
            "Requests admitted and not answered.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.waiting_tokens = Gauge(
            "turnout_queue_tokens",
            "Tokens that wait to be computed.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.connections = Gauge(
            "turnout_connections",
            "Open connections.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.model = Gauge(
            "turnout_model_info",
            "1 for the model that is served.",
            ["name", "revision", "digest", "compute_type"],
            registry=registry,
            multiprocess_mode="max",
        )

        self._crowded = self.rejections.labels("crowded")
        self._requests_by: dict[tuple[str, int], Counter] = {}
        self._duration_by: dict[str, Histogram] = {}

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count one answer; children are kept, for looking them up by labels costs more."""
        self._count(path, status)
        histogram = self._duration_by.get(path)
        if histogram is None:
            histogram = self._duration_by[path] = self.duration.labels(path)
        histogram.observe(seconds)

    def refused(self, path: str, status: int) -> None:
        """Count a request that was refused unread."""
        self._count(path, status)
        self._crowded.inc()

    def _count(self, path: str, status: int) -> None:
        counter = self._requests_by.get((path, status))
        if counter is None:
            counter = self._requests_by[path, status] = self.requests.labels(path, status)
        counter.inc()

    def batch(self, batch: Batch, seconds: float) -> None:
        """Count one computed batch."""
        self.texts.inc(len(batch.entries))
        self.tokens.inc(batch.tokens)
        self.padding.inc(batch.padded - batch.tokens)
        self.batch_rows.observe(len(batch.entries))
        self.batch_seconds.observe(seconds)

    def exposition(self) -> bytes:
        """The text format; of all workers where there are several."""
        registry = self._registry
        if os.environ.get(METRICS_FOLDER):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
