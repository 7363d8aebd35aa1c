"""What CI needs to deploy services, and what it can never do.

Every right is listed; none is a whole service. Where AWS lets a resource be named before it is
made, it is named by the service; elsewhere the region bounds it. A role that CI makes can do no
more than the boundary (`boundary.py`), so being able to make roles is no way to more rights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from turnout.foundation import actions
from turnout.parts.account import Account
from turnout.parts.statements import Statement
from turnout.parts.tags import SERVICE


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Whose resources CI may touch. `services` are names of services."""

    services: Sequence[str]
    zones: Sequence[str]
    boundary_arn: pulumi.Input[str]
    account: Account


def look(reach: Reach) -> list[Statement]:
    """Reading everything that the engine compares with the program."""
    account = reach.account
    return [
        _in_region("Look", _qualified(actions.READS), account),
        Statement(sid="LookAtBuckets", actions=actions.BUCKET_READS, resources=_buckets(reach)),
        Statement(sid="LookAtRoles", actions=actions.ROLE_READS, resources=_roles(reach)),
        *(
            [
                Statement(
                    sid="LookAtZones",
                    actions=[
                        "route53:GetHostedZone",
                        "route53:ListResourceRecordSets",
                        "route53:ListTagsForResource",
                    ],
                    resources=_zones(reach),
                )
            ]
            if reach.zones
            else []
        ),
    ]


def change_in_region(reach: Reach) -> list[Statement]:
    """Making, changing and deleting what cannot be told by the service's name."""
    account = reach.account
    return [
        _in_region("Make", _qualified(actions.REGIONAL_WRITES), account),
        Statement(
            sid="MakeServiceLinkedRoles",
            actions=["iam:CreateServiceLinkedRole"],
            resources=[account.arn("iam", "role/aws-service-role/*", region=False)],
            conditions={"StringEquals": {"iam:AWSServiceName": list(actions.LINKED)}},
        ),
        *(
            [
                Statement(
                    sid="WriteRecords",
                    actions=["route53:ChangeResourceRecordSets"],
                    resources=_zones(reach),
                ),
                Statement(
                    sid="FollowRecords",
                    actions=["route53:GetChange"],
                    resources=[account.arn("route53", "change/*", region=False, account=False)],
                ),
            ]
            if reach.zones
            else []
        ),
    ]


def change_by_name(reach: Reach) -> list[Statement]:
    """Making, changing and deleting what is named after the service."""
    account = reach.account
    roles = _roles(reach)
    return [
        *(
            Statement(
                sid=f"Make{prefix.title()}",
                actions=[f"{prefix}:{action}" for action in names],
                resources=[
                    account.arn(prefix, form.replace("{}", service))
                    for service in reach.services
                    for form in forms
                ],
            )
            for prefix, (forms, names) in actions.NAMED_WRITES.items()
        ),
        Statement(
            sid="MakeDashboards",
            actions=["cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"],
            resources=[
                account.arn("cloudwatch", f"dashboard/{service}{rest}", region=False)
                for service in reach.services
                for rest in ("", "-*")
            ],
        ),
        Statement(
            sid="MakeKeys",
            actions=[
                "kms:CreateGrant",
                "kms:EnableKeyRotation",
                "kms:PutKeyPolicy",
                "kms:ScheduleKeyDeletion",
                "kms:TagResource",
                "kms:UntagResource",
                "kms:UpdateKeyDescription",
            ],
            resources=[account.arn("kms", "key/*")],
            conditions={"StringEquals": {f"aws:ResourceTag/{SERVICE}": list(reach.services)}},
        ),
        Statement(sid="MakeBuckets", actions=actions.BUCKET_WRITES, resources=_buckets(reach)),
        Statement(sid="MakeRoles", actions=actions.ROLE_WRITES, resources=roles),
        Statement(
            sid="MakeRolesUnderTheBoundary",
            actions=actions.BOUNDED_WRITES,
            resources=roles,
            conditions={"StringEquals": {"iam:PermissionsBoundary": reach.boundary_arn}},
        ),
        Statement(
            sid="PassRoles",
            actions=["iam:PassRole"],
            resources=roles,
            conditions={"StringEquals": {"iam:PassedToService": list(actions.PASSED_TO)}},
        ),
    ]


def read_state(url: str, kms_key: str | None, account: Account) -> list[Statement]:
    """Reading Pulumi's state and what its secrets are encrypted with."""
    bucket, prefix = _state(url)
    return [
        Statement(
            sid="ListState",
            actions=["s3:GetBucketLocation", "s3:ListBucket"],
            resources=[account.arn("s3", bucket, region=False, account=False)],
        ),
        Statement(
            sid="ReadState",
            actions=["s3:GetObject"],
            resources=[account.arn("s3", f"{bucket}/{prefix}*", region=False, account=False)],
        ),
        *(
            [Statement(sid="DecryptState", actions=["kms:Decrypt"], resources=[kms_key])]
            if kms_key
            else []
        ),
    ]


def write_state(url: str, kms_key: str | None, account: Account) -> list[Statement]:
    """Writing Pulumi's state, its locks and its history."""
    bucket, prefix = _state(url)
    return [
        Statement(
            sid="WriteState",
            actions=["s3:DeleteObject", "s3:PutObject"],
            resources=[account.arn("s3", f"{bucket}/{prefix}*", region=False, account=False)],
        ),
        *(
            [
                Statement(
                    sid="EncryptState",
                    actions=["kms:Encrypt", "kms:GenerateDataKey"],
                    resources=[kms_key],
                )
            ]
            if kms_key
            else []
        ),
    ]


def _state(url: str) -> tuple[str, str]:
    bucket, _, prefix = url.removeprefix("s3://").strip("/").partition("/")
    return bucket, f"{prefix}/" if prefix else ""


def _qualified(table: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{prefix}:{action}" for prefix, names in table.items() for action in names]


def _in_region(sid: str, allowed: Sequence[str], account: Account) -> Statement:
    """Rights over what has no name of ours: in this region and no other."""
    return Statement(
        sid=sid,
        actions=allowed,
        resources=["*"],
        conditions={"StringEquals": {"aws:RequestedRegion": account.region}},
    )


def _buckets(reach: Reach) -> list[pulumi.Input[str]]:
    return [
        reach.account.arn("s3", f"{service}-*{rest}", region=False, account=False)
        for service in reach.services
        for rest in ("", "/*")
    ]


def _roles(reach: Reach) -> list[pulumi.Input[str]]:
    return [
        reach.account.arn("iam", f"{kind}/{service}-*", region=False)
        for service in reach.services
        for kind in ("role", "instance-profile")
    ]


def _zones(reach: Reach) -> list[pulumi.Input[str]]:
    return [
        reach.account.arn("route53", f"hostedzone/{zone}", region=False, account=False)
        for zone in reach.zones
    ]
