"""An engine that fails is tried again; one that hangs, or stays broken, is given up."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
from tests.inference.running import answers, fake_model, free_port, running, wait_until

from turnout_inference.batching import Job, Limits
from turnout_inference.engine import SICK_AFTER, Engine
from turnout_inference.fake import FakeBackend
from turnout_inference.tokenizer import Encoded
from turnout_inference.watch import Watch

PATIENCE = 4


@contextmanager
def watched(backend: FakeBackend) -> Iterator[tuple[Engine, Watch]]:
    engine = Engine(backend, "multi_label", Limits(512), deliver=lambda _jobs: None)
    engine.start()
    try:
        yield engine, Watch(engine, job, PATIENCE)
    finally:
        backend.gate.set()
        engine.stop()


def job() -> Job:
    return Job([Encoded([1], 1)], time.monotonic())


def looks(watch: Watch, engine: Engine, count: int) -> list[str | None]:
    """So many looks, each after what was sent before has been computed."""
    found = []
    for _ in range(count):
        found.append(watch.look())
        wait_until(lambda: not engine.waiting_texts and engine.in_progress == [0], 10)
    return found


def state(engine: Engine) -> str:
    return "healthy" if engine.healthy else "unhealthy"


def fail(engine: Engine, backend: FakeBackend) -> None:
    backend.error = RuntimeError("no memory")
    for _ in range(SICK_AFTER):
        broken = job()
        engine.submit(broken)
        wait_until(lambda broken=broken: broken.error is not None, 10)


def test_an_engine_that_is_well_is_left_alone() -> None:
    backend = FakeBackend(labels=2)
    with watched(backend) as (engine, watch):
        assert looks(watch, engine, 3 * PATIENCE) == [None] * 3 * PATIENCE
        assert backend.batches == []


def test_an_engine_that_fails_is_probed_and_well_again_when_the_probe_is_answered() -> None:
    backend = FakeBackend(labels=2)
    with watched(backend) as (engine, watch):
        fail(engine, backend)
        assert looks(watch, engine, PATIENCE - 1) == [None] * (PATIENCE - 1)
        assert state(engine) == "unhealthy"
        backend.error = None
        assert looks(watch, engine, 1) == [None]
        assert state(engine) == "healthy"
        # And the count begins anew.
        assert watch.look() is None
        fail(engine, backend)
        assert looks(watch, engine, PATIENCE) == [None] * PATIENCE


def test_an_engine_that_stays_unhealthy_is_given_up() -> None:
    backend = FakeBackend(labels=2)
    with watched(backend) as (engine, watch):
        fail(engine, backend)
        found = looks(watch, engine, PATIENCE + 1)
        assert found == [None] * PATIENCE + ["the model computes nothing any more"]


def test_a_batch_without_end_is_given_up() -> None:
    backend = FakeBackend(labels=2)
    with watched(backend) as (engine, watch):
        backend.gate.clear()
        engine.submit(job())
        wait_until(lambda: bool(backend.batches), 10)
        found = [watch.look() for _ in range(PATIENCE + 1)]
        assert found == [None] * PATIENCE + ["a batch is computed without end"]


def test_batches_one_after_the_other_are_not_taken_for_one_without_end() -> None:
    backend = FakeBackend(labels=2)
    with watched(backend) as (engine, watch):
        for count in range(1, 3 * PATIENCE):
            backend.gate.clear()
            engine.submit(job())
            wait_until(lambda count=count: len(backend.batches) == count, 10)
            assert watch.look() is None
            backend.gate.set()
            wait_until(lambda: engine.in_progress == [0], 10)


def test_a_thread_that_has_ended_is_given_up() -> None:
    with watched(FakeBackend(labels=2)) as (engine, watch):
        engine.stop()
        assert watch.look() == "an inference thread has ended"


def test_a_server_whose_model_has_failed_serves_again_by_itself() -> None:
    backend = FakeBackend(labels=3)
    with running(fake_model(backend)) as server:
        backend.error = RuntimeError("no memory")
        for _ in range(SICK_AFTER):
            assert server.classify("a").status_code == 500
        assert server.classify("a").status_code == 503
        assert server.client.get("/health").status_code == 503
        backend.error = None
        wait_until(lambda: server.client.get("/health").status_code == 200, 10)
        assert server.classify("a").status_code == 200


# Serves a backend that hangs, or fails, on every text but the one of the warm-up.
PROGRAM = """
import sys
from threading import Event
import uvloop
from tests.inference.running import fake_model
from turnout_inference import cli, service
from turnout_inference.fake import FakeBackend
from turnout_inference.listening import bind, open_for_business
from turnout_inference.logs import configure
from turnout_inference.metrics import Metrics
from turnout_inference.server import serve
from turnout_inference.settings import Settings

class Spoilt(FakeBackend):
    def logits(self, batch):
        if self.batches and sys.argv[2] == "hangs":
            Event().wait()
        if self.batches:
            raise RuntimeError("no memory")
        return super().logits(batch)

service.GIVE_UP_AFTER = 0.5
configure("info")
settings = Settings(request_timeout=1, drain_timeout=2)
listener = bind("127.0.0.1", int(sys.argv[1]))
open_for_business(listener)
made = service.Service(settings, fake_model(Spoilt(labels=3)), Metrics())
cli._end(0 if uvloop.run(serve(made, listener)) else 1)
"""


def given_up(how: str) -> str:
    """What a server says that ends by itself, with 1."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port), how], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            wait_until(lambda: answers(f"{url}/livez"), 20, server)
            for _ in range(SICK_AFTER):
                with suppress(httpx.HTTPError):
                    httpx.post(f"{url}/v1/classify", json={"inputs": "a"}, timeout=10)
            said, _ = server.communicate(timeout=20)
        finally:
            server.kill()
    assert server.returncode == 1
    return said


def test_a_server_whose_model_hangs_ends_with_1_to_be_replaced() -> None:
    assert "giving up: a batch is computed without end" in given_up("hangs")


def test_a_server_whose_model_fails_for_good_ends_with_1_to_be_replaced() -> None:
    assert "giving up: the model computes nothing any more" in given_up("fails")
