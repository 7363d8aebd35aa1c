"""JSON from strangers: every way in which it can be wrong gets a message of its own."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any, NoReturn

from turnout_inference.errors import ApiError, Code

MAX_DEPTH = 32
"""Levels of nesting; no request needs more than four."""
MAX_DIGITS = 100
"""Digits of a number; no request has a use for more."""
_NESTING = (list, dict)
_PART = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[{,]', re.DOTALL)
"""A string (of broken JSON, one without an end too: a quote is looked at once), or what begins or
separates other values."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""An escaped half of a pair: without one, every string is text."""


def has_more_parts(body: bytes, most: int) -> bool:
    """Whether a body has more than `most` strings, lists, objects and commas.

    To be asked before `decode`, which takes a second for a few megabytes of `[],[],[]` and lets
    nobody else run meanwhile. This stops at the first that is too many.
    """
    parts = _PART.finditer(body)
    return next(islice(parts, most, None), None) is not None


def decode(body: bytes) -> Any:
    """The value of a JSON body, or a 400 that says what is wrong and where.

    Refused beside broken syntax: invalid UTF-8, a byte-order mark, keys given twice, NaN and
    infinities, numbers of more than 100 digits, nesting beyond 32 levels, and strings with
    unpaired surrogates (they are no text, and no UTF-8 can carry them).
    """
    if not body:
        raise _bad("the body is empty", 'send JSON, such as {"inputs": "a text"}')
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _bad(
            f"the body is not UTF-8: byte {error.start} is 0x{body[error.start]:02x}",
            "encode the JSON as UTF-8",
        ) from None
    if text.startswith("\ufeff"):
        raise _bad("the body begins with a byte-order mark", "leave it out")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _bad(
            f"the body is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}",
            "check it with any JSON tool",
        ) from None
    except RecursionError:
        _too_deep()
    if _nests(text):
        _check_depth(value)
    if "\\u" in text and _SURROGATE.search(text):
        _check_texts(value, ())
    return value


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for twice, _ in pairs:
            if twice in seen:
                break
            seen.add(twice)
        raise _bad(f"key {json.dumps(twice)[:80]} is given twice", "give each key once")
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _bad(f"a number has {len(digits)} digits", f"send at most {MAX_DIGITS}")
    return int(digits)


def _float(digits: str) -> float:
    if len(digits) > MAX_DIGITS:
        raise _bad(f"a number has {len(digits)} digits", f"send at most {MAX_DIGITS}")
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise _bad(f"the number {digits} is out of range", "send a number that fits 64 bits")
    return value


def _constant(name: str) -> NoReturn:
    raise _bad(f"{name} is not JSON", "send a number, or null")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_no_key_twice,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)


def _nests(text: str) -> bool:
    """Whether it could nest too deeply: a bound that is cheap to have."""
    return text.count("[") + text.count("{") > MAX_DEPTH


def _check_depth(value: Any) -> None:
    """Level by level, for a stranger may send a million empty lists."""
    level = [value] if isinstance(value, _NESTING) else []
    for _ in range(MAX_DEPTH):
        level = [
            part
            for whole in level
            for part in (whole.values() if isinstance(whole, dict) else whole)
            if isinstance(part, _NESTING)
        ]
        if not level:
            return
    _too_deep()


def _check_texts(value: Any, place: tuple[int | str, ...]) -> None:
    match value:
        case str():
            _check_text(value, "", place)
        case list():
            for index, item in enumerate(value):
                _check_texts(item, (*place, index))
        case dict():
            for key, item in value.items():
                _check_text(key, "a key of ", place)
                _check_texts(item, (*place, key))


def _check_text(text: str, what: str, place: tuple[int | str, ...]) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        steps = [f"[{step}]" if isinstance(step, int) else f".{step[:40]}" for step in place]
        raise _bad(
            f"{what}body{''.join(steps)}: character {error.start} is an unpaired surrogate "
            f"(\\u{ord(text[error.start]):04x})",
            "send surrogates in pairs, or the character itself in UTF-8",
        ) from None


def _too_deep() -> NoReturn:
    raise _bad(f"the JSON nests deeper than {MAX_DEPTH} levels", "send a flatter body")


def _bad(message: str, fix: str) -> ApiError:
    return ApiError(400, Code.INVALID_JSON, message, fix)
