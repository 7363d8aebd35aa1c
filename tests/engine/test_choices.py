"""What a stack file can ask for beside the tier, deployed and taken down whole."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from tests.engine.harness import Workbench
from tests.engine.stacks import TIERS, stack
from tests.engine.standin.aws.package import KINDS
from tests.engine.standin.cloud import Cloud

pytestmark = pytest.mark.engine

SCHEDULES = [
    {"name": "nights", "cron": "0 20 * * *", "timezone": "Asia/Seoul", "min": 1, "max": 2},
    {"name": "days", "cron": "0 8 * * *", "timezone": "Asia/Seoul", "min": 2, "max": 10},
]
CHOICES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ecs on spot, by requests and by the clock": (
        {"kind": "ecs", "spot": 50, "cpu": 1024, "memory": 2048},
        {"scaling": {"min": 1, "max": 6, "requests_per_target": 300, "schedules": SCHEDULES}},
    ),
    "ec2 on spot, with ssh and a schedule": (
        {
            **TIERS["ec2"],
            "spot": 50,
            "max_age": 30,
            "ssh": {"cidrs": ["10.0.0.0/8"], "key_name": "admin"},
        },
        {"scaling": {"min": 1, "max": 4, "schedules": SCHEDULES}},
    ),
    "lambda by its own url, kept warm": (
        {
            "kind": "lambda",
            "front": "function_url",
            "reserved_concurrency": 20,
            "provisioned_concurrency": 2,
        },
        {"plain_http": None, "firewall": None, "access": None},
    ),
    "no way to the internet at all": (
        {"kind": "ecs", "architecture": "arm64"},
        {"network": {"create": {"zones": 3, "nat": "none"}}, "logs": {"retention": 14}},
    ),
    "an image that the stack builds": ({"kind": "ecs"}, {"image": {"build": True}}),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_a_choice_is_deployed_and_taken_down(choice: str, bench: Workbench) -> None:
    tier, service = CHOICES[choice]
    config = stack(tier, **service)
    config["turnout:service"] = {
        key: value for key, value in config["turnout:service"].items() if value is not None
    }
    deployment = bench.deployment(config)
    assert deployment.up().errors == ()
    assert deployment.destroy().errors == ()
    left = {token for token in deployment.cloud.summary() if KINDS[token]}
    assert left <= {"aws:ecs/taskDefinition:TaskDefinition"}


BOUNDS = {
    "ecs": ("aws:appautoscaling/target:Target", "minCapacity", "maxCapacity"),
    "ec2": ("aws:autoscaling/group:Group", "minSize", "maxSize"),
}


@pytest.mark.parametrize("kind", BOUNDS)
def test_the_bounds_that_a_schedule_has_set_are_no_drift(kind: str, bench: Workbench) -> None:
    scaling = {"min": 2, "max": 4, "schedules": SCHEDULES}
    deployment = bench.deployment(stack(TIERS[kind], scaling=scaling))
    assert deployment.up().errors == ()
    token, least, most = BOUNDS[kind]
    (bounded,) = deployment.cloud.of(token)
    evening = {least: 1, most: 2}
    bounded.inputs.update(evening)
    bounded.outputs.update(evening)
    # What the drift job asks.
    assert deployment.refresh(preview_only=True, expect_no_changes=True).errors == ()
    assert deployment.up(refresh=True, expect_no_changes=True).errors == ()
    assert {name: bounded.inputs[name] for name in evening} == evening


def test_no_subnet_is_made_in_a_zone_where_eks_cannot_be(bench: Workbench) -> None:
    config = stack(TIERS["lambda"], network={"create": {"zones": 3}})
    config["aws:region"] = "us-east-1"
    said = config["turnout:service"]
    said["image"] = said["image"].replace("ap-northeast-2", "us-east-1")
    deployment = bench.deployment(config)
    assert deployment.up().errors == ()
    zones = {s.outputs["availabilityZoneId"] for s in deployment.cloud.of("aws:ec2/subnet:Subnet")}
    assert zones == {"use1-az1", "use1-az2", "use1-az4"}


def test_a_domain_brings_a_certificate_and_an_address(bench: Workbench) -> None:
    cloud = Cloud()

    def zone() -> None:
        from pulumi_aws import route53

        pulumi.export("zone", route53.Zone("example", name="example.com").zone_id)

    region = {"aws:region": "ap-northeast-2"}
    beforehand = bench.deployment(region, zone, stack="zone", cloud=cloud)
    given = beforehand.up().outputs["zone"]
    config = stack(
        TIERS["ecs"],
        access="internet",
        certificate={"domain": "api.example.com", "zone": given},
        network={"create": {"zones": 3, "nat": "per_zone"}},
        firewall={"body_rules": "block"},
    )
    del config["turnout:service"]["plain_http"]
    deployment = bench.deployment(config, stack="service", cloud=cloud)
    up = deployment.up()
    assert up.errors == ()
    assert up.outputs["url"] == "https://api.example.com"
    assert deployment.destroy().errors == ()
    # The proof of the domain stays: another stack of the domain renews its certificate by it.
    assert cloud.summary() == {
        "aws:route53/zone:Zone": 1,
        "aws:route53/record:Record": 1,
        "aws:ecs/taskDefinition:TaskDefinition": 1,
    }


def test_a_network_that_exists_is_used_and_left_alone(bench: Workbench) -> None:
    cloud = Cloud()

    def network() -> None:
        from pulumi_aws import ec2

        vpc = ec2.Vpc("given", cidr_block="10.7.0.0/16")
        block = ec2.VpcIpv4CidrBlockAssociation("given", vpc_id=vpc.id, cidr_block="100.64.0.0/16")
        subnets = [
            ec2.Subnet(
                f"given-{zone}",
                vpc_id=vpc.id,
                cidr_block=f"100.64.{number}.0/24",
                availability_zone=f"ap-northeast-2{zone}",
                map_public_ip_on_launch=False,
                opts=pulumi.ResourceOptions(depends_on=[block]),
            )
            for number, zone in enumerate("ab")
        ]
        pulumi.export("vpc", vpc.id)
        pulumi.export("subnets", [subnet.id for subnet in subnets])

    region = {"aws:region": "ap-northeast-2"}
    given = bench.deployment(region, network, stack="network", cloud=cloud).up().outputs
    before = dict(cloud.summary())
    existing = {"existing": {"vpc": given["vpc"], "subnets": given["subnets"]}}
    deployment = bench.deployment(
        stack(TIERS["lambda"], network=existing), stack="service", cloud=cloud
    )
    assert deployment.up().errors == ()
    admitted = cloud.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    blocks = {rule.inputs["cidrIpv4"] for rule in admitted if rule.inputs["fromPort"] == 80}
    assert blocks == {"10.7.0.0/16", "100.64.0.0/16"}
    assert deployment.destroy().errors == ()
    assert cloud.summary() == before
