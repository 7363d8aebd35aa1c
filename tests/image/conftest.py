"""The image under test."""

from __future__ import annotations

import pytest
from tests.image.container import Image, find_image


@pytest.fixture(scope="session")
def image() -> Image:
    found = find_image()
    if isinstance(found, str):
        pytest.skip(found)
    return found
