"""What is wrong with a request, said once; each API shapes it in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Code(StrEnum):
    """The `code` of an error; part of the API, so never renamed."""

    INVALID_JSON = "invalid_json"
    INVALID_REQUEST = "invalid_request"
    EMPTY_TEXT = "empty_text"
    TEXT_TOO_LONG = "text_too_long"
    TOO_MANY_TEXTS = "too_many_texts"
    TOO_MANY_TOKENS = "too_many_tokens"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BAD_HTTP = "bad_http"
    READ_TIMEOUT = "read_timeout"
    OVERLOADED = "overloaded"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    BACKEND_FAILED = "backend_failed"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class ApiError(Exception):
    """An answer that is not 200.

    message: what is wrong, with the place and the value. fix: what the client can do.
    reason: for 429, which bound was met; it labels the metric.
    """

    def __init__(
        self,
        status: int,
        code: Code,
        message: str,
        fix: str,
        *,
        headers: Mapping[str, str] | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fix = fix
        self.headers = dict(headers or {})
        self.reason = reason or code.value


def too_many_texts(place: str, count: int, limit: int) -> ApiError:
    return ApiError(
        413,
        Code.TOO_MANY_TEXTS,
        f"{place}: {count} texts, {limit} are allowed",
        "send them in several requests",
    )


def overloaded(message: str, reason: str, retry_after: int) -> ApiError:
    """429; retry_after in whole seconds, as the queue says."""
    return ApiError(
        429,
        Code.OVERLOADED,
        message,
        f"try again in {retry_after} s",
        headers={"Retry-After": str(retry_after)},
        reason=reason,
    )
