"""What IAM makes of a policy: AWS's own list of actions, and a small judge of statements.

The list is parliament's copy of the "Service Authorization Reference".
"""

import fnmatch
import functools
import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
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


def resource_arns(action: str) -> list[str]:
    """The forms of the ARNs that `action` can be narrowed to; empty: it takes `*` alone."""
    prefix, _, name = action.partition(":")
    service = _services()[prefix]
    (privilege,) = [p for p in service["privileges"] if p["privilege"] == name]
    forms = {resource["resource"]: resource["arn"] for resource in service["resources"]}
    types = [entry["resource_type"].rstrip("*") for entry in privilege["resource_types"]]
    return [forms[type_] for type_ in types if type_ in forms]


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
        and all(_holds(*condition, context) for condition in _conditions(statement))
    )


def _conditions(statement: Statement) -> Iterator[tuple[str, str, list[str]]]:
    for operator, keys in statement.get("Condition", {}).items():
        for key, wanted in keys.items():
            yield operator, key, listed(wanted)


def _holds(operator: str, key: str, wanted: list[str], context: Mapping[str, str]) -> bool:
    assert operator == "StringEquals", operator
    return context.get(key) in wanted


def _matches(value: str, pattern: str) -> bool:
    # IAM's wildcards are * and ?; fnmatch would also read brackets.
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))
