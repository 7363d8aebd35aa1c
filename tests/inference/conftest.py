"""What the server's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from tests.inference.running import Running, running

# How long an example takes depends on what else the machine does.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    """A server with the fake backend and default settings; tests leave it as they found it."""
    with running() as found:
        yield found
