"""What IAM makes of a policy: AWS's own list of actions, and a small judge of statements.

The list is parliament's copy of the "Service Authorization Reference".
"""

import fnmatch
import functools
import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Statement = Mapping[str, Any]


@functools.cache
def _services() -> dict[str, dict[str, Any]]:
    # Its data alone: the package itself needs a setuptools of the past.
    spec = importlib.util.find_spec("parliament")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    (folder,) = spec.submodule_search_locations
    services = json.loads((Path(folder) / "iam_definition.json").read_text())
    return {service["prefix"]: service for service in services}


def known_actions(pattern: str) -> list[str]:
    """AWS's actions that `pattern` (`service:Verb*`) stands for."""
    prefix, _, name = pattern.partition(":")
    privileges = _services().get(prefix, {"privileges": []})["privileges"]
    return [
        f"{prefix}:{privilege['privilege']}"
        for privilege in privileges
        if fnmatch.fnmatchcase(privilege["privilege"].lower(), name.lower())
    ]


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """A kind of resource that an action asks for."""

    name: str
    arn: str
    required: bool
    made: bool
    """The action makes it: it knows the tags that it gets, and has none yet."""


def resource_types(action: str) -> list[ResourceType]:
    """The kinds of resources that `action` can be narrowed to; empty: it takes `*` alone."""
    service, privilege = _privilege(action)
    forms = {resource["resource"]: resource["arn"] for resource in service["resources"]}
    return [
        ResourceType(
            name=name,
            arn=forms[name],
            required=entry["resource_type"].endswith("*"),
            made=_tags(entry, "Request") and not _tags(entry, "Resource"),
        )
        for entry in privilege["resource_types"]
        for name in [entry["resource_type"].rstrip("*")]
        if name in forms
    ]


def resource_arns(action: str) -> list[str]:
    """The forms of the ARNs that `action` can be narrowed to; empty: it takes `*` alone."""
    return [type_.arn for type_ in resource_types(action)]


def condition_keys(action: str) -> set[str]:
    """What a condition on `action` can ask for, a tag's name left out; global keys aside."""
    service, privilege = _privilege(action)
    asked = {entry["resource_type"].rstrip("*") for entry in privilege["resource_types"]}
    keys = [key for entry in privilege["resource_types"] for key in entry["condition_keys"]]
    keys += [
        key
        for resource in service["resources"]
        if resource["resource"] in asked
        for key in resource["condition_keys"]
    ]
    return {key.partition("/")[0] for key in keys}


def _privilege(action: str) -> tuple[dict[str, Any], dict[str, Any]]:
    prefix, _, name = action.partition(":")
    service = _services()[prefix]
    (privilege,) = [p for p in service["privileges"] if p["privilege"] == name]
    return service, privilege


def _tags(entry: Mapping[str, Any], which: str) -> bool:
    return any(key.startswith(f"aws:{which}Tag") for key in entry["condition_keys"])


def listed(value: object) -> list[str]:
    """A policy's value as the list that it may also be."""
    if isinstance(value, str):
        return [value]
    assert isinstance(value, Sequence)
    return [str(item) for item in value]


def allows(
    statements: Sequence[Statement], action: str, arn: str, context: Mapping[str, str]
) -> bool:
    """Whether one of the statements allows `action` on `arn` under what `context` says."""
    return any(_allows(statement, action, arn, context) for statement in statements)


def _allows(statement: Statement, action: str, arn: str, context: Mapping[str, str]) -> bool:
    return (
        statement["Effect"] == "Allow"
        and any(_matches(action.lower(), one.lower()) for one in listed(statement["Action"]))
        and any(_matches(arn, one) for one in listed(statement["Resource"]))
        and all(_holds(*condition, context) for condition in conditions(statement))
    )


def conditions(statement: Statement) -> Iterator[tuple[str, str, list[str]]]:
    """Operator, key and wanted values of each condition of the statement."""
    for operator, keys in statement.get("Condition", {}).items():
        for key, wanted in keys.items():
            yield operator, key, listed(wanted)


def _holds(operator: str, key: str, wanted: list[str], context: Mapping[str, str]) -> bool:
    value = context.get(key)
    match operator:
        case "StringEquals" | "Bool":
            return value in wanted
        case "StringEqualsIfExists":
            return value is None or value in wanted
        case "StringLike":
            return value is not None and any(_matches(value, one) for one in wanted)
        case "Null":
            return wanted == [str(value is None).lower()]
    raise AssertionError(operator)


def _matches(value: str, pattern: str) -> bool:
    # IAM's wildcards are * and ?; fnmatch would also read brackets.
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))
