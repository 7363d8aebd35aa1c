"""What CI may do to what is named after a service: make, change and delete it.

Where AWS lets a resource be named before it is made, it is named by the service, and nothing else
of that kind can be touched. What has no such name is told by its tag (`tagged.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

from turnout.foundation.reach import (
    Reach,
    arns,
    balancers,
    bucket_arns,
    log_groups,
    role_arns,
    target_groups,
)
from turnout.parts.account import Account
from turnout.parts.statements import Statement


@dataclass(frozen=True)
class _Named:
    """Actions of one AWS service over `resources`, the parts of ARNs after the account."""

    prefix: str
    resources: Sequence[str]
    actions: Sequence[str]


def _tiers(service: str) -> tuple[_Named, ...]:
    return (
        _Named(
            "autoscaling",
            [f"autoScalingGroup:*:autoScalingGroupName/{service}-*"],
            [
                "AttachLoadBalancerTargetGroups",
                "CancelInstanceRefresh",
                "CreateAutoScalingGroup",
                "CreateOrUpdateTags",
                "DeleteAutoScalingGroup",
                "DeleteLifecycleHook",
                "DeletePolicy",
                "DeleteScheduledAction",
                "DeleteTags",
                "DetachLoadBalancerTargetGroups",
                "DisableMetricsCollection",
                "EnableMetricsCollection",
                "PutLifecycleHook",
                "PutScalingPolicy",
                "PutScheduledUpdateGroupAction",
                "ResumeProcesses",
                "SetInstanceProtection",
                "StartInstanceRefresh",
                "SuspendProcesses",
                "TerminateInstanceInAutoScalingGroup",
                "UpdateAutoScalingGroup",
            ],
        ),
        _Named(
            "ecr",
            # The one repository that a service makes, where it builds its image itself.
            [f"repository/{service}-image-*"],
            [
                "BatchCheckLayerAvailability",
                "BatchDeleteImage",
                "CompleteLayerUpload",
                "CreateRepository",
                "DeleteLifecyclePolicy",
                "DeleteRepository",
                "DeleteRepositoryPolicy",
                "InitiateLayerUpload",
                "PutImage",
                "PutImageScanningConfiguration",
                "PutImageTagMutability",
                "PutLifecyclePolicy",
                "SetRepositoryPolicy",
                "TagResource",
                "UntagResource",
                "UploadLayerPart",
            ],
        ),
        _Named(
            "ecs",
            [
                f"cluster/{service}-*",
                f"service/{service}-*/{service}*",
                f"task-definition/{service}:*",
            ],
            [
                "CreateCluster",
                "CreateService",
                "DeleteCluster",
                "DeleteService",
                "PutClusterCapacityProviders",
                "RegisterTaskDefinition",
                "TagResource",
                "UntagResource",
                "UpdateCluster",
                "UpdateClusterSettings",
                "UpdateService",
            ],
        ),
        _Named(
            "eks",
            [
                f"{kind}/{service}-*"
                for kind in ("access-entry", "addon", "cluster", "podidentityassociation")
            ],
            [
                "AssociateAccessPolicy",
                "CreateAccessEntry",
                "CreateAddon",
                "CreatePodIdentityAssociation",
                "DeleteAccessEntry",
                "DeleteAddon",
                "DeleteCluster",
                "DeletePodIdentityAssociation",
                "DisassociateAccessPolicy",
                "TagResource",
                "UntagResource",
                "UpdateAccessEntry",
                "UpdateAddon",
                "UpdateCluster*",
                "UpdatePodIdentityAssociation",
            ],
        ),
        _Named(
            "lambda",
            [f"function:{service}-*"],
            [
                "AddPermission",
                "CreateAlias",
                "CreateFunction",
                "CreateFunctionUrlConfig",
                "DeleteAlias",
                "DeleteFunction",
                "DeleteFunctionConcurrency",
                "DeleteFunctionUrlConfig",
                "DeleteProvisionedConcurrencyConfig",
                "PublishVersion",
                "PutFunctionConcurrency",
                "PutProvisionedConcurrencyConfig",
                "RemovePermission",
                "TagResource",
                "UntagResource",
                "UpdateAlias",
                "UpdateFunctionCode",
                "UpdateFunctionConfiguration",
                "UpdateFunctionUrlConfig",
            ],
        ),
        _Named(
            "logs",
            log_groups(service),
            [
                "AssociateKmsKey",
                "CreateLogGroup",
                "DeleteLogGroup",
                "DeleteMetricFilter",
                "DeleteRetentionPolicy",
                "DisassociateKmsKey",
                "PutMetricFilter",
                "PutRetentionPolicy",
                "TagResource",
                "UntagResource",
            ],
        ),
    )


def _surroundings(service: str) -> tuple[_Named, ...]:
    return (
        _Named(
            "cloudwatch",
            [f"alarm:{service}-*"],
            ["DeleteAlarms", "PutMetricAlarm", "TagResource", "UntagResource"],
        ),
        _Named(
            "elasticloadbalancing",
            [*balancers(service), *target_groups(service)],
            [
                "AddTags",
                "CreateListener",
                "CreateLoadBalancer",
                "CreateRule",
                "CreateTargetGroup",
                "DeleteListener",
                "DeleteLoadBalancer",
                "DeleteRule",
                "DeleteTargetGroup",
                "DeregisterTargets",
                "Modify*",
                "RegisterTargets",
                "RemoveTags",
                "SetIpAddressType",
                "SetRulePriorities",
                "SetSecurityGroups",
                "SetSubnets",
            ],
        ),
        _Named(
            "sns",
            [f"{service}-*"],
            [
                "CreateTopic",
                "DeleteTopic",
                "SetTopicAttributes",
                "Subscribe",
                "TagResource",
                "UntagResource",
            ],
        ),
    )


_BUCKET_WRITES: Final = (
    "s3:CreateBucket",
    "s3:DeleteBucket*",
    "s3:DeleteObject*",
    "s3:ListBucketVersions",
    "s3:PutBucket*",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
)
_FIREWALL_WRITES: Final = (
    "wafv2:AssociateWebACL",
    "wafv2:CreateWebACL",
    "wafv2:DeleteLoggingConfiguration",
    "wafv2:DeleteWebACL",
    "wafv2:DisassociateWebACL",
    "wafv2:PutLoggingConfiguration",
    "wafv2:TagResource",
    "wafv2:UntagResource",
    "wafv2:UpdateWebACL",
)
_ROLE_WRITES: Final = (
    "iam:AddRoleToInstanceProfile",
    "iam:CreateInstanceProfile",
    "iam:DeleteInstanceProfile",
    "iam:DeleteRole",
    "iam:RemoveRoleFromInstanceProfile",
    "iam:TagInstanceProfile",
    "iam:UntagInstanceProfile",
    "iam:UpdateRole",
)
# What gives a role rights, or takes them: only of roles that stand under the boundary.
_BOUNDED_WRITES: Final = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
)
# Whom a service's roles are made for: the trust policies of the tiers.
_PASSED_TO: Final = (
    "ec2.amazonaws.com",
    "ecs-tasks.amazonaws.com",
    "eks.amazonaws.com",
    "lambda.amazonaws.com",
    "pods.eks.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
)


def change_tiers(reach: Reach) -> list[Statement]:
    """Over what runs the one service of `reach`, on whatever tier, and its logs."""
    (service,) = reach.services
    return [_statement(one, reach.account) for one in _tiers(service)]


def change_surroundings(reach: Reach, boundary_arn: pulumi.Input[str]) -> list[Statement]:
    """Over what stands around the one service of `reach`: its door, its alarms, its roles."""
    (service,) = reach.services
    account, roles = reach.account, role_arns(reach)
    dashboards = [f"dashboard/{service}", f"dashboard/{service}-*"]
    return [
        *(_statement(one, account) for one in _surroundings(service)),
        Statement(
            sid="MakeDashboards",
            actions=["cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"],
            resources=arns(account, "cloudwatch", dashboards, region=False),
        ),
        Statement(
            sid="MakeFirewalls",
            actions=_FIREWALL_WRITES,
            resources=[
                # AWS's own sets of rules, which a firewall is made of.
                *arns(
                    account,
                    "wafv2",
                    [f"regional/webacl/{service}-*", "regional/managedruleset/*"],
                ),
                *arns(account, "elasticloadbalancing", balancers(service)[-1:]),
            ],
        ),
        Statement(sid="MakeBuckets", actions=_BUCKET_WRITES, resources=bucket_arns(reach)),
        Statement(sid="MakeRoles", actions=_ROLE_WRITES, resources=roles),
        Statement(
            sid="MakeRolesUnderTheBoundary",
            actions=_BOUNDED_WRITES,
            resources=roles,
            conditions={"StringEquals": {"iam:PermissionsBoundary": boundary_arn}},
        ),
        # Neither action can ask for the boundary; the tag is what a role of the service has.
        Statement(
            sid="ChangeRolesOfTheService",
            actions=["iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy"],
            resources=roles,
            conditions=reach.tagged,
        ),
        Statement(
            sid="TagRoles",
            actions=["iam:TagRole"],
            resources=roles,
            conditions=reach.tagged_anew,
        ),
        Statement(
            sid="PassRoles",
            actions=["iam:PassRole"],
            resources=roles,
            conditions={"StringEquals": {"iam:PassedToService": list(_PASSED_TO)}},
        ),
    ]


def _statement(named: _Named, account: Account) -> Statement:
    return Statement(
        sid=f"Make{named.prefix.title()}",
        actions=[f"{named.prefix}:{action}" for action in named.actions],
        resources=arns(account, named.prefix, named.resources),
    )
