import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from turnout import local

SCRIPT = Path(__file__).with_name("stand_in_server.py")
MakeSpec = Callable[..., local.ServerSpec]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the server is kept; whatever a test leaves is stopped."""
    place = tmp_path / "server"
    yield place
    local.stop(place, timeout=0.1)


@pytest.fixture
def port() -> int:
    return local.free_port()


@pytest.fixture
def spec(port: int) -> MakeSpec:
    def make(
        *, ready_timeout: float = 20.0, port: int = port, **environment: str
    ) -> local.ServerSpec:
        return local.ServerSpec(
            command=(sys.executable, str(SCRIPT)),
            port=port,
            environment={"TURNOUT_PORT": str(port), **environment},
            ready_timeout=ready_timeout,
            stop_timeout=5.0,
        )

    return make


@pytest.fixture
def alive() -> Callable[[int], bool]:
    def check(pid: int) -> bool:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return False
        return state not in "ZX"

    return check
