"""Whose resources a role of CI may touch, and how they are told apart: by name, or by tag.

AWS, "Service Authorization Reference": which actions take a resource, and in which form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import pulumi

from turnout import naming
from turnout.parts.account import Account
from turnout.parts.statements import Statement
from turnout.parts.tags import SERVICE

Conditions: TypeAlias = Mapping[str, Mapping[str, pulumi.Input[Any]]]

# The tag by which a resource is known to be a service's, once it exists and while it is made.
HAS_TAG: Final = f"aws:ResourceTag/{SERVICE}"
GETS_TAG: Final = f"aws:RequestTag/{SERVICE}"


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What a role deploys: `services` by name, in `zones` and in `clusters` that exist."""

    services: Sequence[str]
    zones: Sequence[str]
    clusters: Sequence[str]
    account: Account

    @property
    def tagged(self) -> Conditions:
        """What bears the tag of one of the services."""
        return {"StringEquals": {HAS_TAG: list(self.services)}}

    @property
    def made(self) -> Conditions:
        """What is made with the tag of one of the services."""
        return {"StringEquals": {GETS_TAG: list(self.services)}}

    @property
    def tagged_anew(self) -> Conditions:
        """What gets the tag, and bears none of another service: as when it is made.

        For actions that cannot be told that they are part of making something.
        """
        names = list(self.services)
        return {"StringEquals": {GETS_TAG: names}, "StringEqualsIfExists": {HAS_TAG: names}}


def qualified(table: Mapping[str, Sequence[str]]) -> list[str]:
    """`{prefix: [Name]}` as `prefix:Name`."""
    return [f"{prefix}:{action}" for prefix, names in table.items() for action in names]


def in_region(
    sid: str, allowed: Sequence[str], account: Account, conditions: Conditions | None = None
) -> Statement:
    """Rights over what has no name of ours: in this region and no other."""
    return Statement(
        sid=sid,
        actions=allowed,
        resources=["*"],
        conditions=both({"StringEquals": {"aws:RequestedRegion": account.region}}, conditions),
    )


def both(one: Conditions, other: Conditions | None) -> Conditions:
    """What holds where both hold."""
    joined = {operator: dict(keys) for operator, keys in one.items()}
    for operator, keys in (other or {}).items():
        joined.setdefault(operator, {}).update(keys)
    return joined


def arns(
    account: Account, prefix: str, resources: Sequence[str], *, region: bool = True
) -> list[pulumi.Input[str]]:
    """The ARNs of `resources`, each the part after the account."""
    return [account.arn(prefix, resource, region=region) for resource in resources]


def role_arns(reach: Reach) -> list[pulumi.Input[str]]:
    """Roles and instance profiles of the services."""
    kinds = ("role", "instance-profile")
    names = [f"{kind}/{service}-*" for service in reach.services for kind in kinds]
    return arns(reach.account, "iam", names, region=False)


def bucket_arns(reach: Reach) -> list[pulumi.Input[str]]:
    """The buckets of access logs, the only ones that services make, and what is in them."""
    return [
        reach.account.arn(
            "s3",
            f"{naming.logical(f'{service}-alb-logs', naming.BUCKET)}-*{rest}",
            region=False,
            account=False,
        )
        for service in reach.services
        for rest in ("", "/*")
    ]


def zone_arns(reach: Reach) -> list[pulumi.Input[str]]:
    """The hosted zones in which services have names."""
    return [
        reach.account.arn("route53", f"hostedzone/{zone}", region=False, account=False)
        for zone in reach.zones
    ]


# What comes before a service's name in the names of its log groups: nothing but folders, and what
# AWS asks of a firewall's. `*` is any folders: /ecs/, /ec2/, /vpc/, /aws/eks/, /aws/lambda/, …
_LOG_GROUPS: Final = ("/*/{}", "/*/{}:*", "/*/{}-*", "aws-waf-logs-{}-*")
_TIERS_BEHIND_A_BALANCER: Final = ("ec2", "ecs", "eks", "lambda")


def log_groups(service: str) -> list[str]:
    """The resource part of the ARNs of a service's log groups and their streams."""
    return [f"log-group:{form.format(service)}" for form in _LOG_GROUPS]


def balancers(service: str) -> list[str]:
    """The resource part of the ARNs of a service's load balancer, its listeners and rules."""
    name = naming.logical(f"{service}-alb", naming.LOAD_BALANCER)
    return [f"{kind}/app/{name}-*" for kind in ("listener", "listener-rule", "loadbalancer")]


def target_groups(service: str) -> list[str]:
    """The resource part of the ARNs of a service's target groups.

    A long service's are shortened to names that tell no more whose they are: each is named then.
    """
    names = {
        naming.logical(f"{service}-{tier}", naming.TARGET_GROUP)
        for tier in _TIERS_BEHIND_A_BALANCER
    }
    if all(name.startswith(f"{service}-") for name in names):
        names = {service}
    return [f"targetgroup/{name}-*" for name in sorted(names)]
