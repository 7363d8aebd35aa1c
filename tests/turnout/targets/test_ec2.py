"""The EC2 tier: its template, its group, what its machines may do."""

from typing import Any

import pytest
from tests.turnout.programs import BASELINE, EVERYTHING, plan

from turnout.config.target import Ec2
from turnout.plan import Plan
from turnout.sizing import instance_architecture, instance_memory_gib
from turnout.targets.ec2.instances import alternatives, image_id

GROUP = "aws:autoscaling/group:Group"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


def ec2(*, service: dict[str, Any] | None = None, **tier: Any) -> Plan:
    return plan({**BASELINE, **(service or {})}, target={"kind": "ec2", **tier})


def template(found: Plan) -> dict[str, Any]:
    (one,) = found.of_type(TEMPLATE)
    return dict(one.inputs)


def group(found: Plan) -> dict[str, Any]:
    (one,) = found.of_type(GROUP)
    return dict(one.inputs)


def test_a_machine_asks_for_metadata_with_a_token_and_encrypts_its_disk() -> None:
    made = template(ec2())
    assert made["metadataOptions"]["httpTokens"] == "required"
    (device,) = made["blockDeviceMappings"]
    assert device["ebs"]["encrypted"] == "true"
    assert device["ebs"]["volumeType"] == "gp3"
    assert device["ebs"]["volumeSize"] == 30


def test_the_container_reaches_credentials_only_where_it_must_read_a_secret() -> None:
    assert template(ec2())["metadataOptions"]["httpPutResponseHopLimit"] == 1
    secret = {"api_keys_secret": EVERYTHING["api_keys_secret"]}
    assert template(ec2(service=secret))["metadataOptions"]["httpPutResponseHopLimit"] == 2


def test_machines_start_from_canonicals_newest_image_unless_one_is_named() -> None:
    assert template(ec2())["imageId"] == (
        "resolve:ssm:/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/"
        "ami-id"
    )
    assert "/arm64/" in image_id(Ec2(instance_type="m7g.large"))
    assert template(ec2(ami="ami-0a1b2c3d4e5f60718"))["imageId"] == "ami-0a1b2c3d4e5f60718"


def test_a_bad_change_is_rolled_back_where_the_image_is_named() -> None:
    def back(found: Plan) -> bool:
        return bool(group(found)["instanceRefresh"]["preferences"]["autoRollback"])

    assert not back(ec2())
    assert back(ec2(ami="ami-0a1b2c3d4e5f60718"))


def test_a_new_machine_serves_before_an_old_one_goes() -> None:
    preferences = group(ec2())["instanceRefresh"]["preferences"]
    assert preferences["minHealthyPercentage"] == 100
    assert preferences["maxHealthyPercentage"] > 100


def test_the_load_balancer_says_which_machine_is_healthy() -> None:
    made = group(ec2())
    assert made["healthCheckType"] == "ELB"
    assert len(made["vpcZoneIdentifiers"]) == 2
    assert (made["minSize"], made["maxSize"]) == (2, 10)


def test_a_machine_that_is_to_go_is_held_until_it_has_drained() -> None:
    (hook,) = ec2().of_type("aws:autoscaling/lifecycleHook:LifecycleHook")
    assert hook.inputs["lifecycleTransition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
    assert hook.inputs["defaultResult"] == "CONTINUE"
    assert 30 <= hook.inputs["heartbeatTimeout"] <= 7200
    longest = ec2(service={"deregistration_delay": 3600, "requests": {"timeout": 900}})
    (hook,) = longest.of_type("aws:autoscaling/lifecycleHook:LifecycleHook")
    assert hook.inputs["heartbeatTimeout"] > 3600 + 900


def test_spot_has_several_types_to_choose_from() -> None:
    policy = group(ec2(spot=50))["mixedInstancesPolicy"]
    assert policy["instancesDistribution"]["onDemandPercentageAboveBaseCapacity"] == 50
    assert len(policy["launchTemplate"]["overrides"]) >= 3
    assert group(ec2(spot=50))["capacityRebalance"] is True
    assert "mixedInstancesPolicy" not in group(ec2())


@pytest.mark.parametrize(
    "instance_type", ["t3.large", "c5.xlarge", "m7g.large", "r5.2xlarge", "c7g.large", "t4g.large"]
)
def test_a_type_is_replaced_by_those_that_do_the_same_work(instance_type: str) -> None:
    found = alternatives(instance_type)
    assert found[0] == instance_type
    assert len(found) == len(set(found)) >= 2
    assert {instance_architecture(one) for one in found} == {instance_architecture(instance_type)}
    assert {instance_memory_gib(one) for one in found} == {instance_memory_gib(instance_type)}


@pytest.mark.parametrize("instance_type", ["t3.medium", "x2idn.16xlarge", "m5.metal"])
def test_a_type_without_its_like_stands_alone(instance_type: str) -> None:
    assert alternatives(instance_type) == (instance_type,)


def test_ssh_is_closed_unless_asked_and_open_to_the_named_networks_alone() -> None:
    ingress = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"

    def open_to(found: Plan) -> list[str]:
        rules = [r.inputs for r in found.of_type(ingress) if r.inputs["fromPort"] == 22]
        return sorted(rule.get("cidrIpv4") or rule["cidrIpv6"] for rule in rules)

    assert open_to(ec2()) == []
    ssh = {"cidrs": ["203.0.113.7/32", "2001:db8::/32"], "key_name": "admins"}
    assert open_to(ec2(ssh=ssh)) == ["2001:db8::/32", "203.0.113.7/32"]
    assert template(ec2(ssh=ssh))["keyName"] == "admins"


def test_schedules_change_the_bounds_and_leave_the_number() -> None:
    schedule = {
        "name": "nights",
        "cron": "0 20 * * *",
        "timezone": "Asia/Seoul",
        "min": 0,
        "max": 0,
    }
    found = ec2(service={"scaling": {"schedules": [schedule]}})
    (made,) = found.of_type("aws:autoscaling/schedule:Schedule")
    assert made.inputs["recurrence"] == "0 20 * * *"
    assert made.inputs["timeZone"] == "Asia/Seoul"
    assert (made.inputs["minSize"], made.inputs["maxSize"]) == (0, 0)
    assert made.inputs["desiredCapacity"] == -1
    # The first bounds are the file's; from then on they are the schedules'.
    (machines,) = found.of_type(GROUP)
    assert machines.ignore_changes == ("minSize", "maxSize")
    (machines,) = ec2().of_type(GROUP)
    assert machines.ignore_changes == ()


def test_requests_scale_too_where_asked() -> None:
    found = ec2(service={"scaling": {"requests_per_target": 600}})
    kinds = [
        r.inputs["targetTrackingConfiguration"]["predefinedMetricSpecification"][
            "predefinedMetricType"
        ]
        for r in found.of_type("aws:autoscaling/policy:Policy")
    ]
    assert kinds == ["ASGAverageCPUUtilization", "ALBRequestCountPerTarget"]


def test_up_waits_for_health_only_where_asked() -> None:
    assert group(ec2())["waitForCapacityTimeout"] == "0"
    waiting = group(ec2(service={"wait_until_healthy": True}))
    assert waiting["waitForCapacityTimeout"] == "15m"
    assert waiting["minElbCapacity"] == 2
