"""A server to be measured, as a process of its own: started, awaited, weighed, ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_TIMEOUT = 120.0
"""Seconds until a server's first answer."""


@dataclass(frozen=True)
class Process:
    """A server that has answered; started is the seconds until it did."""

    pid: int
    port: int
    started: float

    def cpu_seconds(self) -> float:
        """User and system time of the process and its children so far."""
        return sum(_cpu_seconds(pid) for pid in self._family())

    def memory_mb(self) -> float:
        """Resident memory of the process and its children now."""
        return round(sum(_resident_mb(pid) for pid in self._family()), 1)

    def peak_memory_mb(self) -> float:
        """The most resident memory that the process itself ever had."""
        return _status_mb(self.pid, "VmHWM")

    def _family(self) -> list[int]:
        family = [self.pid]
        for pid in family:
            for task in Path(f"/proc/{pid}/task").iterdir():
                family += [int(child) for child in (task / "children").read_text().split()]
        return family


@contextmanager
def serving(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    port: int,
    path: str,
    body: bytes,
    cpus: set[int],
) -> Iterator[Process]:
    """Run a server on these CPUs until the block ends; `body` to `path` is its first request."""
    _refuse_taken(port)
    began = time.perf_counter()
    with Path(os.devnull).open("wb") as nowhere:
        process = subprocess.Popen(
            command,
            env=os.environ | dict(environment),
            stdout=nowhere,
            stderr=nowhere,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus),
        )
    try:
        _first_answer(process, port, path, body)
        yield Process(process.pid, port, time.perf_counter() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _refuse_taken(port: int) -> None:
    """Another server's answers would be taken for those of ours."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise SystemExit(f"127.0.0.1:{port} is served by another process; end that first")


def _first_answer(process: subprocess.Popen[bytes], port: int, path: str, body: bytes) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data=body, headers={"Content-Type": "application/json"}
    )
    bound = time.perf_counter() + START_TIMEOUT
    while time.perf_counter() < bound:
        try:
            with urllib.request.urlopen(request, timeout=30):
                return
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{process.args!r} answers {error.code}: {error.read()!r}") from None
        except OSError:
            if process.poll() is not None:
                raise SystemExit(f"{process.args!r} ended with {process.returncode}") from None
            time.sleep(0.01)
    raise SystemExit(f"{process.args!r} did not answer within {START_TIMEOUT:g} s")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(pid: int) -> float:
    return _status_mb(pid, "VmRSS")


def _status_mb(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0
