"""Which CPU instructions CTranslate2 computes with."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

VARIABLE = "CT2_FORCE_CPU_ISA"
"""CTranslate2's own variable; what a user has set stays."""
NEEDED = frozenset({"avx512f", "avx512cd", "avx512vl", "avx512bw", "avx512dq"})
"""What CTranslate2's AVX-512 code is compiled with (its CMakeLists.txt)."""


def use_widest(
    environment: MutableMapping[str, str] = os.environ, cpuinfo: Path = Path("/proc/cpuinfo")
) -> None:
    """Use AVX-512 where the CPU has it; to be called before CTranslate2 computes anything.

    By itself the library does so on Intel's CPUs only. AMD's have it since Zen 4, where a batch of
    the default model takes about a fifth less time with it, one of 12x768 hardly less
    (bench/README.md).
    """
    if VARIABLE not in environment and _flags(cpuinfo) >= NEEDED:
        environment[VARIABLE] = "AVX512"


def _flags(cpuinfo: Path) -> frozenset[str]:
    """Flags that every CPU has; none where they are not told (other systems, ARM)."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return frozenset()
    flags = [frozenset(line.partition(":")[2].split()) for line in lines if line[:5] == "flags"]
    return frozenset.intersection(*flags) if flags else frozenset()
