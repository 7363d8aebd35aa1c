"""What `pulumi preview` and `refresh` read: no object, no secret, no parameter, no log line."""

from collections.abc import Mapping, Sequence
from typing import Final

from turnout.foundation.reach import (
    Reach,
    arns,
    bucket_arns,
    in_region,
    qualified,
    role_arns,
    zone_arns,
)
from turnout.parts.statements import Statement

_READS: Final[Mapping[str, Sequence[str]]] = {
    "acm": ["Describe*", "List*"],
    "application-autoscaling": ["Describe*", "List*"],
    "autoscaling": ["Describe*"],
    "cloudwatch": ["Describe*", "GetDashboard", "List*"],
    "ec2": ["Describe*", "GetSecurityGroupsForVpc"],
    "ecr": [
        "BatchGetImage",
        "Describe*",
        "GetAuthorizationToken",
        "GetDownloadUrlForLayer",
        "GetLifecyclePolicy",
        "GetRepositoryPolicy",
        "List*",
    ],
    "ecs": ["Describe*", "List*"],
    "eks": ["Describe*", "List*"],
    "elasticloadbalancing": ["Describe*"],
    "kms": ["Describe*", "GetKeyPolicy", "GetKeyRotationStatus", "List*"],
    "logs": ["Describe*", "List*"],
    "sns": ["Get*", "List*"],
    "wafv2": ["Get*", "List*"],
}
# Of the services' own functions alone: it tells a function's environment.
_FUNCTION_READS: Final = (
    "lambda:GetAlias",
    "lambda:GetFunction*",
    "lambda:GetPolicy",
    "lambda:GetProvisionedConcurrencyConfig",
    "lambda:ListTags",
    "lambda:ListVersionsByFunction",
)
_BUCKET_READS: Final = (
    "s3:GetAccelerateConfiguration",
    "s3:GetBucket*",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:ListTagsForResource",
)
_ROLE_READS: Final = (
    "iam:GetInstanceProfile",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListInstanceProfilesForRole",
    "iam:ListRolePolicies",
)
_ZONE_READS: Final = (
    "route53:GetHostedZone",
    "route53:ListResourceRecordSets",
    "route53:ListTagsForResource",
)


def look(reach: Reach) -> list[Statement]:
    """Reading everything that the engine compares with the program."""
    account = reach.account
    functions = [f"function:{service}-*" for service in reach.services]
    found = [
        in_region("Look", qualified(_READS), account),
        Statement(
            sid="LookAtFunctions",
            actions=_FUNCTION_READS,
            resources=arns(account, "lambda", functions),
        ),
        Statement(sid="LookAtBuckets", actions=_BUCKET_READS, resources=bucket_arns(reach)),
        Statement(sid="LookAtRoles", actions=_ROLE_READS, resources=role_arns(reach)),
    ]
    if reach.zones:
        found.append(Statement(sid="LookAtZones", actions=_ZONE_READS, resources=zone_arns(reach)))
    return found
