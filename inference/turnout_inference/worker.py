"""One process that serves: loads a verified model folder and runs the event loop."""

from __future__ import annotations

import gc
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import uvloop

from turnout_inference.backend import load_backend
from turnout_inference.listening import open_for_business
from turnout_inference.metrics import Metrics
from turnout_inference.model.fit import check_fit
from turnout_inference.model.manifest import load_manifest, model_digest
from turnout_inference.server import serve
from turnout_inference.service import Model, Service
from turnout_inference.settings import Settings
from turnout_inference.tokenizer import load_tokenizer
from turnout_inference.tracing import Tracer

SWITCH_INTERVAL = 0.0005
"""Seconds that a computing thread waits for the interpreter when the event loop is busy. It needs
it for microseconds, several times a batch; with Python's 5 ms, a storm of requests to refuse would
hold up those that were admitted."""


def load_model(folder: Path, *, threads: int, threads_per_batch: int) -> Model:
    """The model of a verified folder, computed by `threads` threads; or ModelRefused."""
    manifest = load_manifest(folder)
    tokenizer = load_tokenizer(folder, manifest)
    check_fit(folder, manifest, tokenizer)
    return Model(
        manifest,
        model_digest(folder),
        tokenizer,
        load_backend(folder, manifest, threads=threads, intra_threads=threads_per_batch),
    )


def load_and_run(
    settings: Settings,
    folder: Path,
    threads: int,
    listener: socket.socket,
    *,
    beat: Callable[[], None] = lambda: None,
) -> bool:
    """Load the model, then listen, then serve until told to stop.

    beat is called every half second while the event loop runs. Returns whether nothing was cut
    off at the end; raises ModelRefused or PortTaken before anything is served.
    """
    model = load_model(folder, threads=threads, threads_per_batch=settings.threads_per_batch)
    open_for_business(listener)
    tracer = Tracer() if settings.tracing else None
    service = Service(settings, model, Metrics(), tracer)
    sys.setswitchinterval(SWITCH_INTERVAL)
    # What start-up made stays for good: the collector need not look at it again.
    gc.freeze()
    gc.enable()
    return uvloop.run(serve(service, listener, beat))
