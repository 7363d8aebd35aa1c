"""The network: made, or found and checked."""

import json
from collections import Counter
from typing import Any

import pytest
from tests.turnout.programs import BASELINE, make, plan, tier_plan

from turnout.config.surroundings import ExistingNetwork
from turnout.parts.network import check_subnets
from turnout.plan import Plan

VPC = "vpc-0a1b2c3d"
PRIVATE = ("subnet-0000000a", "subnet-0000000b")
PUBLIC = ("subnet-0000000c", "subnet-0000000d")
EXISTING = ExistingNetwork(vpc=VPC, subnets=PRIVATE, public_subnets=PUBLIC)


def network(**create: Any) -> Plan:
    return plan(BASELINE, target="ecs", network={"create": create})


def counts(found: Plan) -> Counter[str]:
    return Counter(resource.type for resource in found.resources)


def test_one_gateway_serves_every_zone_where_single_is_asked() -> None:
    found = counts(network(zones=3, nat="single"))
    assert found["aws:ec2/natGateway:NatGateway"] == 1
    assert found["aws:ec2/subnet:Subnet"] == 6
    assert found["aws:ec2/routeTable:RouteTable"] == 4


def test_each_zone_has_its_gateway_where_per_zone_is_asked() -> None:
    found = network(zones=3, nat="per_zone")
    assert counts(found)["aws:ec2/natGateway:NatGateway"] == 3
    routes = [
        r
        for r in found.of_type("aws:ec2/route:Route")
        if r.name.startswith("hate-speech-api-network-private")
    ]
    ways = [route.dependencies["natGatewayId"] for route in routes]
    assert len(ways) == len(set(ways)) == 3


def test_without_nat_nothing_leads_to_the_internet() -> None:
    found = network(zones=2, nat="none")
    of = counts(found)
    assert of["aws:ec2/natGateway:NatGateway"] == of["aws:ec2/eip:Eip"] == 0
    assert of["aws:ec2/internetGateway:InternetGateway"] == 0
    assert of["aws:ec2/subnet:Subnet"] == 2
    endpoints = found.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
    services = {endpoint.inputs["serviceName"].rpartition(".")[2] for endpoint in endpoints}
    assert {"s3", "api", "dkr", "logs", "monitoring", "sts"} == services


def way_out(kind: str, nat: str, model: str) -> list[dict[str, Any]]:
    """What the S3 endpoint lets through; empty where it has no policy of its own."""
    resources = make(
        BASELINE,
        target=kind,
        network={"create": {"nat": nat}},
        model={"uri": model, "sha256": "b" * 64},
    )
    (endpoint,) = [
        r
        for r in resources
        if r.type == "aws:ec2/vpcEndpoint:VpcEndpoint" and r.name.endswith("-s3")
    ]
    policy = endpoint.inputs.get("policy")
    return [] if policy is None else list(json.loads(policy)["Statement"])


def test_without_nat_data_goes_to_buckets_of_the_account_alone() -> None:
    found = {s["Sid"]: s for s in way_out("ecs", "none", "s3://others-models/x")}
    own = found.pop("BucketsOfThisAccount")
    assert own["Condition"] == {"StringEquals": {"aws:ResourceAccount": "123456789012"}}
    assert found["PackagesOfAws"]["Resource"] == [
        "arn:aws:s3:::prod-ap-northeast-2-starport-layer-bucket/*"
    ]
    assert found["BucketOfTheModel"]["Resource"] == [
        "arn:aws:s3:::others-models",
        "arn:aws:s3:::others-models/*",
    ]
    for other in found.values():
        actions = other["Action"] if isinstance(other["Action"], list) else [other["Action"]]
        assert set(actions) <= {"s3:GetObject", "s3:ListBucket"}


def test_beside_a_nat_gateway_the_endpoint_is_the_cheaper_way_and_no_fence() -> None:
    assert way_out("ecs", "single", "s3://models/x") == []


def test_a_third_zone_changes_nothing_of_the_first_two() -> None:
    two, three = network(zones=2), network(zones=3)
    old = {r.urn: r.inputs for r in two.resources if r.type == "aws:ec2/subnet:Subnet"}
    new = {r.urn: r.inputs for r in three.resources if r.type == "aws:ec2/subnet:Subnet"}
    assert old.items() <= new.items()


def test_a_subnet_stays_in_the_zone_that_it_was_made_in() -> None:
    for subnet in network(zones=3).of_type("aws:ec2/subnet:Subnet"):
        assert subnet.ignore_changes == ("availabilityZone",)


def test_the_default_group_lets_nothing_in_or_out() -> None:
    (group,) = tier_plan("ecs").of_type("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert not {"ingress", "egress"} & set(group.inputs)


def test_a_gateway_goes_only_after_what_needs_it() -> None:
    found = tier_plan("ecs")
    for type_ in ("aws:ec2/eip:Eip", "aws:ec2/natGateway:NatGateway"):
        for resource in found.of_type(type_):
            assert any("InternetGateway" in urn for urn in resource.depends_on)


def test_flow_logs_are_written_by_a_role_that_only_this_account_lends() -> None:
    (log,) = tier_plan("ecs").of_type("aws:ec2/flowLog:FlowLog")
    assert log.inputs["trafficType"] == "ALL"
    assert not network(flow_logs=False).of_type("aws:ec2/flowLog:FlowLog")


def found(**changes: list[Any]) -> list[list[Any]]:
    """What AWS says of the subnets, with the row of one replaced."""
    rows = {
        "a": [PRIVATE[0], VPC, "ap-northeast-2a", False],
        "b": [PRIVATE[1], VPC, "ap-northeast-2b", False],
        "c": [PUBLIC[0], VPC, "ap-northeast-2a", True],
        "d": [PUBLIC[1], VPC, "ap-northeast-2b", True],
    }
    return list((rows | changes).values())


def test_subnets_that_are_as_the_file_says_are_taken() -> None:
    assert check_subnets(EXISTING, found()) == [*PRIVATE, *PUBLIC]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"a": [PRIVATE[0], "vpc-99999999", "ap-northeast-2a", False]}, "not in vpc-0a1b2c3d"),
        ({"a": [PRIVATE[0], VPC, "ap-northeast-2a", True]}, "gives its machines public addresses"),
        ({"a": [PRIVATE[0], VPC, "ap-northeast-2b", False]}, "all are in ap-northeast-2b"),
        ({"c": [PUBLIC[0], VPC, "ap-northeast-2b", True]}, "public_subnets: all are in"),
    ],
)
def test_subnets_that_are_not_are_refused(changes: dict[str, list[Any]], words: str) -> None:
    with pytest.raises(ValueError, match=r"network\.existing") as refused:
        check_subnets(EXISTING, found(**changes))
    assert words in str(refused.value)


def test_an_existing_network_is_looked_up_and_left_alone() -> None:
    existing = {"vpc": VPC, "subnets": list(PRIVATE)}
    planned = plan(BASELINE, target="ecs", network={"existing": existing})
    of = counts(planned)
    assert of["aws:ec2/vpc:Vpc"] == of["aws:ec2/subnet:Subnet"] == 0
    (balancer,) = planned.of_type("aws:lb/loadBalancer:LoadBalancer")
    assert balancer.inputs["subnets"] == list(PRIVATE)


def test_an_existing_cluster_is_planned_in_its_existing_network() -> None:
    existing = {"vpc": VPC, "subnets": list(PRIVATE)}
    target = {"kind": "eks", "cluster": {"name": "shared"}}
    planned = plan(BASELINE, target=target, network={"existing": existing})
    assert counts(planned)["aws:eks/cluster:Cluster"] == 0
    assert counts(planned)["aws:lb/targetGroup:TargetGroup"] == 1
