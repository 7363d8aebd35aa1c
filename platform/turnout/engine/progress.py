"""How far a build is, and how long it will still take."""

import itertools
import math
from dataclasses import dataclass
from typing import Final

# Measured on 2 cores from empty caches, `tools/engine` at 3.256.0: CPU seconds of the whole build.
CPU_SECONDS: Final = 390
# The share of the time that had gone when this share of the packages was compiled. The large
# packages, the clouds' SDKs, come late; the link comes after the last.
_CURVE: Final = ((0.0, 0.0), (0.25, 0.2), (0.5, 0.4), (0.75, 0.65), (1.0, 0.93))

# From this share on, this machine's own speed says more than the measured machine's.
_TRUSTED_AT: Final = 0.33


@dataclass(frozen=True)
class Progress:
    """`share` of the work is done, 0 to 1; `remaining` is in seconds."""

    share: float
    remaining: float
    doing: str

    def __str__(self) -> str:
        return f"{self.share:4.0%}  {self.doing}, {minutes(self.remaining)} left"


def expected_seconds(cores: int) -> float:
    """How long the whole build takes from empty caches on `cores` cores like the measured ones."""
    return CPU_SECONDS / max(1, cores)


def time_share(packages_share: float) -> float:
    """The share of the time that has gone once `packages_share` of the packages are compiled."""
    for (left, low), (right, high) in itertools.pairwise(_CURVE):
        if packages_share <= right:
            return low + (high - low) * (packages_share - left) / (right - left)
    return _CURVE[-1][1]


def remaining_seconds(share: float, elapsed: float, expected: float) -> float:
    """Seconds left: what was expected gives way to what is seen, as more is seen."""
    if share <= 0:
        return max(0.0, expected - elapsed)
    seen = elapsed / share
    trust = min(1.0, share / _TRUSTED_AT)
    total = trust * seen + (1 - trust) * max(expected, elapsed)
    return max(0.0, total - elapsed)


def minutes(seconds: float) -> str:
    """A duration in the words of who waits for it."""
    if seconds < 50:
        return f"about {max(5, math.ceil(seconds / 5) * 5)} s"
    return f"about {math.ceil(seconds / 60 - 0.2)} min"
