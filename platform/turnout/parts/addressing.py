"""How a VPC's block is cut into subnets, and which services a VPC without NAT must reach inside."""

import ipaddress
from collections.abc import Collection, Sequence
from typing import Final

from turnout.config.target import Kind

# A block is cut in eight: private subnets take the first half, public ones the second, so that a
# third zone takes no other zone's block.
_CUTS: Final = 3
_FIRST_PUBLIC: Final = 4

# Amazon EKS, "Amazon EKS networking requirements for VPC and subnets": zones, one of us-east-1,
# us-west-1 and ca-central-1 each, where no cluster can be.
ZONES_WITHOUT_EKS: Final = ("cac1-az3", "use1-az3", "usw1-az2")

# AWS PrivateLink, "AWS services that integrate with AWS PrivateLink", by what asks for them.
_EVERY_TIER: Final = ("ecr.api", "ecr.dkr", "logs", "monitoring", "sts")
_OF_TIER: Final[dict[Kind, tuple[str, ...]]] = {
    "ec2": ("autoscaling", "ec2", "ec2messages", "elasticloadbalancing", "ssm", "ssmmessages"),
    "eks": ("ec2", "eks", "eks-auth", "elasticloadbalancing"),
}


def private_block(vpc_block: str, zone: int) -> str:
    """The private subnet's block in the zone number `zone` (0 to 2)."""
    return _block(vpc_block, zone)


def public_block(vpc_block: str, zone: int) -> str:
    """The public subnet's block in the zone number `zone` (0 to 2)."""
    return _block(vpc_block, _FIRST_PUBLIC + zone)


def _block(vpc_block: str, index: int) -> str:
    return str(list(ipaddress.ip_network(vpc_block).subnets(prefixlen_diff=_CUTS))[index])


def zone_number(names: Sequence[str], number: int) -> str:
    """The zone number `number` (from 0) of a region's zones. Raises ValueError where it has none.

    By name, since AWS tells them in no set order.
    """
    if number >= len(names):
        raise ValueError(
            f"turnout:service.network.create.zones: {number + 1} is more than the zones that the "
            f"region has for this account, {', '.join(sorted(names)) or 'none'}; use "
            "{network: {create: {zones: 2}}}, or another region"
        )
    return sorted(names)[number]


def interface_endpoints(kinds: Collection[Kind], *, secrets: bool) -> tuple[str, ...]:
    """The AWS services, as `com.amazonaws.<region>.<service>`, that `kinds` reach without NAT."""
    needed = {*_EVERY_TIER, *(["secretsmanager"] if secrets else [])}
    for kind in kinds:
        needed.update(_OF_TIER.get(kind, ()))
    return tuple(sorted(needed))
