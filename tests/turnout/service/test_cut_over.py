"""From one tier to another: what an `up` would touch at each step, and in which order."""

from collections.abc import Mapping
from typing import Any, Final

import pytest
from tests.turnout.programs import BASELINE, plan

from turnout.plan import Plan, PlannedResource

KINDS: Final = ("ec2", "ecs", "eks", "lambda")
SPLIT: Final = "aws:lb/listenerRule:ListenerRule"
# What is about the whole service: who gets which share, and what is drawn.
OF_THE_SERVICE: Final = {SPLIT, "aws:cloudwatch/dashboard:Dashboard"}


def by_urn(found: Plan) -> Mapping[str, PlannedResource]:
    return {resource.urn: resource for resource in found.resources}


def step(before: Plan, after: Plan) -> tuple[set[str], set[str], set[str]]:
    """URNs that come, go, and change."""
    old, new = by_urn(before), by_urn(after)
    both = set(old) & set(new)
    changed = {urn for urn in both if old[urn].inputs != new[urn].inputs}
    return set(new) - set(old), set(old) - set(new), changed


def targets(**weights: int) -> list[dict[str, Any]]:
    return [{"kind": kind, "weight": weight} for kind, weight in weights.items()]


def only_of_the_service(urns: set[str]) -> bool:
    """Whether all are the split of the requests or the dashboard, and none is a tier's."""
    types = {urn.split("::")[2].rpartition("$")[2] for urn in urns}
    return types <= OF_THE_SERVICE and not any("turnout:targets:" in urn for urn in urns)


@pytest.mark.parametrize(
    ("old", "new"), [("lambda", "ecs"), ("ecs", "eks"), ("ec2", "lambda"), ("eks", "ec2")]
)
def test_a_move_in_three_steps_touches_no_survivor(old: str, new: str) -> None:
    alone = plan(BASELINE, target=old)
    warm = plan(BASELINE, targets=targets(**{old: 100, new: 0}))
    moved = plan(BASELINE, targets=targets(**{old: 0, new: 100}))
    done = plan(BASELINE, target=new)

    come, gone, changed = step(alone, warm)
    assert come
    assert not gone
    assert only_of_the_service(changed)

    come, gone, changed = step(warm, moved)
    assert not come
    assert not gone
    assert {urn.split("::")[2].rpartition("$")[2] for urn in changed} == {SPLIT}

    come, gone, changed = step(moved, done)
    assert not come
    assert gone
    assert only_of_the_service(changed)
    assert not any(f"-{new}" in urn.rpartition("::")[2] for urn in gone)


def test_the_address_outlives_a_switch() -> None:
    old, new = by_urn(plan(BASELINE, target="lambda")), by_urn(plan(BASELINE, target="ecs"))
    for part in ("Network", "FrontDoor", "Firewall", "Notifications"):
        of_part = {urn for urn in old if f"turnout:parts:{part}" in urn}
        assert of_part
        for urn in of_part:
            assert old[urn].inputs == new[urn].inputs


def split_of(found: Plan) -> PlannedResource:
    (rule,) = [r for r in found.of_type(SPLIT) if r.name == "hate-speech-api"]
    return rule


def test_requests_are_split_by_weight() -> None:
    rule = split_of(plan(BASELINE, targets=targets(**{"lambda": 80, "ecs": 20})))
    (action,) = rule.inputs["actions"]
    assert [group["weight"] for group in action["forward"]["targetGroups"]] == [80, 20]
    assert rule.inputs["conditions"] == [{"pathPattern": {"values": ["/*"]}}]


# What a tier is up with: no request may be sent to it before.
READY: Final = {
    "ec2": "aws:autoscaling/group:Group",
    "ecs": "aws:ecs/service:Service",
    "eks": "kubernetes:",
    "lambda": "aws:lb/targetGroupAttachment:TargetGroupAttachment",
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_request_is_sent_to_a_tier_before_it_is_up(kind: str) -> None:
    rule = split_of(plan(BASELINE, target=kind))
    assert any(READY[kind] in urn for urn in rule.depends_on)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tier_can_be_tried_by_name_before_it_has_a_share(kind: str) -> None:
    found = plan(BASELINE, target=kind)
    (rule,) = [r for r in found.of_type(SPLIT) if r.name == f"hate-speech-api-{kind}"]
    (condition,) = rule.inputs["conditions"]
    assert condition["httpHeader"] == {"httpHeaderName": "x-turnout-target", "values": [kind]}
    assert rule.inputs["priority"] < split_of(found).inputs["priority"]


def test_ecs_starts_only_once_its_target_group_is_known_to_the_load_balancer() -> None:
    (service,) = plan(BASELINE, target="ecs").of_type("aws:ecs/service:Service")
    assert any(SPLIT in urn and "TierTargetGroup" in urn for urn in service.depends_on)


def test_a_request_that_finds_no_tier_is_answered_with_503() -> None:
    (listener,) = [
        r
        for r in plan(BASELINE, target="ecs").of_type("aws:lb/listener:Listener")
        if r.inputs["port"] == 443
    ]
    (action,) = listener.inputs["defaultActions"]
    assert action["type"] == "fixed-response"
    assert action["fixedResponse"]["statusCode"] == "503"
