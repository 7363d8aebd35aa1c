"""Resources as the rules see them, wherever they come from.

Three sources give the same shape: the offline plan, an exported stack
(`pulumi stack export`) and the engine's own analyzer calls (`engine.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# How the engine writes an unknown value on the wire, one per kind of value
# (pulumi/pulumi, sdk/go/common/resource/plugin/rpc.go).
_WIRE_UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the engine's marker of a secret
_PLAN_UNKNOWN = "__unknown__"
_PLAN_SECRET = "[secret]"  # noqa: S105 - the plan's marker of a secret

# The provider keeps older tokens of some resources alive, as aliases or as
# classes of their own with the same properties.
_RENAMED_MODULES = {
    "alb": "lb",
    "elasticloadbalancingv2": "lb",
    "applicationloadbalancing": "lb",
    "elasticloadbalancing": "elb",
}
_AWS_TOKEN = re.compile(r"aws:(?P<module>[^/:]+)/(?P<file>[^:]+):(?P<name>.+)")


@dataclass(frozen=True, slots=True)
class UnknownValue:
    """A value that the engine will know only after a resource has been made."""

    sources: tuple[str, ...] = ()
    """The URNs of the resources that it is made from, where they are told."""

    secret: bool = False
    """Whether it is kept back because it is a secret, not because it is not there yet."""


UNKNOWN = UnknownValue()
SECRET = UnknownValue(secret=True)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a stack.

    `properties` are its inputs in camelCase; `dependencies` names, for each
    property, the URNs of the resources whose outputs went into it;
    `outputs` are what is known of it once it exists (`id`, `arn`, ...).
    """

    urn: str
    type: str
    name: str
    parent: str | None
    properties: Mapping[str, Any]
    dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    external: bool = False
    """Only read by the program, not made by it: there to be referred to, not to be judged."""


def canonical_type(token: str) -> str:
    """The token that rules are written against, for a token or one of its older names."""
    match = _AWS_TOKEN.fullmatch(token)
    if match is None:
        return token
    module, file, name = match.group("module", "file", "name")
    if module == "s3" and name.endswith("V2"):
        file, name = file.removesuffix("V2"), name.removesuffix("V2")
    return f"aws:{_RENAMED_MODULES.get(module, module)}/{file}:{name}"


def decode(value: Any) -> Any:
    """A JSON value with the engine's or the plan's markers turned into `UnknownValue`s.

    A secret becomes its plain value where that is given, else `SECRET`: no
    rule prints a value, rules only judge it.
    """
    match value:
        case str():
            if value == _PLAN_SECRET:
                return SECRET
            return UNKNOWN if value in _WIRE_UNKNOWNS else value
        case Mapping():
            if _PLAN_UNKNOWN in value:
                return _unknown_of(value[_PLAN_UNKNOWN])
            if value.get(_SIGNATURE) == _SECRET:
                return _decode_secret(value)
            return {str(key): decode(item) for key, item in value.items() if key != "__defaults"}
        case list() | tuple():
            return [decode(item) for item in value]
        case _:
            return value


def _unknown_of(source: Any) -> UnknownValue:
    match source:
        case {"sources": [*urns]}:
            return UnknownValue(tuple(str(urn) for urn in urns))
        case str():
            return UnknownValue((source,))
        case _:
            return UNKNOWN


def _decode_secret(value: Mapping[str, Any]) -> Any:
    if isinstance(value.get("plaintext"), str):
        return decode(json.loads(value["plaintext"]))
    if "value" in value:
        return decode(value["value"])
    return SECRET


def _is_custom(record: Mapping[str, Any]) -> bool:
    token = str(record.get("type", ""))
    if token.startswith(("pulumi:pulumi:", "pulumi:providers:")):
        return False
    return bool(record.get("custom", True))


def _dependencies(record: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found = record.get("propertyDependencies") or record.get("dependencies") or {}
    if not isinstance(found, Mapping):
        return {}  # in an exported stack `dependencies` is the list of all of them
    return {str(name): tuple(urns or ()) for name, urns in found.items()}


def from_plan(record: Mapping[str, Any]) -> tuple[Resource, ...]:
    """The resources of what `turnout plan --json` prints."""
    return tuple(
        Resource(
            urn=str(item["urn"]),
            type=str(item["type"]),
            name=str(item.get("name") or str(item["urn"]).rsplit("::", 1)[-1]),
            parent=item.get("parent"),
            properties=decode(item.get("inputs") or {}),
            dependencies=_dependencies(item),
            outputs=decode(item.get("outputs") or {}),
        )
        for item in record["resources"]
        if _is_custom(item)
    )


def from_export(state: Mapping[str, Any]) -> tuple[Resource, ...]:
    """The resources of what `pulumi stack export` prints; those being deleted are left out."""
    deployment = state.get("deployment") or {}
    live = (item for item in deployment.get("resources") or () if not item.get("delete"))
    return tuple(_from_state(item) for item in live if _is_custom(item))


def _from_state(item: Mapping[str, Any]) -> Resource:
    outputs = decode(item.get("outputs") or {})
    if item.get("id"):
        outputs = {**outputs, "id": item["id"]}
    return Resource(
        urn=str(item["urn"]),
        type=str(item["type"]),
        name=str(item["urn"]).rsplit("::", 1)[-1],
        parent=item.get("parent"),
        properties=decode(item.get("inputs") or {}),
        dependencies=_dependencies(item),
        outputs=outputs,
        external=bool(item.get("external")),
    )
