"""This machine: Python, the engine and what builds it, the server, its port, disk, Docker."""

import importlib.util
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from turnout import local
from turnout.config import Local, ServiceConfig
from turnout.config.surroundings import Build
from turnout.doctor.finding import Finding, good, missing, poor
from turnout.engine import EngineError, find
from turnout.engine.build import find_go
from turnout.engine.find import cache_folder, rejected
from turnout.engine.install import is_reachable
from turnout.targets.local import SERVER_COMMAND, missing_model
from turnout.workspace import Workspace

_OLDEST_PYTHON: Final = (3, 11)
_NEWEST_PYTHON: Final = (3, 13)
# Go's module and build caches after the engine's build, measured, rounded up.
BUILD_BYTES: Final = 4 * 1000**3
_GB: Final = 1000**3


def examine_machine(workspace: Workspace, stack: str, config: ServiceConfig) -> Iterator[Finding]:
    """What this machine has for `stack`."""
    yield _python()
    yield from _engine()
    tiers = [tier for tier in config.tiers if isinstance(tier, Local)]
    for tier in tiers:
        yield _server()
        yield _model(config)
        yield _port(workspace, stack, config, tier)
    if isinstance(config.image, Build):
        yield _docker()
    yield _disk(workspace)


def _python() -> Finding:
    version = platform.python_version()
    if _OLDEST_PYTHON <= sys.version_info[:2] <= _NEWEST_PYTHON:
        return good("python", version)
    return poor(
        "python",
        f"{version}, which is not tested",
        cost="wheels of CTranslate2 and grpc may be missing",
        fix="use Python 3.11, 3.12 or 3.13: make PYTHON=python3.13 setup",
    )


def _engine() -> Iterator[Finding]:
    for passed in rejected():
        yield poor(
            "engine", f"{passed.path} {passed.reason}", cost="it is passed over", fix="update it"
        )
    engine = find()
    if engine is None:
        yield _no_engine()
        return
    yield good("engine", f"pulumi {engine.version}, {engine.origin}: {engine.path}")
    if not engine.has_language_host:
        yield poor(
            "pulumi up",
            "the engine built here has no language host for Python",
            cost="`pulumi up` cannot be typed by hand; `make up` works",
            fix="install Pulumi: https://www.pulumi.com/docs/install/",
        )


def _no_engine() -> Finding:
    cost = "no `pulumi up`; `make up` serves on this machine without Pulumi"
    if is_reachable():
        return poor("engine", "none yet", cost=cost, fix="make up installs it")
    try:
        go = find_go()
    except EngineError as error:
        fix = "install Pulumi (https://www.pulumi.com/docs/install/) or Go (https://go.dev/dl)"
        return poor("engine", f"none; {error}", cost=cost, fix=fix)
    return poor("engine", f"none yet; {go} can build it", cost=cost, fix="make engine (once)")


def _server() -> Finding:
    if SERVER_COMMAND.exists():
        return good("server", str(SERVER_COMMAND))
    return missing(
        "server",
        f"{SERVER_COMMAND} is not there",
        cost="nothing can be served on this machine",
        fix="make setup",
    )


def _model(config: ServiceConfig) -> Finding:
    if config.model is not None:
        problem = missing_model(config.model.uri)
        if problem is None:
            return good("model", config.model.uri)
        return missing(
            "model", problem, cost="the server cannot start", fix="mend turnout:service.model.uri"
        )
    # Looked for, not imported: the platform talks to the server over HTTP only.
    package = importlib.util.find_spec("turnout_inference")
    places = () if package is None else package.submodule_search_locations or ()
    for place in places:
        model = Path(place) / "default_model"
        if (model / "turnout.json").is_file():
            return good("model", f"the server's own: {model}")
    return missing(
        "model",
        "the server has no model of its own",
        cost="the server cannot start",
        fix="clone the project anew, or set turnout:service.model",
    )


def _port(workspace: Workspace, stack: str, config: ServiceConfig, tier: Local) -> Finding:
    folder = workspace.state / "local" / stack / config.name
    if local.owns(folder, tier.port):
        return good("port", f"{tier.port}: this stack's server, {local.state(folder)}")
    if local.is_free(tier.port):
        return good("port", f"{tier.port} is free")
    return missing(
        "port",
        local.taken(tier.port).partition(";")[0],
        cost="the server cannot start",
        fix="stop that process, or set turnout:service.target.port",
    )


def _docker() -> Finding:
    found = shutil.which("docker")
    said = "is not on PATH"
    if found:
        try:
            answer = subprocess.run(
                [found, "info", "--format", "{{.ServerVersion}}"],
                capture_output=True,
                text=True,
                timeout=10,
                check=False,
            )
        except subprocess.TimeoutExpired:
            said = "does not answer"
        else:
            if answer.returncode == 0:
                return good("docker", answer.stdout.strip())
            said = (answer.stderr.strip().splitlines() or ["`docker info` fails"])[-1]
    return missing(
        "docker",
        said,
        cost="image: {build: true} cannot build the image here",
        fix="start Docker, or build in CI and give the image by its digest",
    )


def _disk(workspace: Workspace) -> Finding:
    place = _existing(cache_folder("x"))
    free = min(shutil.disk_usage(place).free, shutil.disk_usage(workspace.root).free)
    if free >= BUILD_BYTES or find() is not None:
        return good("disk", f"{free / _GB:.0f} GB free")
    return poor(
        "disk",
        f"{free / _GB:.1f} GB free",
        cost="building an engine may run out of space",
        fix=f"free {BUILD_BYTES / _GB:.0f} GB, or install Pulumi",
    )


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
