"""Lambda on this machine: execution environments under AWS's runtime interface emulator.

As on Lambda, an environment is a container of the image with the adapter as an extension,
a user of Lambda's own, a read-only root, no /dev/shm, and one invocation at a time.
"""

from __future__ import annotations

import time
import urllib.error
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.image.container import STARTED_WITHIN, Answer, Container, Image, free_port

SANDBOX_USER = (993, 990)
"""uid and gid of `sbx_user1051`, as which Lambda runs a function."""
INVOCATIONS = "/2015-03-31/functions/function/invocations"


@dataclass(frozen=True)
class Function:
    """A function made of the image; its configuration is environment variables."""

    image: Image
    tools: Path
    timeout: int = 30
    memory: int = 1769
    """MiB; 1,769 is one vCPU (AWS Lambda Developer Guide, "Configure memory")."""
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, Path] = field(default_factory=dict)


class ExecutionEnvironment(Container):
    """One environment: what Lambda starts for the first invocation, and keeps for the next."""

    def __init__(self, function: Function) -> None:
        port, self._invoke_port, runtime_port = free_port(), free_port(), free_port()
        super().__init__(
            function.image,
            [
                "/mnt/aws-lambda-rie",
                f"--runtime-interface-emulator-address=127.0.0.1:{self._invoke_port}",
                f"--runtime-api-address=127.0.0.1:{runtime_port}",
                *function.image.config["Cmd"],
            ],
            environment={
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout),
                # Environments share the host's network here; each has its own on Lambda.
                "AWS_LWA_PORT": str(port),
                "TURNOUT_PORT": str(port),
                **function.environment,
            },
            mounts={"/mnt": function.tools, **function.mounts},
            user=SANDBOX_USER,
            memory=function.memory << 20,
        )

    def invoke(self, event: Mapping[str, Any], *, timeout: float = 60.0) -> Answer:
        """What the Invoke API returns. The first one waits for the emulator to listen."""
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                return self.ask(INVOCATIONS, dict(event), timeout=timeout, port=self._invoke_port)
            except urllib.error.URLError as error:
                if not isinstance(error.reason, ConnectionRefusedError):
                    raise
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.005)
