"""Builds the engine from Pulumi's own Go modules, once for this user.

`tools/engine` pins the modules. The two launchers beside the binary stand in for the parts of a
full installation that are not in those modules.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from turnout.engine.errors import EngineError
from turnout.engine.find import Engine, Rejected, cache_folder, examine
from turnout.engine.progress import (
    Progress,
    expected_seconds,
    remaining_seconds,
    time_share,
)

SOURCE: Final = Path(__file__).parents[3] / "tools" / "engine"
_PACKAGE: Final = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_VERSION_VARIABLE: Final = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
# `go list -deps` over tools/engine at 3.256.0.
PACKAGES: Final = 1668
MODULES: Final = 250
# "Download and install" of go.dev: where it goes, often without PATH being told.
GO_FOLDER: Final = "/usr/local/go/bin"
# "Go Toolchains": from 1.21 on, go fetches the toolchain that go.mod asks for.
_LEAST_GO: Final = (1, 21)
_TAIL: Final = 15
# Seconds between two looks at a build.
_INTERVAL: Final = 1.0

Report = Callable[[Progress], None]


def pinned_version(source: Path = SOURCE) -> str:
    """The engine's version that `tools/engine/go.mod` pins. Raises EngineError."""
    try:
        text = (source / "go.mod").read_text()
    except OSError:
        raise EngineError(
            f"{source}/go.mod is not there; an engine is built inside a clone of the project only"
        ) from None
    match = re.search(r"github\.com/pulumi/pulumi/pkg/v3 v(\S+)", text)
    if match is None:
        raise EngineError(f"{source}/go.mod does not pin github.com/pulumi/pulumi/pkg/v3")
    return match[1]


def find_go(environment: Mapping[str, str] = os.environ) -> Path:
    """A Go toolchain that can build the engine. Raises EngineError."""
    found = shutil.which("go", path=environment.get("PATH")) or shutil.which("go", path=GO_FOLDER)
    if found is None:
        raise EngineError("Go is not installed; get Go from https://go.dev/dl, or Pulumi itself")
    said = subprocess.run([found, "version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"go(\d+)\.(\d+)", said)
    if match is None or (int(match[1]), int(match[2])) < _LEAST_GO:
        raise EngineError(f"{found} is too old ({said.strip() or 'no version'}); 1.21 is needed")
    return Path(found)


def build(report: Report, environment: Mapping[str, str] = os.environ) -> Engine:
    """Builds the pinned engine into the user's cache, or waits for another build of it.

    `report` hears how far it is, about once a second. Raises EngineError.
    """
    version = pinned_version()
    go = find_go(environment)
    folder = cache_folder(version, environment)
    with _alone(folder.parent, report):
        if not (folder / "pulumi").exists():
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                binary = Path(scratch) / "pulumi"
                _compile(go, version, binary, report, environment)
                folder.mkdir(exist_ok=True)
                install_launchers(folder)
                # Last, in one step: where `pulumi` is, everything is.
                binary.replace(folder / "pulumi")
    engine = examine(folder / "pulumi", "built here")
    if isinstance(engine, Rejected):
        raise EngineError(f"the engine that was built cannot be used: {engine.reason}")
    return engine


def install_launchers(folder: Path) -> None:
    """Puts the launchers of dynamic providers and policy packs beside the engine."""
    for launcher in (SOURCE / "launchers").iterdir():
        shutil.copy(launcher, folder / launcher.name)


@contextmanager
def _alone(folder: Path, report: Report) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(Progress(0.0, expected_seconds(_cores()), "waiting for another build of it"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _compile(
    go: Path, version: str, binary: Path, report: Report, environment: Mapping[str, str]
) -> None:
    command = [
        str(go), "build", "-v", "-trimpath", "-buildvcs=false",
        "-ldflags", f"-s -w -X {_VERSION_VARIABLE}=v{version}",
        "-o", str(binary), _PACKAGE,
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        cwd=SOURCE,
        env={**environment, "CGO_ENABLED": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None  # noqa: S101 - it is a pipe
    watch = _Watch()
    reader = threading.Thread(target=watch.read, args=(process.stderr,), daemon=True)
    reader.start()
    expected = expected_seconds(_cores())
    try:
        while not _ended(process):
            report(watch.progress(expected))
        reader.join()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if process.returncode != 0:
        said = "\n".join(f"    {line}" for line in watch.tail)
        raise EngineError(f"go build failed with exit code {process.returncode}:\n{said}")


def _ended(process: subprocess.Popen[str]) -> bool:
    try:
        process.wait(_INTERVAL)
    except subprocess.TimeoutExpired:
        return False
    return True


class _Watch:
    """Counts what `go build -v` says."""

    def __init__(self) -> None:
        self.tail: deque[str] = deque(maxlen=_TAIL)
        self._started = time.monotonic()
        self._modules = 0
        self._packages = 0

    def read(self, lines: Iterable[str]) -> None:
        """Reads until the end; runs in a thread, because the linker says nothing for long."""
        for raw in lines:
            line = raw.rstrip()
            self.tail.append(line)
            if line.startswith("go: downloading"):
                self._modules += 1
            elif not line.startswith(("go: ", "#", "\t")):
                self._packages += 1

    def progress(self, expected: float) -> Progress:
        """How far it is now; `expected` is in seconds, for the whole build."""
        share = time_share(min(1.0, self._packages / PACKAGES))
        doing = (
            f"{self._packages} of {PACKAGES} packages compiled"
            if self._packages
            else f"{self._modules} of about {MODULES} modules downloaded"
        )
        elapsed = time.monotonic() - self._started
        return Progress(share, remaining_seconds(share, elapsed, expected), doing)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
