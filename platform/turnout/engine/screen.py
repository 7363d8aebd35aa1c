"""Progress on a screen that other commands write on too."""

import sys
import time
from types import TracebackType
from typing import Final, Self, TextIO

from turnout.engine.progress import Progress

# Seconds between two lines where the output is not a terminal, such as a CI log.
_LOG_INTERVAL: Final = 20.0


class Screen:
    """One line that is written over on a terminal; a line now and then in a log."""

    def __init__(self, name: str, out: TextIO = sys.stderr) -> None:
        self._name = name
        self._out = out
        self._live = out.isatty()
        self._last = -_LOG_INTERVAL

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clear()

    def say(self, text: str) -> None:
        """A line that stays."""
        self._clear()
        print(f"{self._name}: {text}", file=self._out, flush=True)

    def report(self, progress: Progress) -> None:
        """How far it is now."""
        if self._live:
            print(f"\r\033[K{self._name}: {progress}", end="", file=self._out, flush=True)
        elif time.monotonic() - self._last >= _LOG_INTERVAL:
            self._last = time.monotonic()
            print(f"{self._name}: {progress}", file=self._out, flush=True)

    def _clear(self) -> None:
        if self._live:
            print("\r\033[K", end="", file=self._out, flush=True)
