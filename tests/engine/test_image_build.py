"""`image: {build: true}` under the real engine: what is asked of the builder, and when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from pulumi.automation import OpType
from tests.engine.harness import Outcome, Workbench
from tests.engine.stacks import TIERS, stack

pytestmark = pytest.mark.engine

IMAGE = "docker-build:index:Image"
FUNCTION = "aws:lambda/function:Function"


@dataclass(frozen=True)
class Built:
    """The first `up`, one right after it, and what is then in the state."""

    up: Outcome
    second: Outcome
    images: list[dict[str, Any]]


@pytest.fixture(scope="module")
def built(engine_bench: Workbench) -> Built:
    deployment = engine_bench.deployment(stack(TIERS["lambda"], image={"build": True}, model=None))
    up, second = deployment.up(), deployment.up()
    (written,) = (deployment.folder / "state" / ".pulumi" / "stacks").rglob("test.json")
    state = json.loads(written.read_text())["checkpoint"]["latest"]
    return Built(up, second, [r for r in state["resources"] if r["type"] == IMAGE])


def inputs(outcome: Outcome, token: str) -> dict[str, Any]:
    (step,) = outcome.of(token)
    return dict(step.inputs)


def test_the_function_runs_the_digest_that_was_pushed(built: Built) -> None:
    assert built.up.errors == ()
    repository, _, digest = inputs(built.up, FUNCTION)["imageUri"].partition("@")
    assert ".dkr.ecr." in repository
    assert digest.startswith("sha256:")


def test_one_image_of_one_platform_is_pushed_by_digest(built: Built) -> None:
    image = inputs(built.up, IMAGE)
    assert image["platforms"] == ["linux/amd64"]
    (export,) = image["exports"]
    assert export["registry"]["pushByDigest"] is True
    assert "tags" not in image
    assert image["buildOnPreview"] is False


def test_paths_are_the_same_on_every_machine(built: Built) -> None:
    image = inputs(built.up, IMAGE)
    assert image["context"] == {"location": ".."}
    assert image["dockerfile"] == {"location": "../inference/Dockerfile"}


def test_a_second_up_builds_nothing(built: Built) -> None:
    assert built.second.errors == ()
    assert [step for step in built.second.changing() if step.op is not OpType.REFRESH] == []


def test_the_login_is_encrypted_in_the_state(built: Built) -> None:
    (image,) = built.images
    for place in ("inputs", "outputs"):
        assert "ciphertext" in image[place]["registries"], place


def test_tiers_of_two_architectures_get_an_image_each(bench: Workbench) -> None:
    graviton = {"kind": "ecs", "weight": 50, "architecture": "arm64"}
    both = bench.deployment(
        stack({"kind": "lambda", "weight": 50}, graviton, image={"build": True}, model=None)
    )
    outcome = both.up()
    assert outcome.errors == ()
    platforms = sorted(step.inputs["platforms"][0] for step in outcome.of(IMAGE))
    assert platforms == ["linux/amd64", "linux/arm64"]
