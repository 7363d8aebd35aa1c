"""Pulumi's own installer, where it can be reached."""

import urllib.error
import urllib.request
from typing import Final

from turnout.engine.errors import EngineError
from turnout.engine.find import Engine, Rejected, examine

INSTALLER: Final = "https://get.pulumi.com/install.sh"


def is_reachable(timeout: float = 5.0) -> bool:
    """Whether Pulumi's installer answers within `timeout` seconds."""
    request = urllib.request.Request(INSTALLER, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def install() -> Engine:
    """Installs the engine of the SDK's version into ~/.pulumi/versions. Raises EngineError."""
    import subprocess
    from pathlib import Path

    from pulumi.automation import PulumiCommand  # the set-up has to be done by now

    try:
        command = PulumiCommand.install()
    except subprocess.CalledProcessError as error:
        said = (error.output or b"").decode(errors="replace").strip().splitlines()[-5:]
        raise EngineError("Pulumi's installer failed: " + " ".join(said)) from None
    except Exception as error:
        raise EngineError(f"Pulumi's installer failed: {error}") from None
    engine = examine(Path(command.command), "installed by Pulumi's installer")
    if isinstance(engine, Rejected):
        raise EngineError(f"{engine.path} {engine.reason}")
    return engine
