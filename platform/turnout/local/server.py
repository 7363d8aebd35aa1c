"""Start, stop, replace and look at the server of this machine.

The server runs in a session of its own and outlives who started it. A folder holds what is known
of it; a process is only ever signalled after its identity was compared with the one written there.
"""

import contextlib
import hashlib
import http.client
import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from turnout.local import port as ports
from turnout.local import record as records
from turnout.local.errors import LocalServerError
from turnout.local.identity import ProcessIdentity, identify, is_alive, session_members
from turnout.local.record import Record

_MARK: Final = "SUPERVISED_BY_TURNOUT"
_POLL: Final = 0.02
# Seconds after which a server that is up counts as stuck: one at work may answer late.
_PATIENCE: Final = 10.0
# Seconds that the system is given to end what was killed.
_KILL_SECONDS: Final = 5.0
# docs/container.md, exit codes.
_EXITS: Final = {2: "a setting is wrong", 3: "the model was refused", 4: "the port was taken"}


@dataclass(frozen=True)
class ServerSpec:
    """What to run: `environment` goes on top of this process's own, times are in seconds."""

    command: tuple[str, ...]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_timeout: float = 60.0
    stop_timeout: float = 15.0

    @property
    def digest(self) -> str:
        """Changes when a running server would have to be replaced to match."""
        said = [list(self.command), self.port, sorted(self.environment.items())]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


class State(StrEnum):
    """How the server of a folder is."""

    READY = "ready"
    UNRESPONSIVE = "unresponsive"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Running:
    """A server that answered: `started` is False where it was found as wanted and left alone."""

    pid: int
    port: int
    log: Path
    started: bool

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{ports.HOST}:{self.port}"


def ensure(folder: Path, spec: ServerSpec) -> Running:
    """The server of `folder`, as `spec` says and ready: started, replaced or left alone.

    Where the new settings do not make a server that gets ready, the old one keeps running.
    Raises LocalServerError.
    """
    with records.locked(folder):
        old = _living(folder)
        if old is None:
            _sweep(folder, spec.stop_timeout)
            return _start(folder, spec)
        if old.digest == spec.digest and answers(old.port, _PATIENCE):
            return Running(old.process.pid, old.port, records.log_path(folder), started=False)
        if old.port != spec.port:
            _refuse_taken(spec.port)
        _rehearse(folder, spec)
        return _swap(folder, old, spec)


def stop(folder: Path, timeout: float = 15.0) -> bool:
    """Stops the server of `folder` and what it left; whether there was something to stop.

    It may finish its requests for `timeout` seconds before it is killed.
    """
    if not folder.is_dir():
        return False
    with records.locked(folder):
        found = _sweep(folder, timeout)
        records.forget(folder)
        return found


def state(folder: Path) -> State:
    """How the server of `folder` is now."""
    living = _living(folder)
    if living is None:
        return State.STOPPED
    return State.READY if answers(living.port, _PATIENCE) else State.UNRESPONSIVE


def digest(folder: Path) -> str | None:
    """The digest of the settings that the living server of `folder` was started with."""
    living = _living(folder)
    return None if living is None else living.digest


def owns(folder: Path, port: int) -> bool:
    """Whether `port` is the one of the server of `folder`, or of what a killed one left there."""
    record = records.read_record(folder)
    if record is None or record.port != port:
        return False
    return is_alive(record.process) or bool(_leftovers(record))


def taken(port: int) -> str:
    """The error's text for a port that somebody else has."""
    who = ports.holder(port)
    by = f"by {who}" if who else "by another process"
    return (
        f"port {port} of {ports.HOST} is taken {by}; "
        "stop that one, or choose another with turnout:service.target.port"
    )


def answers(port: int, timeout: float = 2.0) -> bool:
    """Whether `/health` on `port` answers 200 within `timeout` seconds."""
    # Not urllib: it would ask the proxy of the environment.
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=timeout)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _living(folder: Path) -> Record | None:
    record = records.read_record(folder)
    return record if record is not None and is_alive(record.process) else None


def _refuse_taken(port: int) -> None:
    if not ports.is_free(port):
        raise LocalServerError(taken(port))


def _start(folder: Path, spec: ServerSpec) -> Running:
    _refuse_taken(spec.port)
    process, record = _spawn(folder, spec)
    try:
        _await_ready(folder, process, spec)
    except BaseException:
        _end(record, process, timeout=1.0)
        records.forget(folder)
        raise
    return Running(process.pid, spec.port, records.log_path(folder), started=True)


def _spawn(folder: Path, spec: ServerSpec) -> tuple[subprocess.Popen[bytes], Record]:
    mark = f"{_MARK}={uuid.uuid4().hex}"
    # Settings of this process are not the server's, and Pulumi's passphrase is nobody's.
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("TURNOUT_", "PULUMI_", _MARK))
    }
    name, _, value = mark.partition("=")
    with records.rotate_log(folder).open("ab") as log:
        try:
            process = subprocess.Popen(
                spec.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env={**inherited, **spec.environment, name: value},
                start_new_session=True,
            )
        except OSError as error:
            raise LocalServerError(
                f"{spec.command[0]} cannot be run ({error.strerror}); "
                "install the server beside the platform: make setup"
            ) from None
    identity = identify(process.pid)
    if identity is None:
        # It died before it could be looked at; its exit code is read when readiness is awaited.
        identity = ProcessIdentity(process.pid, "gone", "gone")
    record = Record(identity, spec.port, spec.digest, mark)
    # Written before the wait: if this process is killed now, the next one finds the server.
    records.write_record(folder, record)
    return process, record


def _await_ready(folder: Path, process: subprocess.Popen[bytes], spec: ServerSpec) -> None:
    deadline = time.monotonic() + spec.ready_timeout
    while True:
        code = process.poll()
        if code is not None:
            raise LocalServerError(_died(folder, code))
        if answers(spec.port) and process.poll() is None:
            return
        if time.monotonic() > deadline:
            raise LocalServerError(
                f"the server did not get ready in {spec.ready_timeout:g} s; its last log lines:\n"
                f"{records.last_lines(folder)}"
            )
        time.sleep(_POLL)


def _died(folder: Path, code: int) -> str:
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    why = f": {_EXITS[code]}" if code in _EXITS else ""
    lines = records.last_lines(folder)
    said = (
        f"its last log lines ({records.log_path(folder)}):\n{lines}" if lines else "it said nothing"
    )
    return f"the server died at start with {how}{why}; {said}"


def _rehearse(folder: Path, spec: ServerSpec) -> None:
    """Proves on a spare port that `spec` gets ready, so that a mistake costs no running server."""
    spare = ports.free_port()
    place = folder / "rehearsal"
    place.mkdir(exist_ok=True)
    environment = {**spec.environment, "TURNOUT_PORT": str(spare)}
    _sweep(place, timeout=1.0)
    _start(place, replace(spec, port=spare, environment=environment))
    _sweep(place, timeout=1.0)
    records.forget(place)


def _swap(folder: Path, old: Record, spec: ServerSpec) -> Running:
    """The new server takes the port as soon as the old one lets go of it.

    The old one may still be finishing requests then.
    """
    _signal(old, signal.SIGTERM)
    deadline = time.monotonic() + spec.stop_timeout
    while is_alive(old.process) and not ports.is_free(old.port):
        if time.monotonic() > deadline:
            _kill(old)
        time.sleep(_POLL)
    try:
        return _start(folder, spec)
    finally:
        _end(old, None, max(0.0, deadline - time.monotonic()))


def _sweep(folder: Path, timeout: float) -> bool:
    """Ends the recorded server and what a killed one left behind; whether there was any."""
    record = records.read_record(folder)
    if record is None:
        return False
    found = is_alive(record.process) or bool(_leftovers(record))
    _end(record, None, timeout)
    return found


def _end(record: Record, process: subprocess.Popen[bytes] | None, timeout: float) -> None:
    _signal(record, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while is_alive(record.process) and time.monotonic() < deadline:
        if process is not None:
            process.poll()
        time.sleep(_POLL)
    _kill(record)
    if process is not None:
        process.wait()


def _signal(record: Record, number: signal.Signals) -> None:
    if is_alive(record.process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.process.pid, number)


def _kill(record: Record) -> None:
    """Kills the server and its workers, and nobody else; returns when they are gone."""
    if is_alive(record.process):
        # The server began its session, so its process group has its pid.
        _send(os.killpg, record.process.pid)
    deadline = time.monotonic() + _KILL_SECONDS
    while (left := _leftovers(record)) and time.monotonic() < deadline:
        for pid in left:
            _send(os.kill, pid)
        time.sleep(_POLL)


def _send(how: Callable[[int, int], None], pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        how(pid, signal.SIGKILL)


def _leftovers(record: Record) -> tuple[int, ...]:
    return session_members(record.process.pid, record.mark)
