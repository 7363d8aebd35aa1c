"""Ten times the load on the real process: refused at the door, bounded, the rest served."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import uvloop
from bench.load import Request, Result, closed_loop, post
from tests.inference.running import Process, process

CONNECTIONS = 240
"""Each with a request under way at all times: ten times what one computing thread takes well."""
SECONDS = 3.0
GROWTH = 60
"""MB that the process may grow by under overload."""
BATCHES_AHEAD = 2 + 2
"""Batches that the admitted wait for on average, at most: those of TURNOUT_QUEUE_BATCHES, the one in
progress, and one for what came at the same time. In batches, not seconds, for other processes use
the CPUs while tests run; bench/README.md has the latencies of a quiet machine."""


def request() -> Request:
    body = json.dumps({"inputs": "오늘 날씨가 참 좋네요. 주말에 가족들과 다녀왔어요"}).encode()
    return post("/v1/classify", body, 1)


def memory(server: Process) -> float:
    for line in Path(f"/proc/{server.popen.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def load(server: Process, connections: int) -> Result:
    return uvloop.run(
        closed_loop(server.port, [request()], connections=connections, seconds=SECONDS, ramp=1)
    )


def mean(server: Process, name: str) -> float:
    samples = dict(
        line.rsplit(" ", 1)
        for line in httpx.get(f"{server.url}/metrics").text.splitlines()
        if line.startswith(name)
    )
    return float(samples[f"{name}_sum"]) / float(samples[f"{name}_count"])


def test_at_ten_times_the_load_the_admitted_are_served_and_the_rest_told_when_to_return() -> None:
    with process(threads=1) as server:
        load(server, 4)
        before = memory(server)
        over = load(server, CONNECTIONS)
        assert memory(server) - before < GROWTH
        assert set(over.statuses) == {200, 429}
        assert len(over.retry_after) == over.statuses[429]
        assert all(1 <= seconds <= 60 for seconds in over.retry_after)
        waited = mean(server, "turnout_queue_wait_seconds")
        assert waited < BATCHES_AHEAD * mean(server, "turnout_batch_seconds")
        metrics = httpx.get(f"{server.url}/metrics").text
        assert 'turnout_rejections_total{reason="crowded"}' in metrics
        assert httpx.get(f"{server.url}/health").status_code == 200
        assert server.stop() == 0


def test_bodies_held_at_once_are_bounded() -> None:
    long = json.dumps({"inputs": ["가" * 20_000] * 20}, ensure_ascii=False).encode()
    with process(threads=1, max_waiting_bytes=3 * len(long)) as server:
        before = memory(server)
        result = uvloop.run(
            closed_loop(server.port, [post("/v1/classify", long, 20)], connections=40, seconds=2)
        )
        assert set(result.statuses) <= {200, 429, 0}
        assert result.statuses[429] > 0
        assert memory(server) - before < GROWTH + 40
        assert httpx.get(f"{server.url}/health").status_code == 200
