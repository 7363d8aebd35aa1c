"""Which process it was: a pid alone is given to another process sooner or later."""

import os
import platform
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
# proc(5), /proc/<pid>/stat, counted after the command's closing parenthesis.
_STATE: Final = 0
_SESSION: Final = 3
_START: Final = 19
_DEAD: Final = frozenset("ZX")


@dataclass(frozen=True)
class ProcessIdentity:
    """A process for as long as it lives: no other one, before or after, has all three."""

    pid: int
    started: str
    """When it started, as the system says it: clock ticks since boot, or a date on macOS."""
    boot: str
    """The boot that the process belongs to."""


def identify(pid: int) -> ProcessIdentity | None:
    """The identity of the living process `pid`; None where there is none."""
    started = _started(pid)
    return None if started is None else ProcessIdentity(pid, started, _boot())


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether this very process still runs. A zombie does not."""
    return identify(identity.pid) == identity


def session_members(leader: int, mark: str) -> tuple[int, ...]:
    """Living processes of the session that `leader` began and whose environment holds `mark`.

    They are what a killed server leaves behind. Linux only; elsewhere none are found.
    """
    if not _PROC.is_dir():
        return ()
    found = []
    for entry in _PROC.iterdir():
        if not entry.name.isdecimal():
            continue
        fields = _stat(int(entry.name))
        if fields is None or fields[_STATE] in _DEAD or fields[_SESSION] != str(leader):
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if mark.encode() in environment.split(b"\0"):
            found.append(int(entry.name))
    return tuple(found)


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The command may hold spaces and parentheses of its own.
    return text.rpartition(")")[2].split()


def _started(pid: int) -> str | None:
    if _PROC.is_dir():
        fields = _stat(pid)
        return None if fields is None or fields[_STATE] in _DEAD else fields[_START]
    listed = subprocess.run(
        ["ps", "-o", "state=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    ).stdout.split(maxsplit=1)
    return None if len(listed) < 2 or listed[0][0] in _DEAD else listed[1].strip()


@cache
def _boot() -> str:
    if platform.system() == "Linux":
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return subprocess.run(
        ["sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=False
    ).stdout.strip()
