"""What is known of the server of one folder: which process, told what, logging where."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from turnout.local.identity import ProcessIdentity

_RECORD: Final = "server.json"
_LOG: Final = "server.log"
_LOCK: Final = "lock"


@dataclass(frozen=True)
class Record:
    """A server that was started: `digest` stands for its settings, which may hold secrets."""

    process: ProcessIdentity
    port: int
    digest: str
    mark: str


def log_path(folder: Path) -> Path:
    """The log of the server that runs, or ran last."""
    return folder / _LOG


def read_record(folder: Path) -> Record | None:
    """The server that was last started in `folder`; None where there is none."""
    try:
        said = json.loads((folder / _RECORD).read_text())
        return Record(
            process=ProcessIdentity(**said["process"]),
            port=int(said["port"]),
            digest=str(said["digest"]),
            mark=str(said["mark"]),
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError):
        # A half-written file of a machine that went down: its process is gone too.
        return None


def write_record(folder: Path, record: Record) -> None:
    """Replaces the record in one step: who reads sees the old one or the new one."""
    fresh = folder / f"{_RECORD}.new"
    fresh.write_text(json.dumps(asdict(record), indent=1) + "\n")
    fresh.replace(folder / _RECORD)


def forget(folder: Path) -> None:
    """Removes the record; the log stays for who wants to know why."""
    (folder / _RECORD).unlink(missing_ok=True)


def rotate_log(folder: Path) -> Path:
    """A fresh log; the one before is kept as `server.log.1`."""
    log = log_path(folder)
    if log.exists():
        log.replace(log.with_name(f"{_LOG}.1"))
    log.touch(mode=0o600)
    return log


def last_lines(folder: Path, count: int = 15) -> str:
    """The last lines of the log, indented; empty where there is none."""
    try:
        with log_path(folder).open("rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - 16_384))
            lines = log.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(f"    {line}" for line in lines[-count:])


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds `folder` for one change: two `up` at once do not start two servers."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
