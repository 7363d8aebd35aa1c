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
TOKENS_AHEAD = 256 * (4 + 1) + 8 * 25
"""Of an admitted request: TURNOUT_QUEUE_BATCHES full batches, one in progress, its own share."""
SLACK = 3.0
"""Time between batches, and of other processes on the same CPUs. The wait is compared with how long
its tokens really took, not with seconds; bench/README.md has latencies."""


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


def samples(server: Process) -> dict[str, float]:
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_at_ten_times_the_load_the_admitted_are_served_and_the_rest_told_when_to_return() -> None:
    with process(threads=1) as server:
        load(server, 4)
        before = memory(server)
        over = load(server, CONNECTIONS)
        assert memory(server) - before < GROWTH
        assert set(over.statuses) == {200, 429}
        assert len(over.retry_after) == over.statuses[429]
        assert all(1 <= seconds <= 60 for seconds in over.retry_after)
        found = samples(server)
        a_token = found["turnout_batch_seconds_sum"] / found["turnout_tokens_total"]
        waited = found["turnout_queue_wait_seconds_sum"] / found["turnout_queue_wait_seconds_count"]
        assert waited < SLACK * TOKENS_AHEAD * a_token
        assert found['turnout_rejections_total{reason="crowded"}'] > 0
        assert httpx.get(f"{server.url}/health").status_code == 200
        assert server.stop() == 0


def test_bodies_held_at_once_are_bounded() -> None:
    long = json.dumps({"inputs": ["가" * 20_000] * 20}, ensure_ascii=False).encode()
    size = len(long)
    with process(threads=1, max_body_bytes=size, max_waiting_bytes=3 * size) as server:
        before = memory(server)
        result = uvloop.run(
            closed_loop(server.port, [post("/v1/classify", long, 20)], connections=40, seconds=2)
        )
        assert set(result.statuses) <= {200, 429, 0}
        assert result.statuses[429] > 0
        assert memory(server) - before < GROWTH + 40
        assert httpx.get(f"{server.url}/health").status_code == 200
