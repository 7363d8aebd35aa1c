"""How a VPC's block is cut, and what a VPC without NAT must reach."""

import ipaddress
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.parts.addressing import (
    interface_endpoints,
    private_block,
    public_block,
    zone_number,
)


@given(st.integers(16, 24), st.integers(0, 255))
def test_subnets_lie_in_the_vpc_apart_from_each_other(prefix: int, second: int) -> None:
    vpc = ipaddress.IPv4Network(f"10.{second}.0.0/{prefix}")
    blocks = [
        ipaddress.IPv4Network(cut(str(vpc), zone))
        for cut in (private_block, public_block)
        for zone in range(3)
    ]
    assert all(block.subnet_of(vpc) for block in blocks)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(blocks, 2))
    # Elastic Load Balancing wants a /27 with eight free addresses at least.
    assert all(block.prefixlen <= 27 for block in blocks)


def test_a_third_zone_moves_no_other() -> None:
    assert private_block("10.20.0.0/16", 0) == "10.20.0.0/19"
    assert private_block("10.20.0.0/16", 2) == "10.20.64.0/19"
    assert public_block("10.20.0.0/16", 0) == "10.20.128.0/19"


def test_zones_are_counted_in_the_order_of_their_names() -> None:
    told = ["us-west-1c", "us-west-1a"]
    assert [zone_number(told, number) for number in range(2)] == ["us-west-1a", "us-west-1c"]


def test_a_zone_that_the_region_has_not_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(ValueError, match=r"create\.zones: 3 .* us-west-1a, us-west-1c;.*zones: 2"):
        zone_number(["us-west-1c", "us-west-1a"], 2)


@pytest.mark.parametrize(
    ("kinds", "services"),
    [
        (["ec2"], {"ssm", "ssmmessages", "autoscaling", "elasticloadbalancing"}),
        (["ecs"], {"ecr.api", "ecr.dkr", "logs"}),
        (["eks"], {"eks", "eks-auth", "elasticloadbalancing"}),
        (["lambda"], {"logs", "monitoring", "sts"}),
    ],
)
def test_each_tier_has_the_endpoints_that_it_asks(kinds: list[str], services: set[str]) -> None:
    found = interface_endpoints(kinds, secrets=False)  # type: ignore[arg-type]
    assert services <= set(found)
    assert list(found) == sorted(found)
    assert "secretsmanager" not in found
    assert "secretsmanager" in interface_endpoints(kinds, secrets=True)  # type: ignore[arg-type]
