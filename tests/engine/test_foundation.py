"""The foundation under the real engine, from its first preview to its end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from pulumi.automation import OpType
from tests.engine.harness import ROOT, Outcome, Workbench
from tests.engine.standin.cloud import Cloud

pytestmark = pytest.mark.engine

STACK_FILE = ROOT / "stacks" / "Pulumi.foundation.yaml"


def config(**changes: Any) -> dict[str, Any]:
    """The config of the repository's own stack file, with changes to the foundation."""
    whole: dict[str, Any] = yaml.safe_load(STACK_FILE.read_text())["config"]
    whole["turnout:foundation"] |= changes
    return whole


@dataclass(frozen=True)
class Life:
    """What each operation did, in the order in which they ran."""

    preview: Outcome
    up: Outcome
    second: Outcome
    larger: Outcome
    """The same foundation with one more environment."""
    destroy: Outcome
    cloud: Cloud


@pytest.fixture(scope="module")
def life(engine_bench: Workbench) -> Life:
    foundation = engine_bench.deployment(config(keep=False), stack="foundation")
    preview, up, second = foundation.preview(), foundation.up(), foundation.up(refresh=True)
    github = config()["turnout:foundation"]["github"]
    more = {**github, "environments": {**github["environments"], "demo": []}}
    foundation.configure(config(keep=False, github=more))
    larger, destroy = foundation.up(), foundation.destroy()
    return Life(preview, up, second, larger, destroy, foundation.cloud)


def test_it_comes_up_at_the_first_attempt_as_the_preview_said(life: Life) -> None:
    assert life.preview.errors == ()
    assert life.up.errors == ()
    assert {step.urn for step in life.preview.steps} == {step.urn for step in life.up.steps}
    assert set(life.up.counts) == {OpType.CREATE}


def test_a_second_up_after_a_refresh_changes_nothing(life: Life) -> None:
    assert life.second.errors == ()
    assert [step for step in life.second.changing() if step.op is not OpType.REFRESH] == []


def test_one_environment_more_adds_its_role_and_touches_nothing_else(life: Life) -> None:
    assert life.larger.errors == ()
    changed = [step for step in life.larger.changing() if not step.type.startswith("pulumi:")]
    assert {step.op for step in changed} == {OpType.CREATE}
    assert all("deploy-demo" in step.name for step in changed)


def test_destroy_leaves_nothing(life: Life) -> None:
    assert life.destroy.errors == ()
    assert life.cloud.records == {}


def test_its_outputs_are_what_workflows_are_told(life: Life) -> None:
    outputs = life.up.outputs
    assert outputs["publishRoleArn"].startswith("arn:aws:iam::")
    assert set(outputs["deployRoleArns"]) == {"staging-ec2", "prod-ecs", "prod-eks"}
    assert ".dkr.ecr." in outputs["repositoryUrl"]
    boundaries = outputs["permissionsBoundaries"]
    assert set(boundaries) == set(config()["turnout:foundation"]["services"])
    assert all(arn.startswith("arn:aws:iam::") for arn in boundaries.values())


def test_what_holds_images_and_models_is_not_destroyed_unasked(bench: Workbench) -> None:
    kept = bench.deployment(config(), stack="foundation")
    assert kept.up().errors == ()
    outcome = kept.destroy()
    assert not outcome.ok
    assert any("protected" in error for error in outcome.errors)


def test_a_wrong_foundation_ends_before_anything_is_made(bench: Workbench) -> None:
    wrong = bench.deployment(config(services=["moderation"]), stack="foundation")
    outcome = wrong.preview()
    text = json.dumps(outcome.errors)
    assert "turnout:foundation.services" in text
    assert "Traceback" not in text
