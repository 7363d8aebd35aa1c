"""`turnout-server`: settings, model, port, in this order; each failure has its exit code."""

from __future__ import annotations

import gc
import logging
import os
import sys
from enum import IntEnum
from pathlib import Path

from turnout_inference import __version__
from turnout_inference.logs import configure, fields
from turnout_inference.settings import Settings, SettingsRefused, read_settings

log = logging.getLogger("turnout.server")


class Exit(IntEnum):
    """Exit codes, as docs/container.md has them."""

    DRAINED = 0
    CUT_OFF = 1
    BAD_SETTINGS = 2
    MODEL_REFUSED = 3
    PORT_TAKEN = 4


def main() -> int:
    """Run the server in the foreground until SIGTERM or SIGINT."""
    if len(sys.argv) > 1:
        return _usage(sys.argv[1])
    # Start-up allocates much and frees nothing: collecting in between only costs time.
    gc.disable()
    try:
        settings = read_settings(os.environ)
    except SettingsRefused as refused:
        configure("info")
        for problem in refused.problems:
            log.error("setting refused: %s", problem)
        return Exit.BAD_SETTINGS
    configure(settings.log_level)
    return serve(settings)


def serve(settings: Settings) -> int:
    """Serve with these settings; the exit code."""
    from turnout_inference.cpus import granted_cpus, plan

    cpus = granted_cpus()
    workers, threads = plan(cpus, settings.workers, settings.threads, settings.threads_per_batch)
    log.info(
        "starting",
        extra=fields(
            version=__version__,
            cpus=round(cpus, 2),
            chosen_workers=workers,
            chosen_threads=threads,
            settings=settings.shown(),
        ),
    )
    return _one(settings, threads)


def _one(settings: Settings, threads: int) -> int:
    from turnout_inference.model.errors import ModelRefused
    from turnout_inference.server import PortTaken, bind, open_for_business
    from turnout_inference.worker import load_model, run

    try:
        listener = bind(settings.host, settings.port)
        model = load_model(
            _resolve(settings), threads=threads, threads_per_batch=settings.threads_per_batch
        )
        open_for_business(listener)
    except ModelRefused as refused:
        log.error("model refused: %s", refused)
        return Exit.MODEL_REFUSED
    except PortTaken as taken:
        log.error("cannot listen on %s; set TURNOUT_HOST and TURNOUT_PORT to a free one", taken)
        return Exit.PORT_TAKEN
    return Exit.DRAINED if run(settings, model, listener) else Exit.CUT_OFF


def _resolve(settings: Settings) -> Path:
    from turnout_inference.model.fetch import resolve_model

    return resolve_model(settings.model, settings.model_sha256, settings.cache_dir)


def _usage(argument: str) -> int:
    if argument in {"--version", "-V"}:
        print(f"turnout-server {__version__}")
        return 0
    print(
        "usage: turnout-server\n\nTakes no arguments: settings are TURNOUT_* environment "
        "variables (docs/settings.md).",
        file=sys.stdout if argument in {"-h", "--help"} else sys.stderr,
    )
    return 0 if argument in {"-h", "--help"} else Exit.BAD_SETTINGS


if __name__ == "__main__":
    sys.exit(main())
