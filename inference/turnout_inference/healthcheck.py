"""The container's health check: exit 0 when `/health` answers 200. Standard library only."""

from __future__ import annotations

import http.client
import os
import sys

TIMEOUT = 3.0
"""Seconds; shorter than any container runtime's own health-check timeout."""


EVERY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Where to ask a server that listens on no address in particular."""


def main() -> int:
    """Ask the server on this machine; print why not, where it does not answer 200."""
    given = os.environ.get("TURNOUT_HOST", "").strip()
    host = EVERY_ADDRESS.get(given, given)
    port = os.environ.get("TURNOUT_PORT", "").strip() or "8000"
    url = f"http://[{host}]:{port}/health" if ":" in host else f"http://{host}:{port}/health"
    try:
        connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT)
        connection.request("GET", "/health")
        answer = connection.getresponse()
        body = answer.read(200).decode(errors="replace")
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"{url}: {error}", file=sys.stderr)
        return 1
    if answer.status != 200:
        print(f"{url}: {answer.status} {body}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
