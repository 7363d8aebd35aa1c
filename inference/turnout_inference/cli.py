"""`turnout-server`: settings, model, port, in this order; each failure has its exit code."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from turnout_inference import __version__
from turnout_inference.logs import configure, fields

if TYPE_CHECKING:
    from turnout_inference.settings import Settings, SettingsRefused

log = logging.getLogger("turnout.server")


QUIET_LIBRARIES = {
    # Small products on several threads: more threads inside each would only be in the way.
    "OPENBLAS_NUM_THREADS": "1",
    # It looks through every installed package for plugins, at each start.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
"""Set before the libraries are imported, where the environment does not say otherwise."""


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
    for number in (signal.SIGTERM, signal.SIGINT):
        # As the first process of a container it would otherwise ignore both until it serves.
        signal.signal(number, _leave)
    # Start-up allocates much and frees nothing: collecting in between only costs time.
    gc.disable()
    for name, value in QUIET_LIBRARIES.items():
        os.environ.setdefault(name, value)
    from turnout_inference.settings import SettingsRefused, read_settings

    try:
        settings = read_settings(os.environ)
        if settings.api_keys_secret is not None:
            from turnout_inference.key_secret import with_secret_keys

            settings = with_secret_keys(settings)
        if settings.tracing:
            from turnout_inference.tracing import check_tracing

            check_tracing()
    except SettingsRefused as refused:
        configure("info")
        return _refuse(refused)
    configure(settings.log_level)
    return _end(serve(settings))


def serve(settings: Settings) -> int:
    """Serve with these settings; the exit code."""
    from turnout_inference.cpus import granted_cpus, plan
    from turnout_inference.listening import PortTaken
    from turnout_inference.model.errors import ModelRefused
    from turnout_inference.settings import SettingsRefused

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
    try:
        if workers > 1:
            return _several(settings, workers, threads)
        return _one(settings, threads)
    except SettingsRefused as refused:
        return _refuse(refused)
    except ModelRefused as refused:
        log.error("model refused: %s", refused)
        return Exit.MODEL_REFUSED
    except PortTaken as taken:
        log.error("cannot listen on %s; set TURNOUT_HOST and TURNOUT_PORT to a free one", taken)
        return Exit.PORT_TAKEN


def _refuse(refused: SettingsRefused) -> int:
    for problem in refused.problems:
        log.error("setting refused: %s", problem)
    return Exit.BAD_SETTINGS


def _one(settings: Settings, threads: int) -> int:
    from turnout_inference.listening import bind
    from turnout_inference.worker import load_and_run

    listener = bind(settings.host, settings.port)
    whole = load_and_run(settings, _resolve(settings), threads, listener)
    return Exit.DRAINED if whole else Exit.CUT_OFF


def _several(settings: Settings, workers: int, threads: int) -> int:
    from turnout_inference.listening import PortTaken, bind
    from turnout_inference.model.errors import ModelRefused
    from turnout_inference.supervisor import Slot, Supervisor, shared_metrics

    # Alone first: a socket that others may share would not notice that the port is taken.
    probe = bind(settings.host, settings.port)
    port = probe.getsockname()[1]
    probe.close()
    slots = [Slot(bind(settings.host, port, shared=True)) for _ in range(workers)]
    folder = _resolve(settings)
    with shared_metrics(settings.cache_dir):
        from prometheus_client.multiprocess import mark_process_dead

        from turnout_inference.worker import load_and_run

        def work(listener: socket.socket, beat: Callable[[], None]) -> int:
            try:
                whole = load_and_run(settings, folder, threads, listener, beat=beat)
            except ModelRefused as refused:
                log.error("model refused: %s", refused)
                return Exit.MODEL_REFUSED
            except PortTaken as taken:
                log.error("cannot listen on %s", taken)
                return Exit.PORT_TAKEN
            return Exit.DRAINED if whole else Exit.CUT_OFF

        return Supervisor(
            slots,
            work,
            drain_timeout=settings.drain_timeout,
            failed=frozenset({Exit.MODEL_REFUSED, Exit.PORT_TAKEN}),
            buried=mark_process_dead,
        ).run()


def _leave(_number: int, _frame: object) -> NoReturn:
    """Told to end before anything was served: there is nothing to drain."""
    # At once: an exception would be told as the failure of whatever is being imported.
    os._exit(Exit.DRAINED)


def _end(code: int) -> NoReturn:
    """End the process with this code, and with it every thread that the drain did not wait for."""
    logging.shutdown()
    sys.stdout.flush()
    # Not by returning: the interpreter would wait for threads, and CTranslate2 for its own.
    os._exit(code)


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
