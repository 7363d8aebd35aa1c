"""From one tier to another in three ups, without a change of address."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pulumi.automation import OpType
from tests.engine.harness import Outcome, Step, Workbench
from tests.engine.stacks import TIERS, stack

pytestmark = pytest.mark.engine

LISTENING = ("aws:lb/listener:Listener", "aws:lb/listenerRule:ListenerRule")
DESCRIBING = ("aws:cloudwatch/dashboard:Dashboard",)


@dataclass(frozen=True)
class Switch:
    before: Outcome
    both: Outcome
    shifted: Outcome
    after: Outcome
    destroy: Outcome


@pytest.fixture(scope="module", params=[("lambda", "ecs"), ("ec2", "eks")], ids="-to-".join)
def switch(request: pytest.FixtureRequest, engine_bench: Workbench) -> Switch:
    old, new = (TIERS[kind] for kind in request.param)
    deployment = engine_bench.deployment(stack(old))
    before = deployment.up()
    deployment.configure(stack({**old, "weight": 80}, {**new, "weight": 20}))
    both = deployment.up()
    deployment.configure(stack({**old, "weight": 0}, {**new, "weight": 100}))
    shifted = deployment.up()
    deployment.configure(stack(new))
    after = deployment.up()
    return Switch(before, both, shifted, after, deployment.destroy())


def test_every_step_of_a_switch_succeeds(switch: Switch) -> None:
    steps = (switch.before, switch.both, switch.shifted, switch.after, switch.destroy)
    assert [outcome.errors for outcome in steps] == [()] * len(steps)


def test_the_address_stays(switch: Switch) -> None:
    addresses = {o.outputs["url"] for o in (switch.before, switch.both, switch.after)}
    assert len(addresses) == 1


def test_a_new_tier_beside_the_old_one_touches_only_the_listener(switch: Switch) -> None:
    assert _touched(switch.both) == []
    assert _deleted(switch.both) == []


def test_other_weights_touch_only_the_listener(switch: Switch) -> None:
    assert _touched(switch.shifted) == []
    assert {step.op for step in switch.shifted.changing()} == {OpType.UPDATE}


def test_taking_the_old_tier_away_touches_nothing_of_the_new_one(switch: Switch) -> None:
    assert _touched(switch.after) == []
    assert OpType.CREATE not in switch.after.counts


def test_a_tier_that_is_protected_goes_once_it_is_retired(bench: Workbench) -> None:
    eks, ecs = TIERS["eks"], {**TIERS["ecs"], "weight": 100}
    deployment = bench.deployment(stack(eks, environment="prod"))
    assert deployment.up().errors == ()
    deployment.configure(stack({**eks, "weight": 0}, ecs, environment="prod"))
    assert deployment.up().errors == ()
    deployment.configure(stack(TIERS["ecs"], environment="prod"))
    assert any("protect" in error for error in deployment.preview().errors)
    deployment.configure(stack({**eks, "weight": 0, "retire": True}, ecs, environment="prod"))
    retired = deployment.up()
    assert retired.errors == ()
    assert {step.op for step in retired.changing()} == {OpType.UPDATE}
    deployment.configure(stack(TIERS["ecs"], environment="prod"))
    gone = deployment.up()
    assert gone.errors == ()
    assert _touched(gone) == []
    assert "aws:eks/cluster:Cluster" not in deployment.cloud.summary()


def _touched(outcome: Outcome) -> list[Step]:
    """Whatever is neither new nor gone, the listener and what only describes aside."""
    aside = (OpType.CREATE, OpType.DELETE)
    return [
        step
        for step in outcome.changing()
        if step.op not in aside and step.type not in (*LISTENING, *DESCRIBING)
    ]


def _deleted(outcome: Outcome) -> list[str]:
    return [step.urn for step in outcome.steps if step.op is OpType.DELETE]
