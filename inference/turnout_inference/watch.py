"""Whether the engine still computes: what fails is tried again, what hangs is given up.

It looks from the event loop, twice a second. Time is counted in looks, not by the clock: a
process that was stopped for a while (a debugger, a paused machine) must not be given up for it.
"""

from __future__ import annotations

from collections.abc import Callable

from turnout_inference.batching import Job
from turnout_inference.engine import Engine


class Watch:
    """Looks at an engine.

    probe: makes a job that is known to compute; it is sent while the engine is unhealthy, for no
    request is let through then that could show that it is well again.
    patience: looks in a row after which a batch that is still being computed hangs, and an
    engine that is still unhealthy stays so.
    """

    def __init__(self, engine: Engine, probe: Callable[[], Job], patience: int) -> None:
        self._engine = engine
        self._make_probe = probe
        self._patience = patience
        self._probe: Job | None = None
        self._sick = 0
        self._seen = list(engine.in_progress)
        self._looks = [0] * len(self._seen)

    def look(self) -> str | None:
        """Why the process should end and be replaced, in words; None while it need not."""
        if not self._engine.whole:
            return "an inference thread has ended"
        if self._hangs():
            return "a batch is computed without end"
        if self._engine.healthy:
            self._sick = 0
            return None
        self._sick += 1
        if self._sick > self._patience:
            return "the model computes nothing any more"
        if self._probe is None or self._probe.error is not None or not self._probe.remaining:
            self._probe = self._make_probe()
            self._engine.submit(self._probe)
        return None

    def _hangs(self) -> bool:
        for thread, batch in enumerate(self._engine.in_progress):
            same = batch and batch == self._seen[thread]
            self._looks[thread] = self._looks[thread] + 1 if same else 0
            self._seen[thread] = batch
        return max(self._looks) >= self._patience
