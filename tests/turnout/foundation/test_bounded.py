"""A service under the foundation's boundary: every role of every tier stands below it."""

import pytest
from tests.turnout.programs import EVERYTHING, KINDS, plan, tier_plan

POLICIES = "arn:aws:iam::123456789012:policy/turnout-foundation"
BOUNDARY = f"{POLICIES}/moderation-boundary-hate-speech-api-0123456"
ROLE = "aws:iam/role:Role"


@pytest.mark.parametrize("kind", KINDS)
def test_every_role_of_a_tier_stands_under_the_boundary(kind: str) -> None:
    roles = plan(EVERYTHING, target=kind, permissions_boundary=BOUNDARY).of_type(ROLE)
    assert roles
    assert {role.inputs["permissionsBoundary"] for role in roles} == {BOUNDARY}


def test_without_one_no_role_names_a_boundary() -> None:
    for role in tier_plan("eks", everything=True).of_type(ROLE):
        assert "permissionsBoundary" not in role.inputs
