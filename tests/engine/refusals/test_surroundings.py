"""What the stand-in for AWS refuses because of what else exists, or does not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engine.account import Account, altered, trust
from tests.engine.refusals.world import World, good_inputs
from tests.engine.standin.aws import (
    balancing,
    clusters,
    containers,
    firewall,
    functions,
    identity,
    machines,
    naming,
    network,
    observability,
    storage,
)
from tests.engine.standin.cloud import RefusedError

GONE = "0123456789abcdef0"
GONE_ROLE = "arn:aws:iam::123456789012:role/gone"

DANGLING: dict[str, tuple[str, dict[str, Any]]] = {
    "a subnet's VPC": (network.SUBNET, {"vpcId": f"vpc-{GONE}"}),
    "a balancer's subnet": (balancing.BALANCER, {"subnets.0": f"subnet-{GONE}"}),
    "a balancer's group": (balancing.BALANCER, {"securityGroups.0": f"sg-{GONE}"}),
    "a rule's group": (network.INGRESS, {"securityGroupId": f"sg-{GONE}"}),
    "a NAT gateway's address": (network.NAT, {"allocationId": f"eipalloc-{GONE}"}),
    "a group's template": (machines.SCALING_GROUP, {"launchTemplate.id": f"lt-{GONE}"}),
    "a task's role": (containers.TASK, {"taskRoleArn": GONE_ROLE}),
    "a function's role": (functions.FUNCTION, {"role": GONE_ROLE}),
    "an alarm's topic": (
        observability.ALARM, {"alarmActions": ["arn:aws:sns:ap-northeast-2:123456789012:gone"]}),
    "a policy's role": (identity.ROLE_POLICY, {"role": "gone"}),
    "a service's cluster": (containers.SERVICE, {"cluster": "gone"}),
    "an add-on's cluster": (clusters.ADDON, {"clusterName": "gone"}),
    "a bucket policy's bucket": ("aws:s3/bucketPolicy:BucketPolicy", {
        "bucket": "gone", "policy": '{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject",'
        ' "Principal": "*", "Resource": "arn:aws:s3:::gone/*"}]}'}),
}  # fmt: skip


@pytest.mark.parametrize("case", DANGLING)
def test_a_reference_to_nothing_is_refused(case: str, world: World) -> None:
    token, changes = DANGLING[case]
    with pytest.raises(RefusedError, match=r"does not exist|is named"):
        world.create(token, **altered(good_inputs(token, world), changes))


@pytest.mark.parametrize(
    "token",
    [
        balancing.BALANCER, balancing.GROUP, identity.ROLE, functions.FUNCTION,
        observability.LOG_GROUP, observability.ALARM, storage.BUCKET, storage.REPOSITORY,
        clusters.CLUSTER,
    ],
)  # fmt: skip
def test_a_name_is_given_once(token: str, world: World) -> None:
    inputs = good_inputs(token, world)
    world.create(token, **inputs)
    with pytest.raises(RefusedError, match="already exists"):
        world.create(token, **inputs)


def test_the_same_rule_twice_is_refused(world: World) -> None:
    inputs = good_inputs(network.INGRESS, world)
    world.create(network.INGRESS, **inputs)
    with pytest.raises(RefusedError, match="Duplicate"):
        world.create(network.INGRESS, **inputs)


def test_a_port_of_a_balancer_has_one_listener(world: World) -> None:
    inputs = altered(good_inputs(balancing.LISTENER, world), {"port": 80})
    with pytest.raises(RefusedError, match="DuplicateListener"):
        world.create(balancing.LISTENER, **inputs)


def test_a_balancer_takes_one_subnet_of_a_zone(world: World) -> None:
    twin = world.create(
        network.SUBNET,
        vpcId=world.vpc,
        cidrBlock="10.0.8.0/24",
        availabilityZone="ap-northeast-2a",
    )
    inputs = altered(good_inputs(balancing.BALANCER, world), {"subnets.1": twin["id"]})
    with pytest.raises(RefusedError, match="one subnet a zone"):
        world.create(balancing.BALANCER, **inputs)


def test_a_public_balancer_needs_an_internet_gateway() -> None:
    account = Account()
    vpc = account.create(network.VPC, cidrBlock="10.0.0.0/16")["id"]
    subnets = [
        account.create(network.SUBNET, vpcId=vpc, cidrBlock=block, availabilityZone=zone)["id"]
        for block, zone in (
            ("10.0.0.0/24", "ap-northeast-2a"),
            ("10.0.1.0/24", "ap-northeast-2b"),
        )
    ]
    with pytest.raises(RefusedError, match="has no internet gateway"):
        account.create(balancing.BALANCER, subnets=subnets)


def test_a_target_group_serves_one_balancer(world: World) -> None:
    other = world.create(balancing.BALANCER, **good_inputs(balancing.BALANCER, world))
    inputs = altered(good_inputs(balancing.LISTENER, world), {"loadBalancerArn": other["arn"]})
    with pytest.raises(RefusedError, match="serve another load balancer"):
        world.create(balancing.LISTENER, **inputs)


def test_a_service_needs_its_target_group_behind_a_balancer(world: World) -> None:
    loose = world.create(balancing.GROUP, **good_inputs(balancing.GROUP, world))
    inputs = altered(
        good_inputs(containers.SERVICE, world), {"loadBalancers.0.targetGroupArn": loose["arn"]}
    )
    with pytest.raises(RefusedError, match="does not have an associated load balancer"):
        world.create(containers.SERVICE, **inputs)


def test_a_function_without_permission_cannot_be_a_target(world: World) -> None:
    function = world.create(functions.FUNCTION, **good_inputs(functions.FUNCTION, world))
    with pytest.raises(RefusedError, match="does not have permission to invoke"):
        world.create(
            balancing.ATTACHMENT, targetGroupArn=world.lambda_group, targetId=function["arn"]
        )


@pytest.mark.parametrize(
    ("token", "path"),
    [
        (functions.FUNCTION, "role"),
        (containers.TASK, "executionRoleArn"),
        (clusters.CLUSTER, "roleArn"),
        (clusters.IDENTITY, "roleArn"),
    ],
)
def test_a_role_must_trust_the_service_that_takes_it(token: str, path: str, world: World) -> None:
    stranger = world.create(
        identity.ROLE, name="stranger", assumeRolePolicy=trust("rds.amazonaws.com")
    )
    inputs = altered(good_inputs(token, world), {path: stranger["arn"]})
    with pytest.raises(RefusedError, match="cannot be assumed by"):
        world.create(token, **inputs)


def test_a_key_must_let_the_logs_use_it(world: World) -> None:
    key = world.create(identity.KEY, **good_inputs(identity.KEY, world))
    with pytest.raises(RefusedError, match="does not allow logs"):
        world.create(observability.LOG_GROUP, name="/secret", kmsKeyId=key["arn"])


def test_a_key_must_let_alarms_publish(world: World) -> None:
    key = world.create(identity.KEY, **good_inputs(identity.KEY, world))
    with pytest.raises(RefusedError, match=r"does not allow cloudwatch\.amazonaws\.com"):
        world.create(observability.TOPIC, kmsMasterKeyId=key["id"])


def test_a_certificate_without_records_is_never_issued(world: World) -> None:
    certificate = world.create(naming.CERTIFICATE, **good_inputs(naming.CERTIFICATE, world))
    with pytest.raises(RefusedError, match="waiting for ISSUED"):
        world.create(naming.VALIDATION, certificateArn=certificate["arn"])


def test_a_listener_takes_no_certificate_that_is_not_issued(world: World) -> None:
    certificate = world.create(naming.CERTIFICATE, **good_inputs(naming.CERTIFICATE, world))
    changes = {"protocol": "HTTPS", "certificateArn": certificate["arn"]}
    inputs = altered(good_inputs(balancing.LISTENER, world), changes)
    with pytest.raises(RefusedError, match="PENDING_VALIDATION"):
        world.create(balancing.LISTENER, **inputs)


def test_a_cluster_needs_two_zones(world: World) -> None:
    inputs = altered(
        good_inputs(clusters.CLUSTER, world), {"vpcConfig.subnetIds": [world.subnets[0]]}
    )
    with pytest.raises(RefusedError, match="two different AZs"):
        world.create(clusters.CLUSTER, **inputs)


def test_an_access_policy_needs_an_access_entry(world: World) -> None:
    inputs = altered(
        good_inputs(clusters.ASSOCIATION, world), {"principalArn": world.roles["task"]}
    )
    with pytest.raises(RefusedError, match="has no access entry"):
        world.create(clusters.ASSOCIATION, **inputs)


def test_a_resource_has_one_firewall(world: World) -> None:
    acl = world.create(firewall.ACL, **good_inputs(firewall.ACL, world))
    world.create(firewall.ASSOCIATION, webAclArn=acl["arn"], resourceArn=world.balancer)
    other = world.create(firewall.ACL, **good_inputs(firewall.ACL, world) | {"name": "other"})
    with pytest.raises(RefusedError, match="has a web ACL"):
        world.create(firewall.ASSOCIATION, webAclArn=other["arn"], resourceArn=world.balancer)


def test_a_type_that_the_stand_in_does_not_know_is_refused(world: World) -> None:
    with pytest.raises(RefusedError, match="knows no aws:rds/instance:Instance"):
        world.create("aws:rds/instance:Instance", instanceClass="db.t3.micro")


def test_a_look_up_that_the_stand_in_does_not_know_is_refused(world: World) -> None:
    with pytest.raises(RefusedError, match="knows no aws:rds"):
        world.account.look_up("aws:rds/getInstance:getInstance")


def test_a_vpc_that_does_not_exist_cannot_be_looked_up(world: World) -> None:
    with pytest.raises(RefusedError, match="no matching"):
        world.account.look_up("aws:ec2/getVpc:getVpc", id=f"vpc-{GONE}")


def test_a_vpc_in_use_is_not_deleted(world: World) -> None:
    with pytest.raises(RefusedError, match="still in use"):
        world.account.delete(network.VPC, world.vpc)


def test_a_group_in_use_is_not_deleted(world: World) -> None:
    with pytest.raises(RefusedError, match="still in use by LoadBalancer"):
        world.account.delete(network.GROUP, world.group)


def test_a_target_group_in_use_is_not_deleted(world: World) -> None:
    with pytest.raises(RefusedError, match="still in use by Listener"):
        world.account.delete(balancing.GROUP, world.target_group)


def test_a_role_with_policies_is_not_deleted(world: World) -> None:
    world.create(identity.ROLE_POLICY, **good_inputs(identity.ROLE_POLICY, world))
    with pytest.raises(RefusedError, match="still in use by RolePolicy"):
        world.account.delete(identity.ROLE, "task")


def test_a_cluster_with_services_is_not_deleted(world: World) -> None:
    service = world.create(containers.SERVICE, **good_inputs(containers.SERVICE, world))
    with pytest.raises(RefusedError, match="still in use by Service"):
        world.account.delete(containers.CLUSTER, service["cluster"])


def test_a_bucket_with_objects_is_not_deleted(world: World) -> None:
    world.create(storage.BUCKET, bucket="kept")
    world.create(storage.OBJECT, bucket="kept", key="turnout.json")
    with pytest.raises(RefusedError, match="BucketNotEmpty"):
        world.account.delete(storage.BUCKET, "kept")


def test_a_protected_balancer_is_not_deleted(world: World) -> None:
    inputs = good_inputs(balancing.BALANCER, world) | {"enableDeletionProtection": True}
    made = world.create(balancing.BALANCER, **inputs)
    with pytest.raises(RefusedError, match="deletion protection"):
        world.account.delete(balancing.BALANCER, made["id"])
