"""Sockets: the address is held first, and opened when there is something to serve."""

from __future__ import annotations

import socket

BACKLOG = 2048
"""Connections that the kernel holds until they are accepted."""


class PortTaken(Exception):  # noqa: N818 - it is a verdict, and reads as one
    """The address cannot be listened on; the message says why."""


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that holds the address and refuses connections yet, or PortTaken.

    shared: several sockets of this server hold it, and the kernel spreads connections.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTaken(f"{host}:{port} ({error.strerror or error})") from None
    return listener


def open_for_business(listener: socket.socket) -> None:
    """Accept connections from now on, or PortTaken where another was quicker."""
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        host, port = listener.getsockname()[:2]
        raise PortTaken(f"{host}:{port} ({error.strerror or error})") from None
    listener.setblocking(False)
