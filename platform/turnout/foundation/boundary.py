"""The most that a role made by CI can do, whatever policies it carries.

A boundary gives nothing. It names what the tiers' roles use, AWS's own policies for EKS Auto
Mode among them, and leaves out IAM but for what Auto Mode's machines need.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi

from turnout.parts.account import Account
from turnout.parts.statements import Statement

_USED: Final[Mapping[str, Sequence[str]]] = {
    "autoscaling": ["CompleteLifecycleAction", "Describe*", "RecordLifecycleActionHeartbeat"],
    "cloudwatch": ["PutMetricData"],
    "ec2": [
        "Assign*",
        "Attach*",
        "Authorize*",
        "Create*",
        "Delete*",
        "Describe*",
        "Detach*",
        "Get*",
        "Modify*",
        "Revoke*",
        "RunInstances",
        "TerminateInstances",
        "Unassign*",
    ],
    "ec2messages": ["AcknowledgeMessage", "DeleteMessage", "FailMessage", "Get*", "SendReply"],
    "ecr": [
        "BatchCheckLayerAvailability",
        "BatchGetImage",
        "BatchImportUpstreamImage",
        "GetAuthorizationToken",
        "GetDownloadUrlForLayer",
    ],
    "eks": ["Describe*", "List*"],
    "eks-auth": ["AssumeRoleForPodIdentity"],
    "elasticloadbalancing": [
        "Add*",
        "Create*",
        "Delete*",
        "Deregister*",
        "Describe*",
        "Modify*",
        "Register*",
        "Remove*",
        "Set*",
    ],
    "kms": ["CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey"],
    "logs": [
        "CreateLogGroup",
        "CreateLogStream",
        "Describe*",
        "PutLogEvents",
        "PutRetentionPolicy",
    ],
    "s3": ["GetBucketLocation", "GetObject", "ListBucket"],
    "secretsmanager": ["GetSecretValue"],
    "ssm": ["Describe*", "Get*", "List*", "Put*", "UpdateInstance*"],
    "ssmmessages": [
        "CreateControlChannel",
        "CreateDataChannel",
        "OpenControlChannel",
        "OpenDataChannel",
    ],
    "xray": ["Get*", "PutTelemetryRecords", "PutTraceSegments"],
}


def boundary(services: Sequence[str], account: Account) -> list[Statement]:
    """The statements of the boundary of the roles of `services`."""
    roles: list[pulumi.Input[str]] = [
        account.arn("iam", f"role/{service}-*", region=False) for service in services
    ]
    return [
        Statement(
            sid="WhatTiersUse",
            actions=[f"{prefix}:{action}" for prefix, names in _USED.items() for action in names],
            resources=["*"],
            conditions={"StringEquals": {"aws:RequestedRegion": account.region}},
        ),
        # AWS managed policy AmazonEKSComputePolicy: machines get an instance profile of EKS's.
        Statement(
            sid="WhatAutoModeMakes",
            actions=[
                "iam:AddRoleToInstanceProfile",
                "iam:CreateInstanceProfile",
                "iam:DeleteInstanceProfile",
                "iam:GetInstanceProfile",
                "iam:RemoveRoleFromInstanceProfile",
                "iam:TagInstanceProfile",
            ],
            resources=[account.arn("iam", "instance-profile/eks*", region=False)],
        ),
        Statement(
            sid="WhatAutoModeHandsOver",
            actions=["iam:PassRole"],
            # Only roles under this boundary: a machine with more rights would be a way around it.
            resources=roles,
            conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
    ]
