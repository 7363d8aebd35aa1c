"""Log lines as JSON on standard output, one object a line; the text of a request is never in."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
_OWN = "fields"


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, and whatever `extra={"fields": {...}}` carries."""

    def format(self, record: logging.LogRecord) -> str:
        seconds = time.gmtime(record.created)
        line: dict[str, Any] = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', seconds)}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, _OWN, {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _ENCODE(line)


def configure(level: str) -> None:
    """All loggers, Sanic's included, write JSON to standard output."""
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
    return {_OWN: {name: value for name, value in values.items() if value is not None}}
