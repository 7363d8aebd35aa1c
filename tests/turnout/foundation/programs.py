"""The real program, run for a foundation."""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from unittest import mock

import yaml
from tests.turnout import programs

from turnout.plan import Plan, PlannedResource, plan_program, run

STACK_FILE: Final = programs.ROOT / "stacks" / "Pulumi.foundation.yaml"
SAID: Final[Mapping[str, Any]] = yaml.safe_load(STACK_FILE.read_text())["config"][
    "turnout:foundation"
]

POLICY: Final = "aws:iam/policy:Policy"
OWN_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
SHARED: Final = f"arn:aws:iam:{programs.REGION}:{programs.ACCOUNT}:Policy"


def plan(said: Mapping[str, Any], **config: str) -> Plan:
    """What the program asks for, every value known as at the end of an `up`."""
    whole = {"aws:region": programs.REGION, "turnout:foundation": json.dumps(said), **config}
    with mock.patch.object(run, "RecordingMonitor", programs._MakingMonitor):
        return plan_program(
            programs.ROOT / "stacks", project="turnout", stack="foundation", config=whole
        )


@functools.cache
def example() -> tuple[PlannedResource, ...]:
    """The foundation of the repository's own stack file."""
    return plan(SAID).resources


def named(type_: str, name: str) -> Mapping[str, Any]:
    """The inputs of one resource of the example."""
    (found,) = [r for r in example() if r.type == type_ and r.name == name]
    return found.inputs


def statements(role: str) -> list[dict[str, Any]]:
    """What a role of the example may do, by its own policy and by those that it shares."""
    return role_statements(example(), role)


def role_statements(foundation: Sequence[PlannedResource], role: str) -> list[dict[str, Any]]:
    """What a role of `foundation` may do, by its own policy and by those that it shares."""
    found: list[dict[str, Any]] = []
    arns = {
        r.inputs["policyArn"]
        for r in foundation
        if r.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
        and r.inputs["role"] == f"moderation-{role}-0123456"
    }
    for policy in foundation:
        own = policy.type == OWN_POLICY and policy.name == f"moderation-{role}"
        if own or (policy.type == POLICY and f"{SHARED}/{policy.name}-0123456" in arns):
            found += json.loads(policy.inputs["policy"])["Statement"]
    return found


def trust(role: str) -> dict[str, Any]:
    """Who may take on a role of the example."""
    text = named("aws:iam/role:Role", f"moderation-{role}")["assumeRolePolicy"]
    (statement,) = json.loads(text)["Statement"]
    return dict(statement)
