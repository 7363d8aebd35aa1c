"""Stand-ins as plugins: the engine starts them as it starts any provider.

A plugin is an executable that prints a port. Ours asks this process for one over a Unix
socket: so every provider resource has an instance of its own (two regions in one program
are two instances), all share one cloud, and the SDK's classes are imported once.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

ServicerFactory = Callable[[], provider_pb2_grpc.ResourceProviderServicer]

SOCKET_VARIABLE = "TURNOUT_TEST_STANDINS"

_LAUNCHER = """#!{python} -IS
import os, socket, sys, threading
door = socket.socket(socket.AF_UNIX)
door.connect(os.environ["{variable}"])
door.sendall(b"{name}\\n")
print(door.makefile().readline().strip(), flush=True)
door.recv(1)
"""


def install(home: Path, versions: Mapping[str, str]) -> None:
    """Put a launcher for each package where an engine with `PULUMI_HOME=home` looks."""
    for name, version in versions.items():
        folder = home / "plugins" / f"resource-{name}-v{version}"
        folder.mkdir(parents=True, exist_ok=True)
        launcher = folder / f"pulumi-resource-{name}"
        launcher.write_text(
            _LAUNCHER.format(python=sys.executable, variable=SOCKET_VARIABLE, name=name)
        )
        launcher.chmod(0o755)


class PluginServer:
    """Serves provider instances until closed."""

    def __init__(self, door: Path, factories: Mapping[str, ServicerFactory]) -> None:
        self._factories = factories
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(door))
        self._listener.listen(32)
        self._servers: list[Any] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for server in self._servers:
            server.stop(grace=None)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        """One instance, alive as long as its launcher is."""
        with connection:
            name = connection.makefile().readline().strip()
            server = grpc.server(
                futures.ThreadPoolExecutor(max_workers=16),
                options=[("grpc.max_receive_message_length", -1)],
            )
            provider_pb2_grpc.add_ResourceProviderServicer_to_server(
                self._factories[name](), server
            )
            port = server.add_insecure_port("127.0.0.1:0")
            server.start()
            self._servers.append(server)
            connection.sendall(f"{port}\n".encode())
            connection.recv(1)
            server.stop(grace=None)
