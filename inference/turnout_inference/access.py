"""API keys: any of several is good, so that they can be rotated without a gap."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from turnout_inference.errors import ApiError, Code


class Access:
    """Compares digests of equal length, all of them every time: timing tells nothing."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = tuple(_digest(key) for key in keys)

    @property
    def open(self) -> bool:
        return not self._digests

    def check(self, authorization: str | None, api_key: str | None) -> None:
        """401 unless a key is right; nothing is asked for where no key is configured."""
        if not self._digests:
            return
        given = api_key
        if given is None and authorization is not None:
            scheme, _, token = authorization.partition(" ")
            given = token.strip() if scheme.lower() == "bearer" else None
        if given is None:
            raise _unauthorized("no API key was sent")
        digest = _digest(given)
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        if not any(matches):
            raise _unauthorized("the API key is not known")


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()


def _unauthorized(message: str) -> ApiError:
    return ApiError(
        401,
        Code.UNAUTHORIZED,
        message,
        "send it as `Authorization: Bearer <key>` or `X-API-Key: <key>`",
        headers={"WWW-Authenticate": 'Bearer realm="turnout"'},
    )
