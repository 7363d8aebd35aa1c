"""Outside dev, what is costly to lose: no operation takes half of it before it is refused."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi.automation import OpType
from tests.engine.harness import Deployment, Outcome, Workbench
from tests.engine.stacks import TIERS, stack
from tests.engine.standin.cloud import Cloud

pytestmark = pytest.mark.engine

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
GROUP = "aws:lb/targetGroup:TargetGroup"
RULE = "aws:lb/listenerRule:ListenerRule"
# What requests do without, the rule of a tier's header among it: the next `up` makes it again.
SPARE = {
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:cloudwatch/dashboard:Dashboard",
    RULE,
}
DOMAIN = "api.example.com"


class Site:
    """An account that has a zone, and a service under a name of that zone."""

    def __init__(self, bench: Workbench, kind: str) -> None:
        def zone() -> None:
            from pulumi_aws import route53

            pulumi.export("zone", route53.Zone("example", name="example.com").zone_id)

        self.kind = kind
        self.cloud = Cloud()
        region = {"aws:region": "ap-northeast-2"}
        beforehand = bench.deployment(region, zone, stack="zone", cloud=self.cloud)
        self.zone = beforehand.up().outputs["zone"]
        self.deployment = bench.deployment(region, stack="service", cloud=self.cloud)

    def say(self, environment: str, **service: Any) -> Deployment:
        """The stack, with another stack file."""
        said = stack(
            TIERS[self.kind],
            environment=environment,
            certificate={"domain": DOMAIN, "zone": self.zone},
            **service,
        )
        del said["turnout:service"]["plain_http"]
        self.deployment.configure(said)
        return self.deployment


def inventory(deployment: Deployment) -> set[tuple[str, str, str]]:
    """Everything that exists in the account."""
    return set(deployment.cloud.records)


def refused(outcome: Outcome, token: str) -> bool:
    return any(f"{token}::" in error and "protect" in error for error in outcome.errors)


def test_destroy_is_refused_before_anything_is_gone(bench: Workbench) -> None:
    site = Site(bench, "ecs")
    deployment = site.say("prod")
    assert deployment.up().errors == ()
    before = inventory(deployment)
    outcome = deployment.destroy(preview_only=True)
    assert refused(outcome, RULE)
    assert inventory(deployment) == before


@pytest.mark.parametrize("kind", TIERS)
def test_a_destroy_without_its_preview_leaves_all_that_serves(kind: str, bench: Workbench) -> None:
    site = Site(bench, kind)
    deployment = site.say("prod")
    assert deployment.up().errors == ()
    before = inventory(deployment)
    assert not deployment.destroy().ok
    assert {token for token, *_ in before - inventory(deployment)} <= SPARE


def test_a_stack_is_taken_down_by_way_of_dev(bench: Workbench) -> None:
    site = Site(bench, "lambda")
    assert site.say("prod").up().errors == ()
    assert site.say("dev").up().errors == ()
    assert site.deployment.destroy().errors == ()
    assert set(site.cloud.summary()) == {"aws:route53/zone:Zone", "aws:route53/record:Record"}


MOVES: dict[str, dict[str, Any]] = {
    "another access": {"access": "internet"},
    "another block": {"network": {"create": {"zones": 2, "cidr": "10.99.0.0/16"}}},
}


@pytest.mark.parametrize("move", MOVES)
def test_a_change_that_makes_the_balancer_anew_is_refused_whole(
    move: str, bench: Workbench
) -> None:
    site = Site(bench, "ecs")
    deployment = site.say("prod")
    assert deployment.up().errors == ()
    before = inventory(deployment)
    outcome = site.say("prod", **MOVES[move]).preview()
    assert refused(outcome, BALANCER)
    assert inventory(deployment) == before


@pytest.mark.parametrize("kind", TIERS)
def test_in_dev_a_service_moves_to_the_internet_and_back(kind: str, bench: Workbench) -> None:
    site = Site(bench, kind)
    assert site.say("dev").up().errors == ()
    outward = site.say("dev", access="internet").up()
    assert outward.errors == ()
    replaced = {step.type for step in outward.steps if step.op is OpType.REPLACE}
    assert {BALANCER, GROUP} <= replaced
    assert site.say("dev").up().errors == ()
    assert site.deployment.destroy().errors == ()
