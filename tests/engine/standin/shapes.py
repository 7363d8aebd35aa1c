"""The shape of a resource's inputs, and what is wrong with a value that does not fit it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, assert_never

from tests.engine.standin.values import is_asset, is_unknown


@dataclass(frozen=True)
class Scalar:
    kind: Literal["string", "integer", "number", "boolean", "any", "asset"]


@dataclass(frozen=True)
class ListOf:
    item: Shape


@dataclass(frozen=True)
class MapOf:
    item: Shape


@dataclass(frozen=True)
class OneOf:
    options: tuple[Shape, ...]


@dataclass(frozen=True)
class Field:
    shape: Shape
    required: bool


@dataclass(frozen=True)
class Object:
    name: str
    fields: Mapping[str, Field]


Shape = Scalar | ListOf | MapOf | OneOf | Object


@dataclass(frozen=True)
class Problem:
    """A property that is refused: its path as the engine writes paths, and why."""

    path: str
    reason: str


def problems(value: Any, shape: Shape, path: str = "") -> Iterator[Problem]:
    """Yield every place where `value` does not fit `shape`; unknown values fit everything."""
    if value is None or is_unknown(value):
        return
    match shape:
        case Scalar():
            yield from _scalar_problems(value, shape, path)
        case ListOf(item):
            if not isinstance(value, list):
                yield Problem(path, f"expected a list, got {_kind(value)}")
                return
            for index, element in enumerate(value):
                yield from problems(element, item, f"{path}[{index}]")
        case MapOf(item):
            if not isinstance(value, dict):
                yield Problem(path, f"expected a map, got {_kind(value)}")
                return
            for key, element in value.items():
                yield from problems(element, item, join(path, key))
        case Object():
            yield from _object_problems(value, shape, path)
        case OneOf(options):
            attempts = [list(problems(value, option, path)) for option in options]
            if all(attempts):
                yield from min(attempts, key=len)
        case _:
            assert_never(shape)


def join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _object_problems(value: Any, shape: Object, path: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, f"expected an object of {shape.name}, got {_kind(value)}")
        return
    for key, element in value.items():
        if key.startswith("__"):
            continue
        field = shape.fields.get(key)
        if field is None:
            yield Problem(join(path, key), f"{shape.name} has no property {key!r}")
        else:
            yield from problems(element, field.shape, join(path, key))
    for key, field in shape.fields.items():
        if field.required and value.get(key) is None:
            yield Problem(join(path, key), f"{shape.name} requires {key!r}, which is missing")


def _scalar_problems(value: Any, shape: Scalar, path: str) -> Iterator[Problem]:
    match shape.kind:
        case "any":
            fits = True
        case "asset":
            fits = is_asset(value)
        case "string":
            fits = isinstance(value, str)
        case "boolean":
            fits = isinstance(value, bool)
        case "integer":
            fits = isinstance(value, int) and not isinstance(value, bool)
        case "number":
            fits = isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            assert_never(shape.kind)
    if not fits:
        yield Problem(path, f"expected {shape.kind}, got {_kind(value)} {value!r:.80}")


def _kind(value: Any) -> str:
    return {dict: "map", list: "list", str: "string", bool: "boolean"}.get(type(value), "number")
