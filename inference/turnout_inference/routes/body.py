"""What a request's headers say of its body, and the way from its bytes to a request."""

from __future__ import annotations

import re
from collections.abc import Mapping

from turnout_inference.errors import ApiError, Code
from turnout_inference.schemas import Shape, parse
from turnout_inference.strict_json import decode, has_more_parts

INLINE = 32_768
"""Bytes of a body that is parsed on the event loop: the worst of so many takes few milliseconds.
A thread would take longer to wake than a usual one does."""
_PARTS_A_TEXT, _PARTS_BESIDE = 5, 1000
"""A pair in a batch: two strings, a list, two commas. Beside them: keys that are not ours."""
_USUAL = "application/json"
_CHARSET = re.compile(r';[ \t]*charset="?([^";]*)"?', re.IGNORECASE)


def check_headers(headers: Mapping[str, str]) -> None:
    """415 for a body that is not JSON in UTF-8, as it is."""
    given = headers.get("content-type")
    if given != _USUAL:
        _check_type(given)
    encoding = headers.get("content-encoding")
    if encoding is not None and encoding.strip().lower() != "identity":
        raise ApiError(
            415,
            Code.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Encoding is {encoding[:80]!r}",
            "send the body as it is, and leave Content-Encoding out",
        )


def parse_body(shape: type[Shape], body: bytes, max_texts: int) -> Shape:
    """A body as a request; ApiError for wrong syntax or shape, or too many texts."""
    if len(body) > INLINE:
        most = _PARTS_A_TEXT * max_texts + _PARTS_BESIDE
        if has_more_parts(body, most):
            raise ApiError(
                413,
                Code.TOO_MANY_TEXTS,
                f"the body has more than {most} values, {max_texts} texts are allowed",
                "send the texts in several requests",
            )
    return parse(shape, decode(body), max_texts)


def too_large(what: str, limit: int) -> ApiError:
    return ApiError(
        413,
        Code.BODY_TOO_LARGE,
        f"the body has {what}, {limit} are allowed",
        "send the texts in several requests",
    )


def _check_type(given: str | None) -> None:
    kind = (given or "").partition(";")[0].strip().lower()
    charset = _CHARSET.search(given or "")
    is_json = kind == _USUAL or (kind.startswith("application/") and kind.endswith("+json"))
    if not is_json or (charset and charset[1].strip().lower() not in {"utf-8", "utf8"}):
        shown = "missing" if given is None else repr(given[:80])
        raise ApiError(
            415,
            Code.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type is {shown}",
            "send Content-Type: application/json, encoded as UTF-8",
        )
