"""What a security group is for, told by the resources that carry it."""

from __future__ import annotations

from turnout_policies.facts.tokens import (
    CLASSIC_LOAD_BALANCER,
    ECS_SERVICE,
    EKS_CLUSTER,
    FUNCTION,
    INSTANCE,
    LAUNCH_CONFIGURATION,
    LAUNCH_TEMPLATE,
    LOAD_BALANCER,
    NETWORK_INTERFACE,
)
from turnout_policies.properties import Properties
from turnout_policies.stack import Stack

# Where each resource names the security groups that it carries.
_CARRIERS: dict[str, tuple[str, ...]] = {
    ECS_SERVICE: ("networkConfiguration",),
    EKS_CLUSTER: ("vpcConfig",),
    FUNCTION: ("vpcConfig",),
    INSTANCE: ("vpcSecurityGroupIds", "securityGroups", "networkInterfaces"),
    LAUNCH_CONFIGURATION: ("securityGroups",),
    LAUNCH_TEMPLATE: ("vpcSecurityGroupIds", "networkInterfaces"),
    NETWORK_INTERFACE: ("securityGroups",),
}


def load_balancers_with(group: Properties, stack: Stack) -> list[Properties]:
    """The load balancers, of any kind, that carry this group."""
    return stack.referrers(group, "securityGroups", LOAD_BALANCER, CLASSIC_LOAD_BALANCER)


def compute_with(group: Properties, stack: Stack) -> list[Properties]:
    """The things that run code, or the interfaces of such, and carry this group."""
    return [
        item
        for type_, names in _CARRIERS.items()
        for item in stack.of(type_)
        if any(stack.refers(item.resource, name, group.resource) for name in names)
    ]
