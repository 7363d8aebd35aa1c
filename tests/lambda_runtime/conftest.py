"""The image under test, and the programs that Lambda puts around it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.image.container import find_image
from tests.lambda_runtime.environment import Function

INSTALL = Path(__file__).parents[2] / "tools/lambda/install"


@pytest.fixture(scope="session")
def function() -> Function:
    image = find_image()
    if isinstance(image, str):
        pytest.skip(image)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "turnout/lambda"
    if not cache.is_dir():
        pytest.skip("the emulator and the adapter are not here: run tools/lambda/install")
    installed = subprocess.run([INSTALL], check=False, capture_output=True, text=True)
    assert installed.returncode == 0, installed.stderr
    return Function(image, Path(installed.stdout.strip()))
