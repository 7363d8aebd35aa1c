"""The try-it page and the documentation; both work without a network."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sanic import HTTPResponse

from turnout_inference.routes.exchange import Exchange, Handler

FOLDER = Path(__file__).parents[1] / "pages"

SECURITY = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""Headers of every page. Scripts and styles are files of ours; nothing is inline."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that is served as it is, from memory."""

    path: str
    content: bytes
    content_type: str

    def handler(self) -> Handler:
        tag = f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'
        headers = SECURITY | {"etag": tag, "cache-control": "no-cache"}

        async def serve(exchange: Exchange) -> HTTPResponse:
            if exchange.request.headers.get("if-none-match") == tag:
                return HTTPResponse(None, 304, headers)
            return HTTPResponse(self.content, 200, headers, self.content_type)

        return serve


def assets(docs: str) -> list[Asset]:
    """Everything below `/` for a browser. docs: the API's description as HTML."""
    html = "text/html; charset=utf-8"
    return [
        Asset("/", (FOLDER / "index.html").read_bytes(), html),
        Asset("/docs", docs.encode(), html),
        Asset("/assets/style.css", (FOLDER / "style.css").read_bytes(), "text/css; charset=utf-8"),
        Asset("/assets/try.js", (FOLDER / "try.js").read_bytes(), "text/javascript; charset=utf-8"),
        Asset("/assets/icon.svg", (FOLDER / "icon.svg").read_bytes(), "image/svg+xml"),
    ]


def description(document: dict[str, Any]) -> Asset:
    """The OpenAPI document, which errors point to: served with or without the pages."""
    content = json.dumps(document, ensure_ascii=False).encode()
    return Asset("/openapi.json", content, "application/json")
