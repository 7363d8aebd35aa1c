"""The rules' examples: Pulumi YAML programs that pass, and changes that fail or still pass.

They are the catalogue's text and the tests' cases at once.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from turnout_policies.resources import Resource, UnknownValue

_REFERENCE = re.compile(r"\$\{(?P<name>[\w-]+)(?:\.(?P<property>\w+))?\}")
_TO_JSON = "fn::toJSON"
_PROJECT = "urn:pulumi:example::example"


@dataclass(frozen=True, slots=True)
class Example:
    """A program that passes, by rule, with the changes that make it fail and those that do not."""

    rule: str
    program: Mapping[str, Any]
    fails: Mapping[str, Mapping[str, Any]]
    passes: Mapping[str, Mapping[str, Any]]
    settings: Mapping[str, Any]
    level: str | None

    @property
    def config(self) -> dict[str, Any]:
        """What to configure so that the example applies."""
        entry = dict(self.settings)
        if self.level is not None:
            entry["enforcementLevel"] = self.level
        return {self.rule: entry} if entry else {}


@cache
def examples() -> tuple[Example, ...]:
    """All examples, in the order of their files."""
    return tuple(_read())


def _read() -> Iterator[Example]:
    folder = files(__package__)
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        if not file.name.endswith(".yaml"):
            continue
        for rule, entry in yaml.safe_load(file.read_text("utf-8")).items():
            yield Example(
                rule,
                entry["resources"],
                entry["fails"],
                entry["passes"],
                entry.get("settings") or {},
                entry.get("level"),
            )


def changed(program: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A program with places set to new values; None removes what is there."""
    result = copy.deepcopy(dict(program))
    # From the back, so that removing an item moves none that is named later.
    for place, value in reversed(list(change.items())):
        name, *steps = place.split(".")
        if not steps:
            _set(result, name, value)
            continue
        if name not in result:
            raise KeyError(f"{place}: there is no resource {name}")
        resource = result[name]
        if steps == ["type"]:
            resource["type"] = value
            continue
        _set_deep(resource.setdefault("properties", {}), steps, value)
    return result


def _set_deep(target: Any, steps: list[str], value: Any) -> None:
    *way, last = steps
    for step in way:
        if isinstance(target, Mapping) and _TO_JSON in target:
            target = target[_TO_JSON]
        if isinstance(target, list):
            target = target[int(step)]
        else:
            if target.get(step) is None:
                target[step] = {}
            target = target[step]
    if isinstance(target, Mapping) and _TO_JSON in target:
        target = target[_TO_JSON]
    _set(target, last, value)


def _set(target: Any, key: str, value: Any) -> None:
    if isinstance(target, list):
        index = int(key)
        if value is None:
            del target[index]
        elif index < len(target):
            target[index] = value
        else:
            target.append(value)
    elif value is None:
        target.pop(key, None)
    else:
        target[key] = value


def resources_of(program: Mapping[str, Any], *, known: bool) -> tuple[Resource, ...]:
    """The resources of a program, as before (`known=False`) or after they exist."""
    urns = {name: _urn(name, entry["type"]) for name, entry in program.items()}
    return tuple(_resource(name, entry, urns, known) for name, entry in program.items())


def _urn(name: str, token: str) -> str:
    return f"{_PROJECT}::{token}::{name}"


def _resource(
    name: str, entry: Mapping[str, Any], urns: Mapping[str, str], known: bool
) -> Resource:
    properties, dependencies = {}, {}
    for key, value in (entry.get("properties") or {}).items():
        referred = tuple(dict.fromkeys(urns[found] for found in _names(value) if found in urns))
        if referred:
            dependencies[key] = referred
        properties[key] = _resolved(value, urns, known)
    outputs = {key: _output(name, key) for key in ("id", "arn", "arnSuffix")} if known else {}
    return Resource(urns[name], entry["type"], name, None, properties, dependencies, outputs)


def _output(name: str, property_: str) -> str:
    if property_ == "arn":
        return f"arn:aws:example:ap-northeast-2:123456789012:{name}"
    return f"{name}-{property_}"


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        for match in _REFERENCE.finditer(value):
            yield match["name"]
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)


def _resolved(value: Any, urns: Mapping[str, str], known: bool) -> Any:
    if isinstance(value, str):
        found = [name for name in _names(value) if name in urns]
        if not found:
            return value
        if not known:
            return UnknownValue(tuple(urns[name] for name in found))
        return _REFERENCE.sub(
            lambda found: _output(found["name"], found["property"] or "id"), value
        )
    if isinstance(value, Mapping):
        if _TO_JSON in value:
            inner = _resolved(value[_TO_JSON], urns, known)
            names = [name for name in _names(value) if name in urns]
            if names and not known:
                return UnknownValue(tuple(urns[name] for name in names))
            return json.dumps(inner)
        return {str(key): _resolved(item, urns, known) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, urns, known) for item in value]
    return value
