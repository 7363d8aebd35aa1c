"""Several serving processes: a parent that forks them, and forks again what dies.

The parent imports everything but loads no model and starts no thread, so a fork is safe and a
new worker serves in the time that the model takes to load. It keeps every worker's socket open:
connections that a dead worker had not accepted are answered by the next one.
"""

from __future__ import annotations

import ctypes
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from turnout_inference.logs import fields
from turnout_inference.settings import SettingsRefused

log = logging.getLogger("turnout.server")

QUICK_DEATH = 5.0
"""Seconds; a worker that dies sooner is started again with growing pauses."""
LONGEST_PAUSE = 5.0
GIVE_UP_AFTER = 10
"""Quick deaths in a row, of one worker, after which the server exits."""
SILENCE = 20.0
"""Seconds without a heartbeat after which a worker is taken for stuck, and killed."""
LAST_BREATH = 2.0
"""Seconds beyond the drain's own bound until a worker is killed."""

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's variable."""
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
_PR_SET_PDEATHSIG = 1

Mask = set[int | signal.Signals]
Serve = Callable[[socket.socket, Callable[[], None]], int]
"""What a worker does: serves on a socket, beats its heart, returns its exit code."""


@dataclass(slots=True)
class Slot:
    """A worker's place: its socket stays, processes come and go."""

    listener: socket.socket
    pid: int = 0
    pulse: int = -1
    """Read end of the pipe on which the worker's heart beats."""
    started: float = 0.0
    heard: float | None = None
    """When its heart was last heard; None until it serves."""
    quick_deaths: int = 0
    due: float = 0.0
    """When to start it, while it has no process."""


@dataclass(slots=True)
class Supervisor:
    """Runs `serve` in one process a slot until told to stop.

    failed: codes with which a worker that never served ends the whole server, as its own.
    """

    slots: list[Slot]
    serve: Serve
    drain_timeout: float
    failed: frozenset[int] = frozenset()
    buried: Callable[[int], None] = lambda _pid: None
    """Called with the pid of each worker that died."""

    def run(self) -> int:
        """Supervise until SIGTERM or SIGINT; the exit code."""
        previous = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            return self._watch(previous)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, previous)

    def _watch(self, mask: Mask) -> int:
        while True:
            now = time.monotonic()
            for slot in self.slots:
                if not slot.pid and now >= slot.due:
                    self._start(slot, mask)
            told = signal.sigtimedwait(_SIGNALS, 0.25)
            if told is not None and told.si_signo != signal.SIGCHLD:
                return self._stop(0)
            self._listen_to_hearts()
            for slot, code in self._reap():
                verdict = self._died(slot, code)
                if verdict is not None:
                    return self._stop(verdict)

    def _start(self, slot: Slot, mask: Mask) -> None:
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(read)
            os._exit(self._be_worker(slot, write, mask))
        os.close(write)
        os.set_blocking(read, False)
        slot.pid, slot.pulse, slot.heard, slot.started = pid, read, None, time.monotonic()

    def _be_worker(self, slot: Slot, pulse: int, mask: Mask) -> int:
        try:
            _die_with_parent()
            for other in self.slots:
                if other is not slot:
                    other.listener.close()
                    if other.pid:
                        os.close(other.pulse)
            os.set_blocking(pulse, False)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            return self.serve(slot.listener, lambda: _beat(pulse))
        except SystemExit:
            # Told to end before it served.
            return 0
        except BaseException:
            log.exception("a worker failed")
            return 1
        finally:
            logging.shutdown()
            sys.stdout.flush()

    def _listen_to_hearts(self) -> None:
        now = time.monotonic()
        for slot in self.slots:
            if not slot.pid:
                continue
            with suppress(BlockingIOError):
                if os.read(slot.pulse, 4096):
                    slot.heard = now
            if slot.heard is not None and now - slot.heard > SILENCE:
                log.error("a worker is stuck; killing it", extra=fields(worker=slot.pid))
                slot.heard = now
                os.kill(slot.pid, signal.SIGKILL)

    def _reap(self) -> Iterator[tuple[Slot, int]]:
        for slot in self.slots:
            if not slot.pid:
                continue
            pid, status = os.waitpid(slot.pid, os.WNOHANG)
            if pid:
                self.buried(pid)
                os.close(slot.pulse)
                slot.pid = 0
                yield slot, os.waitstatus_to_exitcode(status)

    def _died(self, slot: Slot, code: int) -> int | None:
        """Plan the next start; or the code with which the whole server must end."""
        served = slot.heard is not None
        if code in self.failed and not served:
            return code
        now = time.monotonic()
        quick = now - slot.started < QUICK_DEATH
        slot.quick_deaths = slot.quick_deaths + 1 if quick else 0
        if slot.quick_deaths >= GIVE_UP_AFTER:
            log.error("a worker dies again and again; giving up", extra=fields(code=code))
            return 1
        pause = min(LONGEST_PAUSE, 0.05 * 2**slot.quick_deaths) if slot.quick_deaths > 1 else 0.0
        slot.due = now + pause
        log.error("a worker died; starting another", extra=fields(code=code, pause=pause))
        return None

    def _stop(self, code: int) -> int:
        """Let every worker drain; kill what outlives the bound."""
        for slot in self.slots:
            # Else connections would wait here for a worker that does not listen any more.
            slot.listener.close()
        for slot in self.slots:
            if slot.pid:
                os.kill(slot.pid, signal.SIGTERM)
        bound = time.monotonic() + self.drain_timeout + LAST_BREATH
        while any(slot.pid for slot in self.slots):
            for _, ended in self._reap():
                code = code or int(ended != 0)
            if time.monotonic() > bound:
                for slot in self.slots:
                    if slot.pid:
                        os.kill(slot.pid, signal.SIGKILL)
            signal.sigtimedwait({signal.SIGCHLD}, 0.05)
        return code


@contextmanager
def shared_metrics(cache_dir: Path) -> Iterator[None]:
    """A folder for the figures of all workers; prometheus_client is told when it is imported."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="metrics-", dir=cache_dir))
    except OSError as error:
        raise SettingsRefused(
            [
                f"TURNOUT_CACHE_DIR: {cache_dir} cannot be written to "
                f"({error.strerror or error}), and the figures of several workers meet there; "
                "name a folder that this user may write to, or set TURNOUT_WORKERS to 1"
            ]
        ) from None
    os.environ[METRICS_FOLDER] = str(folder)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _beat(pulse: int) -> None:
    with suppress(BlockingIOError):
        os.write(pulse, b".")


def _die_with_parent() -> None:
    """Have the kernel send SIGTERM to this worker when its parent dies, however that happens."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
