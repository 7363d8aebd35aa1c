"""Log lines as JSON on standard output, one object a line; the text of a request is never in."""

from __future__ import annotations

import json
import logging
import sys
import time
from functools import lru_cache
from typing import Any, TextIO

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
_OWN = "fields"
REQUESTS = "turnout.request"
"""The logger of one line a request."""
LINES_TOGETHER = 64


@lru_cache(maxsize=4)
def _second(timestamp: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(timestamp))


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, and whatever `extra={"fields": {...}}` carries."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, _OWN, {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _ENCODE(line)


class BufferedHandler(logging.StreamHandler[TextIO]):
    """Writes lines about requests together, in half a second at the latest; others at once.

    One system call a line would be a tenth of the cost of a short request.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != REQUESTS or record.levelno >= logging.WARNING:
            self.flush()
            super().emit(record)
            return
        self._lines.append(self.format(record))
        if len(self._lines) >= LINES_TOGETHER:
            self.flush()

    def flush(self) -> None:
        self.acquire()
        try:
            if self._lines:
                lines, self._lines = self._lines, []
                self.stream.write("\n".join(lines) + "\n")
            super().flush()
        except (OSError, ValueError):
            # Whoever read the log is gone; that must not end the server.
            self._lines.clear()
        finally:
            self.release()


def flush() -> None:
    """Write what is buffered."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def configure(level: str) -> None:
    """All loggers, Sanic's included, write JSON to standard output."""
    # What no line of ours shows need not be found out for each of them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    handler = BufferedHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Sanic tells of its own start and of every connection; the server says what matters.
    for name in ("sanic.root", "sanic.server", "sanic.access", "sanic.error", "sanic.websockets"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(logging.WARNING, root.level))


def fields(**values: object) -> dict[str, object]:
    """`extra` for a log call: fields without a value are left out."""
    return {_OWN: {name: value for name, value in values.items() if value is not None}}
