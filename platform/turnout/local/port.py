"""Who listens on a port of this machine."""

import errno
import socket
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
_LISTEN: Final = "0A"


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
        return True


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def holder(port: int) -> str | None:
    """The process that listens on `port`, as `pid 4242 (node server.js)`.

    None where the system does not say: not Linux, or another user's process.
    """
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    if not sockets:
        return None
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            held = any(
                str(descriptor.readlink()) in sockets for descriptor in (process / "fd").iterdir()
            )
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if held:
            words = command.decode(errors="replace").split("\0")
            return f"pid {process.name} ({' '.join(words).strip()[:80]})"
    return None


def _listening(port: int) -> set[str]:
    """Inodes of the sockets that listen on `port`: proc(5), /proc/net/tcp."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes
