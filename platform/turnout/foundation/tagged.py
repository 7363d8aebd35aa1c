"""What CI may do to what bears a service's tag, and to what can be told by neither tag nor name.

Where AWS makes up a resource's name, the tag that it is made with tells whose it is. AWS, "Service
Authorization Reference": of the resources of one EC2 action, what is made knows the tag that it
gets (`aws:RequestTag`), what exists the tag that it has (`aws:ResourceTag`).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from turnout.foundation.reach import (
    Conditions,
    Reach,
    arns,
    both,
    in_region,
    qualified,
    zone_arns,
)
from turnout.parts.statements import Statement

_MADE_WITH_TAG: Final[Mapping[str, Sequence[str]]] = {
    "acm": ["RequestCertificate"],
    "ec2": [
        "AllocateAddress",
        "CreateFlowLogs",
        "CreateInternetGateway",
        "CreateLaunchTemplate",
        "CreateNatGateway",
        "CreateRouteTable",
        "CreateSecurityGroup",
        "CreateSubnet",
        "CreateVpc",
        "CreateVpcEndpoint",
    ],
    "eks": ["CreateCluster"],
    # A key's policy comes with it.
    "kms": ["CreateKey", "PutKeyPolicy"],
}
_TAGGED_ANEW: Final[Mapping[str, Sequence[str]]] = {
    "acm": ["AddTagsToCertificate"],
    "application-autoscaling": ["TagResource"],
    # AWS KMS, "Controlling access to tags": to give a key tags while it is made takes a right
    # that is not restricted to particular keys; the new key has none to be told by.
    "kms": ["TagResource"],
}
_RULES: Final = (
    "AuthorizeSecurityGroup*",
    "ModifySecurityGroupRules",
    "RevokeSecurityGroup*",
    "UpdateSecurityGroupRuleDescriptions*",
)
_OVER_TAGGED: Final[Mapping[str, Sequence[str]]] = {
    "acm": ["AddTagsToCertificate", "DeleteCertificate", "RemoveTagsFromCertificate"],
    "application-autoscaling": [
        "DeleteScalingPolicy",
        "DeleteScheduledAction",
        "DeregisterScalableTarget",
        "TagResource",
        "UntagResource",
    ],
    "ec2": [
        *_RULES,
        "AssociateRouteTable",
        "AttachInternetGateway",
        "CreateFlowLogs",
        "CreateLaunchTemplateVersion",
        "CreateNatGateway",
        "CreateRoute",
        "CreateRouteTable",
        "CreateSubnet",
        "CreateTags",
        "CreateVpcEndpoint",
        "DeleteFlowLogs",
        "DeleteInternetGateway",
        "DeleteLaunchTemplate",
        "DeleteLaunchTemplateVersions",
        "DeleteNatGateway",
        "DeleteRoute",
        "DeleteRouteTable",
        "DeleteSecurityGroup",
        "DeleteSubnet",
        "DeleteTags",
        "DeleteVpc",
        "DeleteVpcEndpoints",
        "DetachInternetGateway",
        "DisassociateAddress",
        "DisassociateRouteTable",
        "ModifyLaunchTemplate",
        "ModifySubnetAttribute",
        "ModifyVpcAttribute",
        "ModifyVpcEndpoint",
        "ReleaseAddress",
        "ReplaceRoute",
        "ReplaceRouteTableAssociation",
    ],
    "kms": [
        "PutKeyPolicy",
        "ScheduleKeyDeletion",
        "TagResource",
        "UntagResource",
        "UpdateKeyDescription",
    ],
}
# Without a name of ours, and without a tag in AWS's eyes.
_WITHOUT_EITHER: Final[Mapping[str, Sequence[str]]] = {
    # What an auto scaling group's template starts.
    "ec2": ["RunInstances"],
    "elasticloadbalancing": ["SetWebAcl"],
    # The tag of a key that was made a moment ago may take minutes to count (AWS KMS, "Use tags to
    # control access to KMS keys"), and rotation does no harm to anybody's.
    "kms": ["EnableKeyRotation"],
    "logs": ["CreateLogDelivery", "DeleteLogDelivery", "PutResourcePolicy", "UpdateLogDelivery"],
    "sns": ["SetSubscriptionAttributes", "Unsubscribe"],
}
_LINKED: Final = (
    "autoscaling.amazonaws.com",
    "ecs.amazonaws.com",
    "ecs.application-autoscaling.amazonaws.com",
    "eks.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "spot.amazonaws.com",
    "wafv2.amazonaws.com",
)


def change_by_tag(reach: Reach) -> list[Statement]:
    """Making, changing and deleting what cannot be told by the service's name."""
    return [
        in_region("MakeTagged", qualified(_MADE_WITH_TAG), reach.account, reach.made),
        in_region(
            "Tag",
            qualified(_TAGGED_ANEW),
            reach.account,
            # A key of somebody else's mostly has an alias; those of services have none.
            both(reach.tagged_anew, {"Null": {"kms:ResourceAliases": "true"}}),
        ),
        in_region("ChangeTagged", qualified(_OVER_TAGGED), reach.account, reach.tagged),
        in_region("MakeInRegion", qualified(_WITHOUT_EITHER), reach.account),
        *_networks(reach),
        *_scaling(reach),
        *_keys(reach),
        *_machine_images(reach),
        *_clusters(reach),
        *_records(reach),
        Statement(
            sid="MakeServiceLinkedRoles",
            actions=["iam:CreateServiceLinkedRole"],
            resources=[reach.account.arn("iam", "role/aws-service-role/*", region=False)],
            conditions={"StringEquals": {"iam:AWSServiceName": list(_LINKED)}},
        ),
    ]


def _networks(reach: Reach) -> list[Statement]:
    def ec2(
        sid: str, actions: Sequence[str], kind: str, conditions: Conditions | None = None
    ) -> Statement:
        return Statement(
            sid=sid,
            actions=[f"ec2:{action}" for action in actions],
            resources=arns(reach.account, "ec2", [f"{kind}/*"]),
            conditions=conditions or {},
        )

    clusters = [*(f"{service}-*" for service in reach.services), *reach.clusters]
    return [
        in_region(
            "TagWhatIsMade",
            ["ec2:CreateTags"],
            reach.account,
            # Named only while something is made.
            both(reach.made, {"Null": {"ec2:CreateAction": "false"}}),
        ),
        # A VPC comes with a group, which the stack closes and marks as its own.
        ec2("TagDefaultGroups", ["CreateTags"], "security-group", reach.tagged_anew),
        # Also in a VPC that exists, which is nobody's service's.
        ec2("MakeGroupsAnywhere", ["CreateSecurityGroup"], "vpc"),
        # Each such action asks for the group too, and the group's tag decides.
        ec2("MakeRules", _RULES, "security-group-rule"),
        # EKS makes the group of a cluster, and marks it with the cluster's name alone.
        ec2(
            "MakeRulesOfClusters",
            _RULES,
            "security-group",
            {"StringLike": {"aws:ResourceTag/aws:eks:cluster-name": clusters}},
        ),
        # Those that Lambda and NAT gateways leave behind; EC2 deletes none that is in use.
        ec2(
            "FreeInterfaces", ["DeleteNetworkInterface", "DisassociateAddress"], "network-interface"
        ),
    ]


def _scaling(reach: Reach) -> list[Statement]:
    return [
        Statement(
            sid="ScaleTasks",
            actions=[
                f"application-autoscaling:{action}"
                for action in ("PutScalingPolicy", "PutScheduledAction", "RegisterScalableTarget")
            ],
            resources=arns(reach.account, "application-autoscaling", ["scalable-target/*"]),
            conditions={"StringEquals": {"application-autoscaling:service-namespace": "ecs"}},
        )
    ]


def _keys(reach: Reach) -> list[Statement]:
    return [
        Statement(
            sid="LendKeysToAws",
            # EKS asks for it in the name of whoever makes a cluster, moments after its key is made.
            actions=["kms:CreateGrant"],
            resources=arns(reach.account, "kms", ["key/*"]),
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        )
    ]


def _machine_images(reach: Reach) -> list[Statement]:
    return [
        Statement(
            sid="FindUbuntu",
            # Amazon EC2, "Use a Systems Manager parameter to find an AMI": whoever uses a launch
            # template that says resolve:ssm needs the plural.
            actions=["ssm:GetParameter", "ssm:GetParameters"],
            resources=[
                reach.account.arn("ssm", "parameter/aws/service/canonical/*", account=False)
            ],
        )
    ]


def _clusters(reach: Reach) -> list[Statement]:
    if not reach.clusters:
        return []
    associations = [f"podidentityassociation/{cluster}/*" for cluster in reach.clusters]
    return [
        Statement(
            sid="JoinClusters",
            actions=["eks:CreatePodIdentityAssociation"],
            resources=arns(
                reach.account, "eks", [f"cluster/{cluster}" for cluster in reach.clusters]
            ),
            conditions=reach.made,
        ),
        Statement(
            sid="TagIdentities",
            actions=["eks:TagResource"],
            resources=arns(reach.account, "eks", associations),
            conditions=reach.tagged_anew,
        ),
        Statement(
            sid="ChangeIdentities",
            actions=[
                "eks:DeletePodIdentityAssociation",
                "eks:TagResource",
                "eks:UntagResource",
                "eks:UpdatePodIdentityAssociation",
            ],
            resources=arns(reach.account, "eks", associations),
            conditions=reach.tagged,
        ),
    ]


def _records(reach: Reach) -> list[Statement]:
    if not reach.zones:
        return []
    return [
        Statement(
            sid="WriteRecords",
            actions=["route53:ChangeResourceRecordSets"],
            resources=zone_arns(reach),
        ),
        Statement(
            sid="FollowRecords",
            actions=["route53:GetChange"],
            resources=[reach.account.arn("route53", "change/*", region=False, account=False)],
        ),
    ]
