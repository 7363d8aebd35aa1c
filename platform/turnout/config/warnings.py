"""What the tier will not do as the stack file may lead one to think: stated, not refused."""

import ipaddress
from collections.abc import Iterator
from typing import Final, assert_never

from turnout.config.fields import ServiceFields
from turnout.config.surroundings import Build
from turnout.config.target import Ec2, Ecs, Eks, Lambda, Local, Tiers

# AWS, "Spot Instance interruption notices": two minutes, of which the news takes a part.
_SPOT_NOTICE: Final = 100
# Amazon VPC, "Subnet CIDR blocks": AWS keeps five addresses of each. "Application Load Balancers":
# eight more are the balancer's.
_TAKEN_OF_A_SUBNET: Final = 5 + 8
# A VPC's block is cut in eight (turnout.parts.addressing).
_CUTS: Final = 3

_NOT_LOCAL: Final = frozenset(
    {
        "image", "network", "access", "certificate", "plain_http", "firewall", "alarms", "logs",
        "tags", "health_check", "deregistration_delay", "wait_until_healthy", "api_keys_secret",
        "api_keys_kms_key", "permissions_boundary",
    }
)  # fmt: skip
_NOT_LAMBDA: Final = ("deregistration_delay", "health_check", "wait_until_healthy")
_NEEDS_A_BALANCER: Final = ("access", "callers", "certificate", "firewall", "plain_http")


def tier_warnings(config: ServiceFields) -> tuple[str, ...]:
    """What the tier will not do as the file may lead one to think, each as `path: message`."""
    return tuple(_warnings(config))


def _warnings(config: ServiceFields) -> Iterator[str]:
    if all(isinstance(tier, Local) for tier in config.tiers):
        ignored = _NOT_LOCAL & config.model_fields_set
        if ignored:
            yield f"{', '.join(sorted(ignored))}: not used by the local tier"
        return
    if not config.alarms.notify:
        yield "alarms.notify: is empty, so nobody hears an alarm; add an e-mail or https:// address"
    if config.plain_http:
        yield "plain_http: requests cross the VPC unencrypted"
    if isinstance(config.image, Build):
        yield "image.build: needs a Docker engine where `pulumi up` runs"
    yield from _leaving(config)
    yield from _addresses(config)
    if all(isinstance(tier, Lambda) for tier in config.tiers):
        for name in _NOT_LAMBDA:
            if name in config.model_fields_set:
                yield f"{name}: not used by lambda, whose copies nobody asks and nobody waits for"
    for tier in config.tiers:
        yield from _tier_warnings(config, tier)


def _leaving(config: ServiceFields) -> Iterator[str]:
    """Whether a copy that leaves can finish what it was given."""
    delay, timeout = config.deregistration_delay, config.requests.timeout
    serving = [tier for tier in config.tiers if isinstance(tier, Ec2 | Ecs | Eks)]
    if serving and delay < timeout:
        yield (
            f"deregistration_delay: {delay} is shorter than requests.timeout {timeout}; the load "
            "balancer cuts off what takes longer on a copy that leaves"
        )
    for tier in serving:
        if tier.spot and delay + timeout > _SPOT_NOTICE:
            yield (
                f"deregistration_delay: {delay}, and requests.timeout {timeout} after it, are "
                f"longer than Spot gives notice; requests on {tier.kind} can be cut off"
            )


def _addresses(config: ServiceFields) -> Iterator[str]:
    """Whether the most copies have an address each; those of an existing VPC are not known."""
    create = config.network.create
    if create is None:
        return
    block = ipaddress.ip_network(create.cidr)
    free = create.zones * ((block.num_addresses >> _CUTS) - _TAKEN_OF_A_SUBNET)
    for tier in config.tiers:
        if isinstance(tier, Lambda | Local):
            continue
        # ECS starts all new tasks before it stops the old ones.
        wanted = config.scaling.most * (2 if isinstance(tier, Ecs) else 1)
        if wanted > free:
            yield (
                f"scaling.max: {config.scaling.most} copies on {tier.kind} can need {wanted} "
                f"addresses, and the private subnets of {create.cidr} have about {free}; widen "
                "network.create.cidr"
            )


_COOLDOWNS: Final = frozenset({"scale_out_cooldown", "scale_in_cooldown"})


def _tier_warnings(config: ServiceFields, tier: Tiers) -> Iterator[str]:
    fewest = config.scaling.fewest
    match tier:
        case Lambda():
            if tier.front == "function_url":
                for name in _NEEDS_A_BALANCER:
                    if name in config.model_fields_set:
                        yield f"{name}: not used with a function URL, which has no load balancer"
                if "access_logs_days" in config.logs.model_fields_set:
                    yield "logs.access_logs_days: a function URL has no load balancer that logs"
                if config.api_keys_secret is not None:
                    yield (
                        "api_keys_secret: a function URL takes the Authorization header for "
                        "itself; clients send their key as X-API-Key"
                    )
            yield "target lambda: has no CPU metric; duration, throttles and errors are watched"
            yield "target lambda: a load balancer's health checks would keep it awake; it has none"
        case Ec2() | Ecs():
            if fewest == 1:
                yield (
                    "scaling.min: 1 leaves no second copy, so the alarm on healthy hosts is set "
                    "to fewer than 1"
                )
            if fewest == 0:
                yield (
                    "scaling: can go down to no copy, so the alarm on healthy hosts watches for "
                    "unhealthy ones instead"
                )
            if isinstance(tier, Ec2):
                for name in sorted(_COOLDOWNS & config.scaling.model_fields_set):
                    yield (
                        f"scaling.{name}: not used by ec2, which waits for a new machine to warm "
                        "up instead"
                    )
            if tier.spot == 100:
                yield f"target {tier.kind}: all copies on Spot can go at two minutes' notice"
        case Eks():
            if tier.cluster is None and not tier.public_access_cidrs:
                yet = (
                    ", which is not there before the first; list public_access_cidrs for that one"
                    if config.network.create is not None
                    else "; or list public_access_cidrs"
                )
                yield (
                    "target eks: the cluster's API is private, so `pulumi up` must run inside the "
                    f"VPC{yet}"
                )
            if fewest == 1:
                yield (
                    "scaling.min: 1 leaves no second pod, so the alarm on healthy hosts is set "
                    "to fewer than 1"
                )
        case Local():
            pass
        case _:
            assert_never(tier)
