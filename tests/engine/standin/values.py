"""Property values as they cross the engine's wire, and as plain Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc

UNKNOWN: str = rpc.UNKNOWN
"""Stands for a value that is known only after deployment."""

_SIGNATURE = rpc._special_sig_key
_ASSETS = {rpc._special_asset_sig, rpc._special_archive_sig}


def from_wire(properties: struct_pb2.Struct) -> dict[str, Any]:
    """Read properties; whole numbers become int, as every schema that we meet means them."""
    read: dict[str, Any] = _whole(json_format.MessageToDict(properties))
    return read


def to_wire(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    wire = struct_pb2.Struct()
    json_format.ParseDict(dict(properties), wire)
    return wire


def is_unknown(value: Any) -> bool:
    return isinstance(value, str) and value == UNKNOWN


def is_asset(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get(_SIGNATURE) in _ASSETS


def has_unknown(value: Any) -> bool:
    return any(is_unknown(leaf) for _, leaf in leaves(value))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each scalar with its path; list positions are left out of the path."""
    if isinstance(value, Mapping):
        for key, element in value.items():
            yield from leaves(element, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for element in value:
            yield from leaves(element, path)
    else:
        yield path, value


def without_nulls(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties as the engine keeps them: what is null is not there."""
    return {key: _bare(value) for key, value in properties.items() if value is not None}


def _bare(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_nulls(value)
    return [_bare(element) for element in value] if isinstance(value, list) else value


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_whole(element) for element in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
