"""The most that a role of one service can do, whatever policies CI gives it.

A boundary gives nothing. It names what the tiers' roles use, and of that only what is the
service's own: its models, its secrets, its log groups, and the machines of its own cluster, as
AWS's policies for EKS Auto Mode mark them. So making roles is no way to more rights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

from turnout.foundation.reach import arns, in_region, log_groups, qualified, target_groups
from turnout.parts.account import Account
from turnout.parts.statements import Statement

# Of these none tells a secret, and none changes anything of anybody's: metrics and traces are
# written, images pulled, free network interfaces made (Lambda in a VPC) and deleted.
_EVERYWHERE: Final[Mapping[str, Sequence[str]]] = {
    "autoscaling": ["Describe*"],
    "cloudwatch": ["PutMetricData"],
    "ec2": [
        "AssignPrivateIpAddresses",
        "CreateNetworkInterface",
        "DeleteNetworkInterface",
        "Describe*",
        "GetSecurityGroupsForVpc",
        "UnassignPrivateIpAddresses",
    ],
    "ecr": [
        "BatchCheckLayerAvailability",
        "BatchGetImage",
        "BatchImportUpstreamImage",
        "GetAuthorizationToken",
        "GetDownloadUrlForLayer",
    ],
    "elasticloadbalancing": ["Describe*"],
    "kms": ["DescribeKey"],
    "logs": ["Describe*"],
    # Session Manager.
    "ssm": ["UpdateInstanceInformation"],
    "ssmmessages": [
        "CreateControlChannel",
        "CreateDataChannel",
        "OpenControlChannel",
        "OpenDataChannel",
    ],
    "xray": ["GetSampling*", "PutTelemetryRecords", "PutTraceSegments"],
}
# The tag that EKS Auto Mode gives to what it makes, and that AWS's policies for it ask for.
_OF_CLUSTER: Final = "eks:eks-cluster-name"
_MADE_BY_CLUSTER: Final = (
    "ec2:CreateFleet",
    "ec2:CreateLaunchTemplate",
    "ec2:CreateSnapshot",
    "ec2:CreateVolume",
    "ec2:RunInstances",
)
_OVER_WHAT_CLUSTER_MADE: Final = (
    "ec2:AttachNetworkInterface",
    "ec2:AttachVolume",
    "ec2:CreateFleet",
    "ec2:CreateSnapshot",
    "ec2:CreateVolume",
    "ec2:DetachNetworkInterface",
    "ec2:DetachVolume",
    "ec2:ModifyNetworkInterfaceAttribute",
    "ec2:ModifyVolume",
    "ec2:RunInstances",
)


@dataclass(frozen=True, kw_only=True)
class BoundaryArgs:
    """`bucket_arns` hold models; `secret_arns` are secrets beside those named after `service`."""

    service: str
    bucket_arns: Sequence[pulumi.Input[str]]
    secret_arns: Sequence[str]
    account: Account


def boundary(args: BoundaryArgs) -> list[Statement]:
    """The statements of the boundary of the roles of a service."""
    return [
        in_region("WhatTiersUse", qualified(_EVERYWHERE), args.account),
        *_models_and_secrets(args),
        *_named(args),
        *_auto_mode(args),
    ]


def _models_and_secrets(args: BoundaryArgs) -> list[Statement]:
    account, service = args.account, args.service
    own = arns(account, "secretsmanager", [f"secret:{service}-*", f"secret:{service}/*"])
    return [
        Statement(
            sid="Models",
            actions=["s3:GetObject", "s3:ListBucket"],
            resources=[
                resource
                for arn in args.bucket_arns
                for resource in (arn, pulumi.Output.concat(arn, "/*"))
            ],
        ),
        Statement(
            sid="Secrets",
            actions=["secretsmanager:GetSecretValue"],
            resources=[*own, *args.secret_arns],
        ),
        # Where models and secrets are encrypted with keys of one's own.
        in_region(
            "Keys",
            ["kms:Decrypt"],
            account,
            {
                "StringEquals": {
                    "kms:ViaService": [
                        pulumi.Output.concat(via, ".", account.region, ".", account.dns_suffix)
                        for via in ("s3", "secretsmanager")
                    ]
                }
            },
        ),
    ]


def _named(args: BoundaryArgs) -> list[Statement]:
    account, service = args.account, args.service
    return [
        Statement(
            sid="Logs",
            actions=[
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
                "logs:PutRetentionPolicy",
            ],
            resources=arns(account, "logs", log_groups(service)),
        ),
        Statement(
            sid="LeavingMachines",
            actions=[
                "autoscaling:CompleteLifecycleAction",
                "autoscaling:RecordLifecycleActionHeartbeat",
            ],
            resources=arns(
                account, "autoscaling", [f"autoScalingGroup:*:autoScalingGroupName/{service}-*"]
            ),
        ),
        Statement(
            sid="Targets",
            actions=[
                "elasticloadbalancing:DeregisterTargets",
                "elasticloadbalancing:RegisterTargets",
            ],
            resources=arns(account, "elasticloadbalancing", target_groups(service)),
        ),
        Statement(
            sid="PodIdentities",
            actions=["eks-auth:AssumeRoleForPodIdentity"],
            resources=arns(account, "eks", [f"cluster/{service}-*"]),
        ),
    ]


def _auto_mode(args: BoundaryArgs) -> list[Statement]:
    """What the service's own cluster makes, and nobody else's.

    AWS managed policies AmazonEKSComputePolicy, AmazonEKSBlockStoragePolicy and
    AmazonEKSNetworkingPolicy. Load balancers are the stack's: the cluster makes none.
    """
    account, service = args.account, args.service
    clusters = [f"{service}-*"]
    return [
        in_region(
            "ClustersMake",
            _MADE_BY_CLUSTER,
            account,
            {"StringLike": {f"aws:RequestTag/{_OF_CLUSTER}": clusters}},
        ),
        in_region(
            "ClustersChange",
            _OVER_WHAT_CLUSTER_MADE,
            account,
            {"StringLike": {f"aws:ResourceTag/{_OF_CLUSTER}": clusters}},
        ),
        in_region(
            "ClustersTag",
            ["ec2:CreateTags"],
            account,
            # Named only while something is made.
            {"Null": {"ec2:CreateAction": "false"}},
        ),
        Statement(
            sid="ClustersStartMachines",
            actions=["ec2:CreateFleet", "ec2:RunInstances"],
            # What machines are made from, and placed in.
            resources=[
                account.arn("ec2", "image/*", account=False),
                *arns(account, "ec2", ["security-group/*", "subnet/*"]),
            ],
        ),
        # Machines get an instance profile of EKS's, with a role of the service: one with more
        # rights would be a way around the boundary.
        Statement(
            sid="ProfilesOfClusters",
            actions=["iam:AddRoleToInstanceProfile"],
            resources=arns(account, "iam", ["instance-profile/eks*"], region=False),
        ),
        Statement(
            sid="RolesOfMachines",
            actions=["iam:PassRole"],
            resources=arns(account, "iam", [f"role/{service}-*"], region=False),
            conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
    ]
