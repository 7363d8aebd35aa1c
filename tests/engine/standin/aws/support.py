"""Words that the families of AWS kinds share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

from tests.engine.standin.cloud import RefusedError
from tests.engine.standin.kinds import Call, Inputs
from tests.engine.standin.shapes import Problem
from tests.engine.standin.values import has_unknown, is_unknown

Identify = Callable[[Inputs, Call], str]


def numbered(prefix: str) -> Identify:
    """An id as EC2 gives it: `vpc-` and 17 hex digits."""
    return lambda _inputs, call: f"{prefix}-{call.cloud.next_hex(17)}"


def by(*properties: str, separator: str = "/") -> Identify:
    """An id made of inputs."""
    return lambda inputs, _call: separator.join(str(inputs[name]) for name in properties)


def uuid(call: Call) -> str:
    digits = call.cloud.next_hex(16) + call.cloud.next_hex(16)
    parts = (digits[:8], digits[8:12], f"4{digits[13:16]}", f"8{digits[17:20]}", digits[20:32])
    return "-".join(parts)


def known(value: Any) -> TypeGuard[Any]:
    return value is not None and not is_unknown(value)


def entries(value: Any) -> list[Any]:
    """A list's known elements; an absent or unknown list has none."""
    return [item for item in value if not is_unknown(item)] if isinstance(value, list) else []


def document(value: Any) -> Any:
    """A JSON property, given as text or as an object; None while it is unknown."""
    if not known(value) or has_unknown(value):
        return None
    return json.loads(value) if isinstance(value, str) else value


def policy_problems(inputs: Inputs, path: str, *, principal: bool) -> Iterator[Problem]:
    """What IAM refuses in a policy document; resource policies name a principal."""
    policy = document(inputs.get(path))
    if policy is None:
        return
    if not isinstance(policy, dict) or not policy.get("Statement"):
        yield Problem(path, "MalformedPolicyDocument: a policy needs a Statement")
        return
    if policy.get("Version") not in (None, "2012-10-17", "2008-10-17"):
        yield Problem(path, f"MalformedPolicyDocument: Version {policy['Version']!r}")
    statements = policy["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        yield from _statement_problems(statement, path, principal=principal)


def _statement_problems(statement: Any, path: str, *, principal: bool) -> Iterator[Problem]:
    allowed = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
    if principal:
        allowed |= {"Principal", "NotPrincipal"}
    for key in set(statement) - allowed:
        yield Problem(path, f"MalformedPolicyDocument: {key} is not allowed in this statement")
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield Problem(path, "MalformedPolicyDocument: Effect must be Allow or Deny")
    if not statement.get("Action") and not statement.get("NotAction"):
        yield Problem(path, "MalformedPolicyDocument: a statement must have an Action")
    if principal and not (statement.keys() & {"Principal", "NotPrincipal"}):
        yield Problem(path, "MalformedPolicyDocument: a statement must have a Principal")
    if not principal and not statement.get("Resource") and not statement.get("NotResource"):
        yield Problem(path, "MalformedPolicyDocument: a statement must have a Resource")


def exactly_one(inputs: Inputs, *names: str) -> Iterator[Problem]:
    given = [name for name in names if inputs.get(name) is not None]
    if len(given) != 1:
        yield Problem(names[0], f"exactly one of {', '.join(names)} must be given, got {given}")


def refuse(reason: str) -> None:
    raise RefusedError(reason)
