"""Log lines as JSON on standard output, one object a line; the text of a request is never in."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TextIO

import orjson

_OWN = "fields"
_REQUESTS = "turnout.request"
LINES_TOGETHER = 256


@lru_cache(maxsize=4)
def _second(timestamp: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(timestamp))


def _line(at: float, level: int, logger: str, message: str, more: Mapping[str, Any]) -> str:
    """One JSON object; at is a time in seconds since the epoch."""
    line = {
        "time": f"{_second(int(at))}.{int(at % 1 * 1000):03d}Z",
        "level": logging.getLevelName(level).lower(),
        "logger": logger,
        "message": message,
        **more,
    }
    return orjson.dumps(line, default=str).decode()


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, and whatever `extra={"fields": {...}}` carries."""

    def format(self, record: logging.LogRecord) -> str:
        more = dict(getattr(record, _OWN, {}))
        if record.exc_info:
            more["exception"] = self.formatException(record.exc_info)
        return _line(record.created, record.levelno, record.name, record.getMessage(), more)


class RequestLog:
    """One line a request, kept as data until half a second's worth is written in one go.

    Formatting a line by itself, between two requests, costs several times what it does among
    others, and a system call a line a tenth of a short request.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._kept: list[tuple[float, int, Mapping[str, Any]]] = []
        self._logger = logging.getLogger(_REQUESTS)

    def wants(self, level: int) -> bool:
        return self._logger.isEnabledFor(level)

    def add(self, level: int, fields: Mapping[str, Any]) -> None:
        """Keep a line until `flush`; fields without a value are left out."""
        self._kept.append((time.time(), level, fields))
        if len(self._kept) >= LINES_TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Write what is kept."""
        kept, self._kept = self._kept, []
        if not kept:
            return
        lines = [
            _line(at, level, _REQUESTS, "request", _with_values(fields))
            for at, level, fields in kept
        ]
        try:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            # Whoever read the log is gone; that must not end the server.
            return


def configure(level: str) -> None:
    """All loggers, Sanic's included, write JSON to standard output."""
    # What no line of ours shows need not be found out for each of them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    # Whoever read the log is gone; that must not end the server, nor be told to nobody.
    logging.raiseExceptions = False
    handler = logging.StreamHandler(sys.stdout)
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
    return {_OWN: _with_values(values)}


def _with_values(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}
