"""What the service hands to a tier, the same for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import pulumi

from turnout import contract
from turnout.config.surroundings import Alarms, HealthCheck, Logs, Requests, Scaling
from turnout.config.target import Tiers
from turnout.parts.account import Account

T = TypeVar("T", bound=Tiers)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the copies run: private subnets of a VPC."""

    vpc_id: pulumi.Output[str]
    cidr: pulumi.Output[str]
    """The VPC's first block; `more_cidrs` are its others."""
    more_cidrs: Sequence[str]
    balancer_cidrs: Sequence[pulumi.Output[str]]
    """The blocks of the subnets that the load balancer stands in."""
    subnet_ids: Sequence[pulumi.Output[str]]
    routes: Sequence[pulumi.Resource]
    """What must stand before a copy can reach AWS."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """The load balancer, as a tier sees it."""

    security_group_id: pulumi.Output[str]
    balancer_arn_suffix: pulumi.Output[str]
    target_group: contract.TargetGroup
    route: pulumi.Resource
    """Ties the target group to the load balancer: ECS refuses a group without one."""
    signals: Mapping[str, contract.Signal]
    """What the load balancer itself sees of the tier: healthy_hosts, response_time, errors."""
    alarm_names: Sequence[pulumi.Output[str]]
    """The alarms on `response_time` and `errors`: a deployment that sets them off is undone."""


@dataclass(frozen=True, kw_only=True)
class TierArgs(Generic[T]):
    """Everything that a tier is made from. `door` is None for a function URL."""

    tier: T
    workload: contract.Workload
    scaling: Scaling
    requests: Requests
    alarms: Alarms
    health_check: HealthCheck
    logs: Logs
    place: Place
    door: Door | None
    account: Account
    keep: bool
    """Outside dev: what is costly to lose is protected."""
    wait: bool
    """Whether `up` waits until the copies serve."""
    tags: Mapping[str, str]


def server_environment(workload: contract.Workload) -> dict[str, pulumi.Input[str]]:
    """The server's settings where it fetches its own model and reads its own keys."""
    told = dict(workload.environment)
    if workload.model is not None:
        told["TURNOUT_MODEL"] = workload.model.uri
        told["TURNOUT_MODEL_SHA256"] = workload.model.sha256
    if workload.api_keys_secret is not None:
        told["TURNOUT_API_KEYS_SECRET"] = workload.api_keys_secret
    return told
