"""Broken requests by the thousand, from a seed, and what must hold whatever they are.

Another parser, h11, judges what a connection's bytes are: whoever answers more requests than it
finds in them took a body for a request, or the other way round.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import struct
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET

import h11

SECRET = "zqxsecret"
"""In every text, path and header that is made up: no log may have it."""
PATHS = ["/v1/classify", "/predict", "/classify", "/", "/invocations", "/livez", "/v1/model"]
PATHS += ["/models", "/metrics", "/health", f"/{SECRET}", f"/livez?{SECRET}=1", "/docs"]
NASTY = [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"\xff", b"\xc2\xa0", b";", b"\r\n\r\n"]
NASTY += [b"Content-Length: 5\r\n", b"Content-Length : 5\r\n", b"Transfer-Encoding: chunked\r\n"]
NASTY += [
    b" folded\r\n",
    b"0\r\n\r\n",
    b"f\r\n",
    b"HTTP/1.1",
    b"Expect: 100-continue\r\n",
    b"\\ud800",
]
NASTY += [
    b"Upgrade: websocket\r\n",
    b"Connection: close\r\n",
    b"Host: y\r\n",
    b"-",
    b"+",
    b"_",
    b'"',
]
NASTY += [b"[" * 40, b"9" * 120, b"NaN", "٣".encode(), "\u200b\ufeff".encode(), b"GET /livez "]
SCALARS = [None, True, 0, -1, 1e308, 10**30, "", " ", "\u200b", "\x07", SECRET, f"가나다 {SECRET}"]
KEYS = ["inputs", "input", "truncate", "raw_scores", "truncation_direction", "model", "x"]
ALLOWED = {200, 204, 400, 404, 405, 408, 413, 415, 417, 422, 429, 431, 503, 504}
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [ -~]+\r\n")


@dataclass(frozen=True)
class Case:
    """What one connection sends; `end`: how the client behaves after it."""

    parts: list[bytes]
    ids: list[bytes]
    end: str

    @property
    def sent(self) -> bytes:
        return b"".join(self.parts)


@dataclass
class Found:
    """What came of it; `wrong` has whatever must not be."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Generator:
    """Cases that follow from the seed alone."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._number = 0

    def case(self) -> Case:
        dice = self._dice
        ids, parts = [], []
        for _ in range(dice.choice([1, 1, 1, 2, 3])):
            self._number += 1
            ids.append(b"fz-%d" % self._number)
            parts.append(self._request(ids[-1]))
        data = b"".join(parts)
        for _ in range(dice.choice([0, 1, 1, 2, 5])):
            data = self._mutated(data)
        self._number += 1
        ids.append(b"fz-%d" % self._number)
        marker = b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Request-Id: " + ids[-1] + b"\r\n\r\n"
        end = dice.choices(["wait", "close", "reset", "half"], [12, 2, 1, 1])[0]
        return Case([*self._pieces(data), marker], ids, end)

    def _request(self, request_id: bytes) -> bytes:
        dice = self._dice
        method = dice.choice(["POST"] * 6 + ["GET"] * 3 + ["OPTIONS", "DELETE", SECRET])
        path = dice.choice(PATHS if method == "GET" else PATHS[:5] * 3 + PATHS)
        version = dice.choice(["1.1"] * 6 + ["1.0"])
        lines = [f"{method} {path} HTTP/{version}", "Host: x"]
        lines += [f"X-Request-Id: {request_id.decode()}"]
        lines += dice.choice([[], [], [f"User-Agent: {SECRET}"], [f"X-API-Key: {SECRET}"]])
        lines += dice.choice([[], [], [], ["X-Request-Timeout: 0.05"]])
        if version == "1.1":
            lines += dice.choice([[], [], ["Connection: keep-alive"]])
        body = self._body()
        if method == "GET":
            return "\r\n".join(lines).encode() + b"\r\n\r\n"
        if dice.random() < 0.9:
            lines.append("Content-Type: application/json")
        lines += dice.choice([[], [], [], [], ["Expect: 100-continue"], ["Content-Encoding: gzip"]])
        if dice.random() < 0.3:
            lines.append("Transfer-Encoding: chunked")
            body = self._chunked(body)
        else:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def _body(self) -> bytes:
        dice = self._dice
        if dice.random() < 0.5:
            texts = [
                f"{SECRET} " * dice.choice([1, 1, 2, 50]) for _ in range(dice.choice([1, 1, 9]))
            ]
            return json.dumps({dice.choice(KEYS[:2]): texts}, ensure_ascii=False).encode()
        value = {dice.choice(KEYS): self._value(3) for _ in range(dice.choice([1, 2, 3]))}
        return json.dumps(value, ensure_ascii=dice.random() < 0.5).encode()

    def _value(self, depth: int) -> object:
        dice = self._dice
        kind = dice.random()
        if not depth or kind < 0.5:
            return dice.choice(SCALARS)
        if kind < 0.85:
            return [self._value(depth - 1) for _ in range(dice.choice([0, 1, 2, 3, 40]))]
        return {dice.choice(KEYS): self._value(depth - 1) for _ in range(2)}

    def _chunked(self, body: bytes) -> bytes:
        dice = self._dice
        data = b""
        while body:
            size = dice.choice([1, 3, 16, 200])
            extension = dice.choice([b"", b"", b"", b";" + SECRET.encode()])
            data += b"%x%b\r\n%b\r\n" % (len(body[:size]), extension, body[:size])
            body = body[size:]
        return data + b"0\r\n\r\n"

    def _mutated(self, data: bytes) -> bytes:
        dice = self._dice
        # Most of what matters is in the head.
        reach = dice.choice([60, 300, len(data)])
        place = dice.randrange(min(reach, len(data)) + 1)
        match dice.choice(["insert", "insert", "flip", "drop", "double", "truncate", "line"]):
            case "insert":
                return data[:place] + dice.choice(NASTY) + data[place:]
            case "flip":
                return data[:place] + bytes([dice.randrange(256)]) + data[place + 1 :]
            case "drop":
                return data[:place] + data[place + dice.choice([1, 2, 8]) :]
            case "double":
                return data[: place + 20] + data[place:]
            case "truncate":
                return data[: max(1, len(data) - dice.choice([1, 2, 10, 100]))]
            case _:
                end = data.find(b"\r\n", place)
                return data if end < 0 else data[: end + 2] + dice.choice(NASTY) + data[end + 2 :]

    def _pieces(self, data: bytes) -> list[bytes]:
        cuts = sorted(
            self._dice.randrange(len(data) + 1) for _ in range(self._dice.choice([0, 0, 1, 3]))
        )
        return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a < b]


def requests_by_another_parser(sent: bytes) -> list[bytes]:
    """The ids of the whole requests that h11 finds; b"" for one without."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(sent)
    ids: list[bytes] = []
    with suppress(h11.ProtocolError):
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                given = dict(event.headers).get(b"x-request-id", b"")
                # Sanic strips spaces of any script.
                ids.append(given.decode(errors="replace").strip().encode())
            elif isinstance(event, h11.EndOfMessage):
                connection.send(h11.Response(status_code=200, headers=[(b"Content-Length", b"0")]))
                connection.send(h11.EndOfMessage())
                connection.start_next_cycle()
            elif not isinstance(event, h11.Data):
                break
    return ids


def answers(received: bytes) -> list[tuple[int, bytes]]:
    """Status and request id of every answer; ValueError where the bytes are not just answers."""
    found = []
    while received:
        head, end, rest = received.partition(b"\r\n\r\n")
        first = STATUS.match(head + b"\r\n")
        if not end or first is None:
            raise ValueError(f"no answer: {received[:80]!r}")
        status = int(first[1])
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = 0 if status in {100, 204} else int(fields[b"content-length"])
        if len(rest) < length:
            raise ValueError(f"cut off: {received[:80]!r}")
        if status != 100:
            found.append((status, fields[b"x-request-id"]))
        received = rest[length:]
    return found


def judge(case: Case, received: bytes | None, found: Found) -> None:
    """Note what is wrong with the answers to a case."""
    found.cases += 1
    if received is None:
        return
    try:
        given = answers(received)
    except (ValueError, KeyError) as error:
        if case.end in {"wait", "half"}:
            found.wrong.append(f"{error!r} to {case.sent!r}")
        return
    found.statuses.update(status for status, _ in given)
    allowed = requests_by_another_parser(case.sent)
    executed = [name for status, name in given if status < 300]
    places = [allowed.index(name) if name in allowed else -1 for name in executed]
    if len(executed) > len(allowed):
        found.wrong.append(f"{given} to {allowed} in {case.sent!r}")
    elif any(place < 0 for name, place in zip(executed, places, strict=True) if name in case.ids):
        found.wrong.append(f"{given} out of a body, of {allowed} in {case.sent!r}")
    elif (known := [place for place in places if place >= 0]) != sorted(set(known)):
        found.wrong.append(f"{given} out of order, of {allowed} in {case.sent!r}")
    for status, _ in given:
        if status not in ALLOWED:
            found.wrong.append(f"{status} to {case.sent!r}")


async def play(port: int, case: Case, patience: float) -> bytes | None:
    """Send a case; everything that is answered until the end or silence. None: it was reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = bytearray()

    async def receive() -> None:
        while data := await reader.read(65_536):
            received.extend(data)

    receiving = asyncio.create_task(receive())
    try:
        for part in case.parts:
            writer.write(part)
            await asyncio.sleep(0.002 if len(case.parts) > 2 else 0)
        if case.end == "reset":
            option = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, option)
        if case.end == "half":
            writer.write_eof()
        if case.end in {"wait", "half"}:
            await asyncio.wait_for(receiving, patience)
    except TimeoutError:
        pass
    except OSError:
        return None
    finally:
        receiving.cancel()
        writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await receiving
            await writer.wait_closed()
    return bytes(received)


async def fuzz(port: int, seed: int, cases: int, *, together: int = 40, patience: float) -> Found:
    """Play `cases` cases, `together` at once; patience: seconds until silence is the end."""
    generator, found = Generator(seed), Found()

    async def client() -> None:
        while found.cases + pending[0] < cases:
            pending[0] += 1
            case = generator.case()
            received = await play(port, case, patience)
            pending[0] -= 1
            judge(case, received, found)

    pending = [0]
    await asyncio.gather(*[client() for _ in range(together)])
    return found


if __name__ == "__main__":
    port, seed, cases = map(int, sys.argv[1:])
    result = asyncio.run(fuzz(port, seed, cases, patience=1.5))
    print(result.cases, dict(result.statuses), *result.wrong, sep="\n")
