"""What the tier will not do as the stack file may lead one to think: stated, not refused."""

from collections.abc import Iterator
from typing import assert_never

from turnout.config.fields import ServiceFields
from turnout.config.surroundings import Build
from turnout.config.target import Ec2, Ecs, Eks, Lambda, Local, Tiers


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


def _tier_warnings(config: ServiceFields, tier: Tiers) -> Iterator[str]:
    single = config.scaling.min < 2
    match tier:
        case Lambda():
            if tier.front == "function_url":
                ignored = {"certificate", "firewall", "access", "plain_http", "health_check"}
                for name in sorted(ignored & config.model_fields_set):
                    yield f"{name}: not used with a function URL, which has no load balancer"
            yield "target lambda: has no CPU metric; duration, throttles and errors are watched"
            yield "target lambda: a load balancer's health checks would keep it awake; it has none"
        case Ec2() | Ecs():
            if single:
                yield (
                    f"scaling.min: {config.scaling.min} leaves no second copy, so the alarm on "
                    f"healthy hosts is set to fewer than {max(config.scaling.min, 1)}"
                )
            if tier.spot == 100:
                yield f"target {tier.kind}: all copies on Spot can go at two minutes' notice"
        case Eks():
            if tier.cluster is None and not tier.public_access_cidrs:
                yield (
                    "target eks: the cluster's API is private, so `pulumi up` must run inside the "
                    "VPC; or list public_access_cidrs"
                )
        case Local():
            pass
        case _:
            assert_never(tier)
