"""Cross-origin requests: off unless origins are configured."""

from __future__ import annotations

from collections.abc import Collection

ALLOWED = (
    "Authorization, Content-Type, X-API-Key, X-Request-Id, X-Request-Timeout, "
    "traceparent, tracestate"
)
EXPOSED = "Retry-After, X-Request-Id, X-Truncated"
ANY = "*"
REMEMBERED = "600"
"""Seconds that a browser may remember a preflight's answer."""


def cors_headers(origin: str | None, origins: Collection[str]) -> dict[str, str]:
    """Headers for an answer to a page of `origin`; none where it is not allowed."""
    if origin is None or not origins:
        return {}
    if ANY in origins:
        return {"access-control-allow-origin": ANY, "access-control-expose-headers": EXPOSED}
    if origin not in origins:
        return {"vary": "Origin"}
    return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": EXPOSED,
        "vary": "Origin",
    }


def preflight_headers(origin: str | None, origins: Collection[str], methods: str) -> dict[str, str]:
    """Headers for a preflight's answer; none where the origin is not allowed."""
    headers = cors_headers(origin, origins)
    if "access-control-allow-origin" in headers:
        headers |= {
            "access-control-allow-methods": methods,
            "access-control-allow-headers": ALLOWED,
            "access-control-max-age": REMEMBERED,
        }
    return headers
