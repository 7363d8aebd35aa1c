"""What the tier will not do as the stack file may lead one to think: stated, not refused."""

from collections.abc import Iterator
from typing import Final, assert_never

from turnout.config.fields import ServiceFields
from turnout.config.surroundings import Build
from turnout.config.target import Ec2, Ecs, Eks, Lambda, Local, Tiers

# AWS, "Spot Instance interruption notices": two minutes, of which the news takes a part.
_SPOT_NOTICE: Final = 100


def tier_warnings(config: ServiceFields) -> tuple[str, ...]:
    """What the tier will not do as the file may lead one to think, each as `path: message`."""
    return tuple(_warnings(config))


def _warnings(config: ServiceFields) -> Iterator[str]:
    if all(isinstance(tier, Local) for tier in config.tiers):
        ignored = {
            "image", "network", "access", "certificate", "plain_http", "firewall", "alarms", "logs",
            "tags",
        } & config.model_fields_set  # fmt: skip
        if ignored:
            yield f"{', '.join(sorted(ignored))}: not used by the local tier"
        return
    if not config.alarms.notify:
        yield "alarms.notify: is empty, so nobody hears an alarm; add an e-mail or https:// address"
    if config.plain_http:
        yield "plain_http: requests cross the VPC unencrypted"
    if isinstance(config.image, Build):
        yield "image.build: needs a Docker engine where `pulumi up` runs"
    for tier in config.tiers:
        yield from _tier_warnings(config, tier)


_COOLDOWNS: Final = frozenset({"scale_out_cooldown", "scale_in_cooldown"})


def _tier_warnings(config: ServiceFields, tier: Tiers) -> Iterator[str]:
    fewest = config.scaling.fewest
    match tier:
        case Lambda():
            if tier.front == "function_url":
                ignored = {"certificate", "firewall", "access", "plain_http", "health_check"}
                for name in sorted(ignored & config.model_fields_set):
                    yield f"{name}: not used with a function URL, which has no load balancer"
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
                yield (
                    "target eks: the cluster's API is private, so `pulumi up` must run inside the "
                    "VPC; or list public_access_cidrs"
                )
            if fewest == 1:
                yield (
                    "scaling.min: 1 leaves no second pod, so the alarm on healthy hosts is set "
                    "to fewer than 1"
                )
            if tier.spot and config.deregistration_delay + config.requests.timeout > _SPOT_NOTICE:
                yield (
                    f"deregistration_delay: {config.deregistration_delay}, and requests.timeout "
                    f"{config.requests.timeout} after it, are longer than a machine on Spot gives "
                    "notice; requests there can be cut off"
                )
        case Local():
            pass
        case _:
            assert_never(tier)
