"""CI can make, tag, change and delete everything that the stacks of the tiers are made of."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.turnout.foundation.iam import Statement, allows, known_actions
from tests.turnout.foundation.life import LIFE, Step
from tests.turnout.foundation.programs import SAID, plan, role_statements, statements
from tests.turnout.programs import BASELINE, EVERYTHING, KINDS, make, tier_made

from turnout import naming
from turnout.plan import PlannedResource

SERVICE = "hate-speech-api"
LONG = "a-service-with-as-long-a-name-as"


def test_each_action_is_one_of_aws() -> None:
    actions = {step.action for steps in LIFE.values() for step in steps}
    assert [one for one in sorted(actions) if known_actions(one) != [one]] == []


@pytest.mark.parametrize("kind", KINDS)
def test_ci_leads_every_resource_of_every_tier_through_its_life(kind: str) -> None:
    assert refused(tier_made(kind, everything=True)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"image": {"build": True}, "target": {"kind": "lambda", "provisioned_concurrency": 1}},
        {"target": {"kind": "lambda", "front": "function_url"}, "certificate": None},
        {"target": {"kind": "ecs", "spot": 50}, "network": {"create": {"nat": "none"}}},
        {"target": {"kind": "eks", "admins": ["arn:aws:iam::123456789012:role/platform"]}},
    ],
    ids=["built", "function url", "spot without a way out", "administrators"],
)
def test_ci_leads_what_is_asked_for_more_through_its_life(changes: dict[str, Any]) -> None:
    assert refused(make(BASELINE, **changes)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_name_that_aws_would_not_take_is_told_by_what_it_is_shortened_to(kind: str) -> None:
    assert len(LONG) == 32
    resources = make(EVERYTHING, name=LONG, target=kind)
    foundation = plan({**SAID, "services": [LONG], "github": github({"prod": [LONG]})}).resources
    assert refused(resources, LONG, role_statements(foundation, "deploy-prod")) == []


def test_pods_join_a_cluster_that_exists_where_the_foundation_names_it() -> None:
    foundation = plan({**SAID, "clusters": ["shared"]}).resources
    rights = role_statements(foundation, "deploy-prod-ecs")
    arn = "arn:aws:eks:ap-northeast-2:123456789012:{}"
    assert allows(
        rights, "eks:CreatePodIdentityAssociation", arn.format("cluster/shared"), context(made=True)
    )
    association = arn.format("podidentityassociation/shared/a-0")
    assert allows(rights, "eks:TagResource", association, context(made=True))
    for action in ("UpdatePodIdentityAssociation", "DeletePodIdentityAssociation", "TagResource"):
        assert allows(rights, f"eks:{action}", association, context())
        assert not allows(rights, f"eks:{action}", association, context("pay"))
    assert not allows(rights, "eks:DeleteCluster", arn.format("cluster/shared"), context())


@pytest.mark.parametrize(
    ("cluster", "may"), [("hate-speech-api-test", True), ("shared", True), ("pay", False)]
)
def test_the_load_balancer_is_let_in_to_the_group_that_eks_made(cluster: str, may: bool) -> None:
    foundation = plan({**SAID, "clusters": ["shared"]}).resources
    rights = role_statements(foundation, "deploy-prod-ecs")
    group = "arn:aws:ec2:ap-northeast-2:123456789012:security-group/sg-0"
    marked = {"aws:ResourceTag/aws:eks:cluster-name": cluster}
    for action in ("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"):
        assert allows(rights, action, group, marked) is may


def github(environments: object) -> dict[str, Any]:
    return {**SAID["github"], "environments": environments}


def context(service: str = SERVICE, *, made: bool = False) -> dict[str, str]:
    """What AWS knows of a request over a resource of `service`."""
    boundary = f"arn:aws:iam:ap-northeast-2:123456789012:Policy/moderation-boundary-{service}"
    return {
        "aws:RequestedRegion": "ap-northeast-2",
        "iam:PermissionsBoundary": f"{boundary}-0123456",
        f"aws:{'Request' if made else 'Resource'}Tag/turnout:service": service,
    }


def refused(
    resources: Sequence[PlannedResource],
    service: str = SERVICE,
    rights: Sequence[Statement] | None = None,
) -> list[str]:
    """The steps in the lives of `resources` that the rights do not allow."""
    if rights is None:
        rights = statements("deploy-prod-ecs")
    return [
        f"{resource.urn}: {step.action} on {arn}"
        for resource in resources
        if resource.type.startswith("aws:")
        for step in LIFE[resource.type]
        for arn in [step.arn.format(**names(resource, service))]
        if not allows(rights, step.action, arn, asked(step, service))
    ]


def asked(step: Step, service: str) -> Mapping[str, str]:
    return {**context(service, made=step.made), **step.says}


def names(resource: PlannedResource, service: str) -> dict[str, str]:
    name = resource.inputs.get("name") or resource.inputs.get("dashboardName")
    return {
        "name": str(name or f"{resource.name}-0123456"),
        "service": service,
        "balancer": naming.logical(f"{service}-alb", naming.LOAD_BALANCER),
        "functions": naming.logical(f"{service}-lambda", naming.TARGET_GROUP),
    }
