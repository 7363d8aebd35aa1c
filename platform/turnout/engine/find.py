"""Which Pulumi engines this machine has, and which of them is used."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from turnout.engine.errors import EngineError

# The resource option `replaceWith` (pulumi/pulumi #20693), which came in the months before.
MINIMUM_VERSION: Final = (3, 210, 0)
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


class Wanted(StrEnum):
    """What the variable ENGINE asks for."""

    ANY = "any"
    NONE = "none"
    BUILT = "built"


@dataclass(frozen=True)
class Engine:
    """A usable engine: `path` is the `pulumi` executable, `origin` says how it came to be there."""

    path: Path
    version: str
    origin: str

    @property
    def has_language_host(self) -> bool:
        """Whether `pulumi up`, typed by hand, can run a Python program with it."""
        return _executable(self.path.resolve().with_name("pulumi-language-python"))


@dataclass(frozen=True)
class Rejected:
    """An executable called `pulumi` that cannot be used, and why."""

    path: Path
    reason: str


def wanted(environment: Mapping[str, str] = os.environ) -> Wanted:
    """What ENGINE says; `any` where it says nothing. Raises EngineError."""
    said = environment.get("ENGINE") or Wanted.ANY
    try:
        return Wanted(said)
    except ValueError:
        allowed = ", ".join(Wanted)
        raise EngineError(f"ENGINE={said} is not known; use one of {allowed}") from None


def cache_folder(version: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Where an engine of `version` that was built here is kept, for all clones of this user."""
    base = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "turnout" / "engine" / version / "bin"


def find(want: Wanted = Wanted.ANY, environment: Mapping[str, str] = os.environ) -> Engine | None:
    """The first engine that works, or None: on PATH, in ~/.pulumi, built before."""
    if want is Wanted.NONE:
        return None
    for path, origin in _candidates(want, environment):
        found = examine(path, origin)
        if isinstance(found, Engine):
            return found
    return None


def rejected(environment: Mapping[str, str] = os.environ) -> tuple[Rejected, ...]:
    """Executables called `pulumi` that were passed over."""
    found = (examine(path, origin) for path, origin in _candidates(Wanted.ANY, environment))
    return tuple(engine for engine in found if isinstance(engine, Rejected))


def examine(path: Path, origin: str) -> Engine | Rejected:
    """Asks the executable at `path` for its version."""
    try:
        said = subprocess.run(
            [path, "version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        ).stdout
    except subprocess.TimeoutExpired:
        return Rejected(path, "`pulumi version` does not answer")
    except (OSError, subprocess.CalledProcessError) as error:
        return Rejected(path, f"`pulumi version` fails: {error}")
    match = _VERSION.search(said)
    if match is None:
        return Rejected(path, f"`pulumi version` says {said.strip()[:40]!r}")
    if tuple(map(int, match.groups())) < MINIMUM_VERSION:
        least = ".".join(map(str, MINIMUM_VERSION))
        return Rejected(path, f"is version {match[0]}; {least} or newer is needed")
    return Engine(path, match[0].removeprefix("v"), origin)


def _candidates(want: Wanted, environment: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    if want is Wanted.ANY:
        on_path = shutil.which("pulumi", path=environment.get("PATH"))
        if on_path:
            yield Path(on_path), "on PATH"
        home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
        installed = [home / "bin/pulumi", *sorted(home.glob("versions/*/bin/pulumi"), reverse=True)]
        yield from ((path, f"in {path.parent}") for path in installed if _executable(path))
    base = cache_folder("*", environment)
    built = sorted(base.parent.parent.glob("*/bin/pulumi"), key=_numbers, reverse=True)
    yield from ((path, "built here") for path in built if _executable(path))


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.parent.parent.name)]


def _executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
