"""A container of our image under runc, the runtime below ECS, EKS and Docker: read-only
root, one tmpfs at /tmp, no capability, no /dev/shm, the server as process 1.

An image is a folder with `rootfs/` and `config.json` (the image's own configuration), as
`tools/image/build` and `tools/image/unpack` write it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

STARTED_WITHIN = 30.0
"""Seconds; generous, because tests share the machine."""


@dataclass(frozen=True)
class Image:
    """An unpacked image."""

    rootfs: Path
    config: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Image:
        return cls(folder / "rootfs", json.loads((folder / "config.json").read_text()))

    @property
    def environment(self) -> dict[str, str]:
        return dict(pair.split("=", 1) for pair in self.config["Env"])

    @property
    def user(self) -> tuple[int, int]:
        uid, gid = self.config["User"].split(":")
        return int(uid), int(gid)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Container:
    """`runc run` of an image; use it as a context, which kills what is left of it."""

    def __init__(
        self,
        image: Image,
        command: Sequence[str] | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        mounts: Mapping[str, Path] | None = None,
        user: tuple[int, int] | None = None,
        memory: int | None = None,
    ) -> None:
        self.name = f"turnout-{uuid.uuid4().hex[:12]}"
        self.port = free_port()
        self._bundle = Path(tempfile.mkdtemp(prefix="turnout-container-"))
        self._log = self._bundle / "log"
        self._environment = {
            **image.environment,
            "TURNOUT_PORT": str(self.port),
            **(environment or {}),
        }
        specification = _specification(
            image,
            command or image.config["Cmd"],
            self._environment,
            mounts or {},
            user or image.user,
            memory,
        )
        (self._bundle / "config.json").write_text(json.dumps(specification))

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["runc", "run", "--bundle", self._bundle, self.name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        while self._process.poll() is None and not self._running():
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["runc", "delete", "--force", self.name], check=False, capture_output=True)
        self._process.wait(10)
        shutil.rmtree(self._bundle)

    def _running(self) -> bool:
        state = subprocess.run(["runc", "state", self.name], check=False, capture_output=True)
        return state.returncode == 0 and json.loads(state.stdout)["status"] == "running"

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def signal(self, name: str) -> None:
        subprocess.run(["runc", "kill", self.name, name], check=True, capture_output=True)

    def wait(self, seconds: float = STARTED_WITHIN) -> int:
        """The exit code of process 1."""
        return self._process.wait(seconds)

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside the server, as a health check is run."""
        variables = [f"--env={name}={value}" for name, value in self._environment.items()]
        return subprocess.run(
            ["runc", "exec", *variables, self.name, *command],
            check=False,
            capture_output=True,
            text=True,
            timeout=STARTED_WITHIN,
        )

    def ask(
        self, path: str, body: object = None, *, timeout: float = 10.0, port: int | None = None
    ) -> Answer:
        request = urllib.request.Request(f"http://127.0.0.1:{port or self.port}{path}")
        if body is not None:
            text = (
                body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
            )
            request.data = text
            request.add_header("content-type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, dict(refused.headers), refused.read())

    def until_ready(self, path: str = "/readyz") -> float:
        """Wait for 200; the seconds that it took. The log is in the error if it never comes."""
        start = time.monotonic()
        while (passed := time.monotonic() - start) < STARTED_WITHIN:
            if self._process.poll() is not None:
                raise AssertionError(f"exited with {self._process.returncode}:\n{self.log}")
            try:
                if self.ask(path, timeout=2).status == 200:
                    return passed
            except OSError:
                pass
            time.sleep(0.01)
        raise AssertionError(f"not ready after {STARTED_WITHIN} s:\n{self.log}")


def _specification(
    image: Image,
    command: Sequence[str],
    environment: Mapping[str, str],
    mounts: Mapping[str, Path],
    user: tuple[int, int],
    memory: int | None,
) -> dict[str, Any]:
    """The container as the OCI runtime specification writes it; mounts are read-only."""
    uid, gid = user
    binds = [
        {
            "destination": inside,
            "type": "bind",
            "source": str(outside),
            "options": ["bind", "ro", "nosuid", "nodev"],
        }
        for inside, outside in mounts.items()
    ]
    tmp = {
        "destination": "/tmp",
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["nosuid", "nodev", "mode=1777", "size=512m"],
    }
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": uid, "gid": gid},
            "args": list(command),
            "env": [f"{name}={value}" for name, value in environment.items()],
            "cwd": image.config["WorkingDir"],
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "root": {"path": str(image.rootfs), "readonly": True},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {
                "destination": "/dev",
                "type": "tmpfs",
                "source": "tmpfs",
                "options": ["nosuid", "strictatime", "mode=755", "size=64k"],
            },
            tmp,
            *binds,
        ],
        "linux": {
            # The network is the host's: the tests ask on loopback.
            "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")],
            "resources": {"memory": {"limit": memory}} if memory else {},
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"],
        },
    }


def find_image() -> Image | str:
    """The image under test, or why there is none here.

    `TURNOUT_IMAGE` names an unpacked one; otherwise `tools/image/build` brings its own up to
    date, once it has been run by hand (its first run takes minutes).
    """
    if os.geteuid() != 0:
        return "a container needs root"
    if shutil.which("runc") is None:
        return "runc is not installed (apt-get install runc)"
    if given := os.environ.get("TURNOUT_IMAGE"):
        return Image.read(Path(given))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "turnout/image"
    if not (cache / "images").is_dir():
        return "no image was built here yet: run tools/image/build, or set TURNOUT_IMAGE"
    built = subprocess.run(
        ["tools/image/build"],
        cwd=Path(__file__).parents[2],
        check=False,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return Image.read(Path(built.stdout.strip()))
