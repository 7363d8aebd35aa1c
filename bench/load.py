"""A small HTTP load generator: bounded in time, requests and connections; it stops by itself.

Closed loop: each connection sends its next request when the last is answered. Open loop: requests
leave at fixed times whatever the server does, and latency counts from when they were due, so a
server that stalls cannot hide it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Result:
    """What came of a load. Latencies in seconds, of answers with status 200 only."""

    seconds: float = 0.0
    texts: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    """0 stands for a connection that failed or was closed without an answer."""
    latencies: list[float] = field(default_factory=list)
    retry_after: list[int] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def figures(self) -> dict[str, object]:
        """The result as data: rates a second, latencies in milliseconds."""
        good = self.statuses[200]
        return {
            "seconds": round(self.seconds, 2),
            "requests_per_second": round(good / self.seconds, 1),
            "texts_per_second": round(self.texts / self.seconds, 1),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "p50_ms": round(self.quantile(0.50) * 1000, 2),
            "p90_ms": round(self.quantile(0.90) * 1000, 2),
            "p99_ms": round(self.quantile(0.99) * 1000, 2),
            "p999_ms": round(self.quantile(0.999) * 1000, 2),
        }


@dataclass(frozen=True)
class Request:
    """The bytes of one request, and how many texts it carries."""

    raw: bytes
    texts: int


class Client:
    """One keep-alive connection, opened again when the server closes it."""

    def __init__(self, host: str, port: int, result: Result) -> None:
        self._address = (host, port)
        self.result = result
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, request: Request, due: float) -> int:
        """The status; counted in the result."""
        status = await self._exchange(request)
        self.result.statuses[status] += 1
        if status == 200:
            self.result.latencies.append(time.perf_counter() - due)
            self.result.texts += request.texts
        return status

    async def _exchange(self, request: Request) -> int:
        try:
            if self._writer is None or self._reader is None:
                self._reader, self._writer = await asyncio.open_connection(*self._address)
            self._writer.write(request.raw)
            head = await self._reader.readuntil(b"\r\n\r\n")
            lowered = head.lower()
            await self._reader.readexactly(_number(lowered, b"content-length:"))
            if b"retry-after:" in lowered:
                self.result.retry_after.append(_number(lowered, b"retry-after:"))
            if b"connection: close" in lowered:
                self.close()
            return int(head[9:12])
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return 0

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


def post(path: str, body: bytes, texts: int, *headers: str) -> Request:
    """A POST of JSON."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: bench",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return Request("\r\n".join(lines).encode() + b"\r\n\r\n" + body, texts)


async def closed_loop(
    port: int,
    requests: Sequence[Request],
    *,
    connections: int,
    seconds: float,
    ramp: float = 0.0,
) -> Result:
    """`connections` clients, each with one request under way at a time.

    What is answered in the first `ramp` seconds, while connections are opened, is not counted.
    """
    result = Result()
    ramping = Result()
    began = time.perf_counter() + ramp
    bound = began + seconds

    async def run(number: int) -> None:
        client = Client("127.0.0.1", port, result)
        position = number * 7919
        while (now := time.perf_counter()) < bound:
            client.result = result if now >= began else ramping
            status = await client.send(requests[position % len(requests)], now)
            position += connections
            if status == 0:
                await asyncio.sleep(0.01)
        client.close()

    await asyncio.gather(*(run(number) for number in range(connections)))
    result.seconds = time.perf_counter() - began
    return result


async def open_loop(
    port: int,
    requests: Sequence[Request],
    *,
    rate: float,
    seconds: float,
    connections: int = 256,
) -> Result:
    """`rate` requests a second at even distances, over a pool of connections.

    A request that finds no free connection waits for one, and that wait is part of its latency.
    """
    result = Result()
    free: asyncio.LifoQueue[Client] = asyncio.LifoQueue()
    for _ in range(connections):
        free.put_nowait(Client("127.0.0.1", port, result))
    began = time.perf_counter()
    tasks: set[asyncio.Task[None]] = set()

    async def one(number: int, due: float) -> None:
        client = await free.get()
        try:
            await client.send(requests[number % len(requests)], due)
        finally:
            free.put_nowait(client)

    for number in range(int(rate * seconds)):
        due = began + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(one(number, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    result.seconds = time.perf_counter() - began
    while not free.empty():
        free.get_nowait().close()
    return result


def _number(head: bytes, name: bytes) -> int:
    start = head.find(name)
    if start < 0:
        return 0
    return int(head[start + len(name) : head.index(b"\r\n", start)])
