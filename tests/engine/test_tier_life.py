"""Each tier under the real engine, from its first preview to its end."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest
from pulumi.automation import OpType
from tests.engine.harness import Outcome, Workbench
from tests.engine.stacks import IMAGE, TIERS, stack
from tests.engine.standin.cloud import Cloud

pytestmark = pytest.mark.engine

PREVIEW_SECONDS = 15
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


@dataclass(frozen=True)
class Life:
    """What each operation did, in the order in which they ran."""

    preview: Outcome
    preview_seconds: float
    """CPU time, the import of the SDKs included."""
    up: Outcome
    second: Outcome
    slower: Outcome
    """The same stack, with another bound for the response time."""
    release: Outcome
    """A preview of the same stack, with another image."""
    destroy: Outcome
    cloud: Cloud


@pytest.fixture(scope="module", params=TIERS)
def life(request: pytest.FixtureRequest, engine_bench: Workbench) -> Life:
    tier = TIERS[request.param]
    deployment = engine_bench.deployment(stack(tier))
    started = _cpu_seconds()
    preview = deployment.preview()
    preview_seconds = _cpu_seconds() - started
    up = deployment.up()
    second = deployment.up(refresh=True)
    alarms = {"notify": ["ops@example.com"], "response_time": 3}
    deployment.configure(stack(tier, alarms=alarms))
    slower = deployment.up()
    deployment.configure(stack(tier, alarms=alarms, image=IMAGE.replace("ab", "ba")))
    release = deployment.preview()
    destroy = deployment.destroy()
    return Life(preview, preview_seconds, up, second, slower, release, destroy, deployment.cloud)


def test_a_preview_foresees_every_resource(life: Life) -> None:
    assert life.preview.errors == ()
    assert {step.urn for step in life.preview.steps} == {step.urn for step in life.up.steps}


def _cpu_seconds() -> float:
    """Of this process and of the engines that it has run: other work must not count."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def test_everything_of_a_service_is_a_child_of_it(life: Life) -> None:
    urns = [step.urn for step in life.preview.steps if not step.type.startswith("pulumi:")]
    assert [urn for urn in urns if "turnout:index:Service" not in urn] == []


def test_a_preview_is_quick(life: Life) -> None:
    assert life.preview_seconds < PREVIEW_SECONDS


def test_up_creates_everything_at_the_first_attempt(life: Life) -> None:
    assert life.up.errors == ()
    assert set(life.up.counts) == {OpType.CREATE}


def test_a_second_up_after_a_refresh_changes_nothing(life: Life) -> None:
    assert life.second.errors == ()
    assert [step for step in life.second.changing() if step.op is not OpType.REFRESH] == []


def test_another_bound_changes_the_alarms_of_that_signal_and_the_dashboard(life: Life) -> None:
    assert life.slower.errors == ()
    changed = {(step.op, step.type) for step in life.slower.changing()}
    assert (OpType.UPDATE, ALARM) in changed
    assert changed <= {
        (OpType.UPDATE, ALARM),
        (OpType.UPDATE, "aws:cloudwatch/dashboard:Dashboard"),
    }
    assert all("response" in step.name for step in life.slower.changing() if step.type == ALARM)


RELEASED = {
    "aws:lambda/function:Function", "aws:lambda/alias:Alias",
    "aws:ec2/launchTemplate:LaunchTemplate", "aws:autoscaling/group:Group",
    "aws:ecs/taskDefinition:TaskDefinition", "aws:ecs/service:Service",
    "kubernetes:apps/v1:Deployment",
}  # fmt: skip


def test_another_image_rolls_the_copies_and_touches_nothing_else(life: Life) -> None:
    assert life.release.errors == ()
    rolled = {step.type for step in life.release.changing()}
    assert rolled
    assert rolled <= RELEASED
    deleted = {step.type for step in life.release.steps if "delete" in step.op.value}
    assert deleted <= {"aws:ecs/taskDefinition:TaskDefinition"}


def test_destroy_leaves_nothing_but_the_revisions_that_ecs_may_roll_back_to(life: Life) -> None:
    assert life.destroy.errors == ()
    assert set(life.cloud.summary()) <= {"aws:ecs/taskDefinition:TaskDefinition"}


def test_the_outputs_are_told_under_the_same_names_on_every_tier(life: Life) -> None:
    assert {
        "url", "targetGroups", "logGroups", "dashboardUrl", "alarmNames", "topicArn",
    } <= set(life.up.outputs)  # fmt: skip
