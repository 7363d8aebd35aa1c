"""The AWS provider's own limits on single properties, from the table beside this file."""

from __future__ import annotations

import base64
import binascii
import functools
import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.engine.standin.shapes import Problem
from tests.engine.standin.values import is_unknown, leaves

_TABLE = Path(__file__).with_name("provider_rules.json")
ARN = re.compile(r"^arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:(\d{12}|aws)?:.+$", re.DOTALL)


@functools.cache
def _table() -> Mapping[str, Any]:
    types: Mapping[str, Any] = json.loads(_TABLE.read_text())["types"]
    return types


def replaces(token: str) -> frozenset[str]:
    """Property paths, without list positions, whose change replaces the resource."""
    return frozenset(_table().get(token, {}).get("replace", ()))


def property_problems(token: str, inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield each property whose single value the provider refuses before it calls AWS."""
    rules = _table().get(token, {}).get("rules", {})
    for path, value in leaves(inputs):
        rule = rules.get(path) or rules.get(_without_key(path))
        if rule and value is not None and not is_unknown(value):
            for reason in _reasons(value, rule):
                yield Problem(path, reason)


def _without_key(path: str) -> str:
    return path.rpartition(".")[0]


def _reasons(value: Any, rule: Mapping[str, Any]) -> Iterator[str]:
    if "enum" in rule and value not in rule["enum"]:
        yield f"expected one of {rule['enum']}, got {value!r}"
    if "range" in rule and not _within(_number(value), rule["range"]):
        yield f"expected a number in the range {rule['range']}, got {value!r}"
    if "length" in rule and not _within(len(str(value)), rule["length"]):
        size = len(str(value))
        yield f"expected a length in the range {rule['length']}, got {size}: {value!r:.80}"
    if "pattern" in rule and not re.fullmatch(rule["pattern"], str(value)):
        yield f"expected a match of {rule['pattern']}, got {value!r:.80}"
    if "prefix" in rule and not str(value).startswith(rule["prefix"]):
        yield f"expected to start with {rule['prefix']}, got {value!r:.80}"
    if "format" in rule and (reason := _FORMATS[rule["format"]](value)):
        yield reason


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _within(number: float | None, bounds: tuple[float | None, float | None]) -> bool:
    low, high = bounds
    if number is None:
        return False
    return (low is None or number >= low) and (high is None or number <= high)


def cidr_reason(value: Any) -> str | None:
    try:
        ipaddress.ip_network(str(value))
    except ValueError as error:
        return f"{value!r} is not a valid CIDR block: {error}"
    return None


def arn_reason(value: Any) -> str | None:
    return None if value == "" or ARN.match(str(value)) else f"{value!r} is an invalid ARN"


def json_reason(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        json.loads(value)
    except ValueError as error:
        return f"contains an invalid JSON: {error}"
    return None


def base64_reason(value: Any) -> str | None:
    try:
        base64.b64decode(str(value), validate=True)
    except binascii.Error as error:
        return f"must be base64-encoded: {error}"
    return None


_FORMATS = {
    "cidr": cidr_reason,
    "arn": arn_reason,
    "json": json_reason,
    "base64": base64_reason,
}
