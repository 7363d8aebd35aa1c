"""`Service` in other people's programs: providers, regions, transformations, unknowns."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi.automation import OpType
from tests.engine.harness import Workbench, service_program
from tests.engine.stacks import TIERS, stack

pytestmark = pytest.mark.engine

REGIONS = ("ap-northeast-2", "us-east-1")


def two_regions() -> None:
    import pulumi_aws as aws

    from turnout.service import Service, configured

    config = configured()
    for region in REGIONS:
        provider = aws.Provider(region, region=region)
        name = f"{config.name}-{region[:2]}"
        Service(
            name,
            config.model_copy(update={"name": name}),
            pulumi.ResourceOptions(providers=[provider]),
        )


def test_one_program_serves_two_regions_by_providers_of_its_own(bench: Workbench) -> None:
    deployment = bench.deployment(
        {**stack(TIERS["ecs"]), "pulumi:disable-default-providers": ["aws"]}, two_regions
    )
    assert deployment.up().errors == ()
    tasks = deployment.cloud.of("aws:ecs/service:Service")
    assert {task.region for task in tasks} == set(REGIONS)
    zones = {
        subnet.region: subnet.get("availabilityZone")[:-1]
        for subnet in deployment.cloud.of("aws:ec2/subnet:Subnet")
    }
    assert zones == {region: region for region in REGIONS}
    assert deployment.destroy().errors == ()
    # A former revision is there for a rollback to take.
    assert set(deployment.cloud.summary()) == {"aws:ecs/taskDefinition:TaskDefinition"}


def tagged_by_a_transformation() -> None:
    def tag(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if "tags" not in args.props or not args.type_.startswith("aws:"):
            return None
        given: Any = args.props["tags"]
        props = {**args.props, "tags": {**given, "team": "moderation"}}
        return pulumi.ResourceTransformResult(props, args.opts)

    pulumi.runtime.register_resource_transform(tag)
    service_program()


def test_a_transformation_reaches_every_resource(bench: Workbench) -> None:
    preview = bench.deployment(stack(TIERS["ecs"]), tagged_by_a_transformation).preview()
    assert preview.errors == ()
    tagged = [
        step for step in preview.steps if "turnout:service" in (step.inputs.get("tags") or {})
    ]
    assert len(tagged) > 10
    assert [step.urn for step in tagged if step.inputs["tags"].get("team") != "moderation"] == []


def test_what_is_lost_outside_comes_back_with_the_next_up(bench: Workbench) -> None:
    deployment = bench.deployment(stack(TIERS["ecs"]))
    deployment.up()
    (dashboard,) = deployment.cloud.of("aws:cloudwatch/dashboard:Dashboard")
    deployment.cloud.remove(dashboard)
    again = deployment.up(refresh=True)
    assert again.errors == ()
    assert [step.type for step in again.steps if step.op is OpType.CREATE] == [dashboard.token]
    assert deployment.destroy().errors == ()
