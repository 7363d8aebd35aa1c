"""Servers for tests: in a thread with the fake backend, or as the real process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvloop
from sanic import Sanic

from turnout_inference.fake import FakeBackend, fake_tokenizer
from turnout_inference.listening import bind, open_for_business
from turnout_inference.metrics import Metrics
from turnout_inference.model.manifest import Manifest
from turnout_inference.server import Serving, start
from turnout_inference.service import Model, Service
from turnout_inference.settings import Settings
from turnout_inference.tracing import Tracer

# Sanic rewrites its own code when an app starts; this lets it do so for many apps.
Sanic.test_mode = True

LABELS = ("spam", "rude", "fine")
MANIFEST: dict[str, Any] = {
    "format_version": 1,
    "name": "fake",
    "revision": "1",
    "architecture": "xlm-roberta",
    "hidden_size": 8,
    "problem_type": "multi_label",
    "labels": LABELS,
    "thresholds": {"spam": 0.5, "rude": 0.9, "fine": 0.5},
    "max_tokens": 64,
    "tokenizer": {"kind": "sentencepiece"},
    "head": {"input": "first_token", "activation": "tanh"},
    "compute_type": "int8",
    "files": {
        name: {"sha256": "0" * 64, "size": 1}
        for name in ("model.bin", "config.json", "head.safetensors", "sentencepiece.bpe.model")
    },
    "licence": "CC0-1.0",
    "source": "made for tests",
}


def fake_model(backend: FakeBackend | None = None, **changes: object) -> Model:
    """A model of three labels whose logits follow from the text (see FakeBackend)."""
    manifest = Manifest.model_validate(MANIFEST | changes)
    backend = backend or FakeBackend(labels=len(manifest.labels))
    return Model(manifest, "f" * 64, fake_tokenizer(manifest.max_tokens), backend)


@dataclass
class Running:
    """A server in a thread of this process."""

    service: Service
    serving: Serving
    loop: asyncio.AbstractEventLoop
    port: int
    client: httpx.Client

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def classify(self, inputs: object, **more: Any) -> httpx.Response:
        return self.client.post("/v1/classify", json={"inputs": inputs, **more})

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def drain(self) -> bool:
        return asyncio.run_coroutine_threadsafe(self.serving.drain(), self.loop).result(30)

    def metric(self, name: str, /, **labels: str) -> float:
        """A sample of /metrics; 0 where there is none."""
        wanted = "{" + ",".join(f'{key}="{labels[key]}"' for key in sorted(labels)) + "}"
        for line in self.client.get("/metrics").text.splitlines():
            given, _, value = line.rpartition(" ")
            if given == (name + wanted if labels else name):
                return float(value)
        return 0.0


@contextmanager
def running(
    model: Model | None = None, tracer: Tracer | None = None, **settings: Any
) -> Iterator[Running]:
    """Serve a model (the fake one by default) on a free port of the loopback."""
    given = Settings.model_validate({"log_requests": False} | settings)
    service = Service(given, model or fake_model(), Metrics(), tracer)
    listener = bind("127.0.0.1", 0)
    open_for_business(listener)
    port = listener.getsockname()[1]
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    serving = asyncio.run_coroutine_threadsafe(start(service, listener), loop).result(30)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield Running(service, serving, loop, port, client)
    finally:
        backend = service.model.backend
        if isinstance(backend, FakeBackend):
            backend.gate.set()
        asyncio.run_coroutine_threadsafe(serving.drain(), loop).result(30)
        service.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@dataclass
class Process:
    """`turnout-server` as its own process, its log kept."""

    popen: subprocess.Popen[str]
    port: int
    log: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in list(self.log) if line.startswith("{")]

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        return self.popen.wait(60)

    def workers(self) -> list[int]:
        path = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def wait_ready(self, seconds: float = 30) -> None:
        wait_until(lambda: answers(f"{self.url}/readyz"), seconds, self.popen)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def wait_until(holds: Any, seconds: float, process: subprocess.Popen[str] | None = None) -> None:
    """Wait until `holds()`, or fail; fail at once when the process has ended."""
    bound = time.monotonic() + seconds
    while not holds():
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() > bound:
            raise AssertionError("the server ended" if ended else f"not so within {seconds} s")
        time.sleep(0.01)


def environment(port: int, **settings: object) -> Mapping[str, str]:
    """A clean environment with TURNOUT_ settings."""
    own = {f"TURNOUT_{name.upper()}": str(value) for name, value in settings.items()}
    rest = {name: value for name, value in os.environ.items() if not name.startswith("TURNOUT_")}
    return rest | {"TURNOUT_HOST": "127.0.0.1", "TURNOUT_PORT": str(port)} | own


@contextmanager
def process(
    *, ready: bool = True, command: list[str] | None = None, **settings: object
) -> Iterator[Process]:
    """Run `turnout-server` with the default model; it is ended with the block."""
    port = free_port()
    server = [str(Path(sys.executable).with_name("turnout-server"))]
    popen = subprocess.Popen(
        [*(command or []), *server],
        env=environment(port, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    found = Process(popen, port)
    reader = threading.Thread(target=_read, args=(found,), daemon=True)
    reader.start()
    try:
        if ready:
            found.wait_ready()
        yield found
    finally:
        if popen.poll() is None:
            popen.terminate()
            try:
                popen.wait(20)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait(10)
        reader.join(10)


def _read(process: Process) -> None:
    assert process.popen.stdout is not None
    for line in process.popen.stdout:
        process.log.append(line.rstrip("\n"))
