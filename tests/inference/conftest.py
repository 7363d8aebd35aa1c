"""What the server's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.inference.running import Running, running


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    """A server with the fake backend and default settings; tests leave it as they found it."""
    with running() as found:
        yield found
