"""A batch finds the memory of the one before it: nothing is faulted in again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
from turnout_inference.backend import load_backend
from turnout_inference.model.fetch import DEFAULT_MODEL
from turnout_inference.model.manifest import load_manifest
from turnout_inference.tokenizer import Encoded

backend = load_backend(DEFAULT_MODEL, load_manifest(DEFAULT_MODEL))
batch = [Encoded([0, *[50] * 22, 2], 24)] * 32
for _ in range(3):
    backend.logits(batch)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    backend.logits(batch)
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 10)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc alone is told")
def test_a_batch_takes_no_memory_from_the_kernel_anew() -> None:
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert float(told.stdout) < 100, "thousands of pages a batch, where freed memory is given back"
