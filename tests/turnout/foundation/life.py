"""What the AWS provider asks AWS for in the life of each resource of a service.

Made with its tags, changed, deleted: terraform-provider-aws says which calls, the "Service
Authorization Reference" which actions and which resources those are. `{name}` is the physical name
as Pulumi makes it, `{service}` the service's, `{balancer}` how its load balancer's begins and
`{functions}` its target group's of functions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.turnout.foundation.iam import resource_types

ARN: Final = "arn:aws:{}:ap-northeast-2:123456789012:{}"


@dataclass(frozen=True)
class Step:
    """One action on one resource: while that is made, or once it bears its service's tag."""

    action: str
    arn: str
    made: bool = False
    says: Mapping[str, str] = field(default_factory=dict)
    """What the request says beside tags."""


def _over(prefix: str, resource: str, *actions: str) -> list[Step]:
    return [Step(f"{prefix}:{action}", ARN.format(prefix, resource)) for action in actions]


def _named(prefix: str, resource: str, make: str, *more: str) -> list[Step]:
    """The resource is named before it is made; its tags may come while it is made, or later."""
    arn = ARN.format(prefix, resource)
    tag = [one for one in more if one.startswith(("Tag", "AddTags"))]
    return [
        *(Step(f"{prefix}:{action}", arn, made=True) for action in (make, *tag)),
        *_over(prefix, resource, *more),
    ]


def _ec2(action: str, *also: str) -> list[Step]:
    """What EC2 asks of an action: each kind of resource that it needs, or is given (`also`)."""
    steps = []
    for type_ in resource_types(f"ec2:{action}"):
        if type_.required or type_.name in also:
            arn = ARN.format("ec2", f"{type_.name}/x-0123")
            steps.append(Step(f"ec2:{action}", arn, made=type_.made))
            if type_.made:
                says = {"ec2:CreateAction": action}
                steps.append(Step("ec2:CreateTags", arn, made=True, says=says))
    return steps


def _tagged_ec2(type_: str, *steps: list[Step]) -> list[Step]:
    tags = _over("ec2", f"{type_}/x-0123", "CreateTags", "DeleteTags")
    return [*(step for group in steps for step in group), *tags]


def _bucket(*actions: str) -> list[Step]:
    return [Step(f"s3:{action}", "arn:aws:s3:::{name}") for action in actions]


def _role(*actions: str) -> list[Step]:
    return [Step(f"iam:{action}", "arn:aws:iam::123456789012:role/{name}") for action in actions]


def _group_rule(direction: str) -> list[Step]:
    return _tagged_ec2(
        "security-group-rule",
        _ec2(f"AuthorizeSecurityGroup{direction}", "security-group-rule"),
        _ec2("ModifySecurityGroupRules"),
        _ec2(f"RevokeSecurityGroup{direction}"),
    )


_BALANCER: Final = "{balancer}-0123456/0123"
_GROUP: Final = "autoScalingGroup:1:autoScalingGroupName/{service}-test"
_SCALING: Final = {"application-autoscaling:service-namespace": "ecs"}
_TARGET: Final = ARN.format("application-autoscaling", "scalable-target/0123")
_WEB_ACL: Final = "regional/webacl/{service}-firewall-0123456/0123"
_ZONE: Final = "arn:aws:route53:::hostedzone/Z0123456789ABCDEF"


def _scale(*actions: str) -> list[Step]:
    return [Step(f"application-autoscaling:{action}", _TARGET, says=_SCALING) for action in actions]


_LOGGING: Final = [
    Step(f"logs:{action}", "*")
    for action in ("CreateLogDelivery", "DeleteLogDelivery", "PutResourcePolicy")
]

LIFE: Final[Mapping[str, list[Step]]] = {
    "aws:acm/certificate:Certificate": [
        Step("acm:RequestCertificate", "*", made=True),
        Step("acm:AddTagsToCertificate", ARN.format("acm", "certificate/0123"), made=True),
        *_over(
            "acm",
            "certificate/0123",
            "AddTagsToCertificate",
            "RemoveTagsFromCertificate",
            "DeleteCertificate",
        ),
    ],
    "aws:acm/certificateValidation:CertificateValidation": _over(
        "acm", "certificate/0123", "DescribeCertificate"
    ),
    "aws:appautoscaling/policy:Policy": _scale("PutScalingPolicy", "DeleteScalingPolicy"),
    "aws:appautoscaling/scheduledAction:ScheduledAction": _scale(
        "PutScheduledAction", "DeleteScheduledAction"
    ),
    "aws:appautoscaling/target:Target": [
        Step("application-autoscaling:RegisterScalableTarget", _TARGET, made=True, says=_SCALING),
        Step("application-autoscaling:TagResource", _TARGET, made=True),
        *_scale("RegisterScalableTarget", "TagResource", "DeregisterScalableTarget"),
    ],
    "aws:autoscaling/group:Group": [
        *_named(
            "autoscaling",
            _GROUP,
            "CreateAutoScalingGroup",
            "CreateOrUpdateTags",
            "DeleteTags",
            "EnableMetricsCollection",
            "StartInstanceRefresh",
            "UpdateAutoScalingGroup",
            "DeleteAutoScalingGroup",
        ),
        # Of whoever makes a group from a launch template, which finds its image by a parameter.
        *_ec2("RunInstances", "launch-template"),
        Step("ssm:GetParameters", "arn:aws:ssm:ap-northeast-2::parameter/aws/service/canonical/x"),
    ],
    "aws:autoscaling/lifecycleHook:LifecycleHook": _over(
        "autoscaling", _GROUP, "PutLifecycleHook", "DeleteLifecycleHook"
    ),
    "aws:autoscaling/policy:Policy": _over(
        "autoscaling", _GROUP, "PutScalingPolicy", "DeletePolicy"
    ),
    "aws:autoscaling/schedule:Schedule": _over(
        "autoscaling", _GROUP, "PutScheduledUpdateGroupAction", "DeleteScheduledAction"
    ),
    "aws:cloudwatch/dashboard:Dashboard": [
        Step(f"cloudwatch:{action}", "arn:aws:cloudwatch::123456789012:dashboard/{name}")
        for action in ("PutDashboard", "DeleteDashboards")
    ],
    "aws:cloudwatch/logGroup:LogGroup": [
        *_named(
            "logs",
            "log-group:{name}",
            "CreateLogGroup",
            "TagResource",
            "PutRetentionPolicy",
            "DeleteLogGroup",
        ),
        # How an error message of AWS's names the group that is made.
        *_over("logs", "log-group:{name}:log-stream:", "CreateLogGroup", "DeleteLogGroup"),
    ],
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": _over(
        "logs",
        "log-group:/aws/lambda/{service}-test",
        "PutMetricFilter",
        "DeleteMetricFilter",
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _named(
        "cloudwatch", "alarm:{name}", "PutMetricAlarm", "TagResource", "DeleteAlarms"
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": [
        # The group is there, without a tag: it gets one, and then loses its rules.
        Step("ec2:CreateTags", ARN.format("ec2", "security-group/x-0123"), made=True),
        *_ec2("RevokeSecurityGroupEgress"),
        *_ec2("RevokeSecurityGroupIngress"),
    ],
    "aws:ec2/eip:Eip": _tagged_ec2(
        "elastic-ip",
        _ec2("AllocateAddress"),
        _ec2("DisassociateAddress", "elastic-ip"),
        [Step("ec2:DisassociateAddress", ARN.format("ec2", "network-interface/x"), made=True)],
        _ec2("ReleaseAddress", "elastic-ip"),
    ),
    "aws:ec2/flowLog:FlowLog": _tagged_ec2(
        "vpc-flow-log", _ec2("CreateFlowLogs", "vpc"), _ec2("DeleteFlowLogs")
    ),
    "aws:ec2/internetGateway:InternetGateway": _tagged_ec2(
        "internet-gateway",
        _ec2("CreateInternetGateway"),
        _ec2("AttachInternetGateway"),
        _ec2("DetachInternetGateway"),
        _ec2("DeleteInternetGateway"),
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": _tagged_ec2(
        "launch-template",
        _ec2("CreateLaunchTemplate"),
        _ec2("CreateLaunchTemplateVersion"),
        _ec2("ModifyLaunchTemplate"),
        _ec2("DeleteLaunchTemplate"),
    ),
    "aws:ec2/natGateway:NatGateway": _tagged_ec2(
        "natgateway", _ec2("CreateNatGateway", "elastic-ip"), _ec2("DeleteNatGateway")
    ),
    "aws:ec2/route:Route": [*_ec2("CreateRoute"), *_ec2("ReplaceRoute"), *_ec2("DeleteRoute")],
    "aws:ec2/routeTable:RouteTable": _tagged_ec2(
        "route-table", _ec2("CreateRouteTable"), _ec2("DeleteRouteTable")
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": [
        *_ec2("AssociateRouteTable", "subnet"),
        *_ec2("ReplaceRouteTableAssociation", "subnet"),
        *_ec2("DisassociateRouteTable", "route-table", "subnet"),
    ],
    "aws:ec2/securityGroup:SecurityGroup": _tagged_ec2(
        "security-group",
        _ec2("CreateSecurityGroup", "vpc"),
        # The provider takes away the rule that lets everything out.
        _ec2("RevokeSecurityGroupEgress"),
        # What Lambda has left in it.
        [Step("ec2:DeleteNetworkInterface", ARN.format("ec2", "network-interface/x"), made=True)],
        _ec2("DeleteSecurityGroup"),
    ),
    "aws:ec2/subnet:Subnet": _tagged_ec2(
        "subnet", _ec2("CreateSubnet"), _ec2("ModifySubnetAttribute"), _ec2("DeleteSubnet")
    ),
    "aws:ec2/vpc:Vpc": _tagged_ec2(
        "vpc", _ec2("CreateVpc"), _ec2("ModifyVpcAttribute"), _ec2("DeleteVpc")
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _tagged_ec2(
        "vpc-endpoint",
        _ec2("CreateVpcEndpoint", "route-table", "security-group", "subnet"),
        _ec2("ModifyVpcEndpoint", "route-table", "security-group", "subnet"),
        _ec2("DeleteVpcEndpoints"),
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _over(
        "ecr", "repository/{name}", "PutLifecyclePolicy", "DeleteLifecyclePolicy"
    ),
    "aws:ecr/repository:Repository": [
        *_named("ecr", "repository/{name}", "CreateRepository", "TagResource", "DeleteRepository"),
        # Lambda lets itself in to the image that it is to run.
        *_over("ecr", "repository/{name}", "PutImage", "SetRepositoryPolicy"),
    ],
    "aws:ecs/cluster:Cluster": _named(
        "ecs", "cluster/{name}", "CreateCluster", "TagResource", "UpdateCluster", "DeleteCluster"
    ),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": _over(
        "ecs", "cluster/{service}-ecs-0123456", "PutClusterCapacityProviders"
    ),
    "aws:ecs/service:Service": _named(
        "ecs",
        "service/{service}-ecs-0123456/{name}",
        "CreateService",
        "TagResource",
        "UpdateService",
        "DeleteService",
    ),
    # Left behind when it goes (skip_destroy): a rollback wants it.
    "aws:ecs/taskDefinition:TaskDefinition": _named(
        "ecs", "task-definition/{service}:1", "RegisterTaskDefinition", "TagResource"
    ),
    "aws:eks/accessEntry:AccessEntry": [
        *_over("eks", "cluster/{service}-test", "CreateAccessEntry"),
        *_over("eks", "access-entry/{service}-test/role/1/x/0", "TagResource", "DeleteAccessEntry"),
    ],
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": _over(
        "eks",
        "access-entry/{service}-test/role/1/x/0",
        "AssociateAccessPolicy",
        "DisassociateAccessPolicy",
    ),
    "aws:eks/addon:Addon": [
        *_over("eks", "cluster/{service}-test", "CreateAddon"),
        *_over("eks", "addon/{service}-test/x/0", "TagResource", "UpdateAddon", "DeleteAddon"),
    ],
    "aws:eks/cluster:Cluster": [
        Step("eks:CreateCluster", "*", made=True),
        Step("eks:TagResource", ARN.format("eks", "cluster/{name}"), made=True),
        *_over(
            "eks",
            "cluster/{name}",
            "UpdateClusterConfig",
            "UpdateClusterVersion",
            "DeleteCluster",
        ),
        # EKS, in the name of whoever makes the cluster.
        Step(
            "kms:CreateGrant",
            ARN.format("kms", "key/0123"),
            says={"kms:GrantIsForAWSResource": "true"},
        ),
    ],
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": [
        *_over("eks", "cluster/{service}-test", "CreatePodIdentityAssociation"),
        *_over(
            "eks",
            "podidentityassociation/{service}-test/0",
            "TagResource",
            "UpdatePodIdentityAssociation",
            "DeletePodIdentityAssociation",
        ),
    ],
    "aws:iam/instanceProfile:InstanceProfile": [
        Step(f"iam:{action}", "arn:aws:iam::123456789012:instance-profile/{name}")
        for action in (
            "CreateInstanceProfile",
            "TagInstanceProfile",
            "AddRoleToInstanceProfile",
            "RemoveRoleFromInstanceProfile",
            "DeleteInstanceProfile",
        )
    ],
    "aws:iam/role:Role": [
        *(
            Step(f"iam:{action}", "arn:aws:iam::123456789012:role/{name}", made=True)
            for action in ("CreateRole", "TagRole")
        ),
        *_role("TagRole", "UntagRole", "UpdateRole", "UpdateAssumeRolePolicy", "DeleteRole"),
    ],
    "aws:iam/rolePolicy:RolePolicy": _role("PutRolePolicy", "DeleteRolePolicy"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _role(
        "AttachRolePolicy", "DetachRolePolicy"
    ),
    "aws:kms/key:Key": [
        Step("kms:CreateKey", "*", made=True),
        # For a key that has no name yet.
        Step("kms:TagResource", "*", made=True),
        # Moments later the key's tag does not count yet.
        Step("kms:EnableKeyRotation", ARN.format("kms", "key/0123"), made=True),
        *_over(
            "kms",
            "key/0123",
            "PutKeyPolicy",
            "UpdateKeyDescription",
            "TagResource",
            "UntagResource",
            "ScheduleKeyDeletion",
        ),
    ],
    "aws:lambda/alias:Alias": _over(
        "lambda", "function:{service}-test", "CreateAlias", "UpdateAlias", "DeleteAlias"
    ),
    "aws:lambda/function:Function": _named(
        "lambda",
        "function:{name}",
        "CreateFunction",
        "TagResource",
        "PublishVersion",
        "PutFunctionConcurrency",
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
        "DeleteFunction",
    ),
    "aws:lambda/functionUrl:FunctionUrl": _over(
        "lambda",
        "function:{service}-test",
        "CreateFunctionUrlConfig",
        "UpdateFunctionUrlConfig",
        "DeleteFunctionUrlConfig",
    ),
    "aws:lambda/permission:Permission": _over(
        "lambda", "function:{service}-test", "AddPermission", "RemovePermission"
    ),
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": _over(
        "lambda",
        "function:{service}-test:live",
        "PutProvisionedConcurrencyConfig",
        "DeleteProvisionedConcurrencyConfig",
    ),
    "aws:lb/listener:Listener": [
        *_over("elasticloadbalancing", f"loadbalancer/app/{_BALANCER}", "CreateListener"),
        *_over(
            "elasticloadbalancing",
            f"listener/app/{_BALANCER}/01",
            "AddTags",
            "ModifyListener",
            "ModifyListenerAttributes",
            "DeleteListener",
        ),
    ],
    "aws:lb/listenerRule:ListenerRule": [
        *_over("elasticloadbalancing", f"listener/app/{_BALANCER}/01", "CreateRule"),
        *_over(
            "elasticloadbalancing",
            f"listener-rule/app/{_BALANCER}/01/02",
            "AddTags",
            "ModifyRule",
            "SetRulePriorities",
            "DeleteRule",
        ),
    ],
    "aws:lb/loadBalancer:LoadBalancer": _named(
        "elasticloadbalancing",
        "loadbalancer/app/{name}/0123",
        "CreateLoadBalancer",
        "AddTags",
        "ModifyLoadBalancerAttributes",
        "SetSecurityGroups",
        "SetSubnets",
        "DeleteLoadBalancer",
    ),
    "aws:lb/targetGroup:TargetGroup": _named(
        "elasticloadbalancing",
        "targetgroup/{name}/0123",
        "CreateTargetGroup",
        "AddTags",
        "ModifyTargetGroup",
        "ModifyTargetGroupAttributes",
        "DeleteTargetGroup",
    ),
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": _over(
        "elasticloadbalancing",
        "targetgroup/{functions}-0123456/0123",
        "RegisterTargets",
        "DeregisterTargets",
    ),
    "aws:route53/record:Record": [
        Step("route53:ChangeResourceRecordSets", _ZONE),
        Step("route53:GetChange", "arn:aws:route53:::change/C0123"),
    ],
    "aws:s3/bucket:Bucket": _bucket(
        "CreateBucket", "PutBucketTagging", "TagResource", "DeleteBucket"
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _bucket(
        "PutLifecycleConfiguration"
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _bucket("PutBucketOwnershipControls"),
    "aws:s3/bucketPolicy:BucketPolicy": _bucket("PutBucketPolicy", "DeleteBucketPolicy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _bucket("PutBucketPublicAccessBlock"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _bucket("PutEncryptionConfiguration")
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _bucket("PutBucketVersioning"),
    "aws:sns/topic:Topic": _named(
        "sns", "{name}", "CreateTopic", "TagResource", "SetTopicAttributes", "DeleteTopic"
    ),
    "aws:sns/topicPolicy:TopicPolicy": _over(
        "sns", "{service}-alarms-0123456", "SetTopicAttributes"
    ),
    "aws:sns/topicSubscription:TopicSubscription": [
        *_over("sns", "{service}-alarms-0123456", "Subscribe"),
        Step("sns:Unsubscribe", "*"),
    ],
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _group_rule("Egress"),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _group_rule("Ingress"),
    "aws:wafv2/webAcl:WebAcl": [
        *_named(
            "wafv2",
            "regional/webacl/{name}/0123",
            "CreateWebACL",
            "TagResource",
            "UpdateWebACL",
            "DeleteWebACL",
        ),
        *_over("wafv2", "regional/managedruleset/x/0123", "CreateWebACL", "UpdateWebACL"),
    ],
    "aws:wafv2/webAclAssociation:WebAclAssociation": [
        *_over("wafv2", _WEB_ACL, "AssociateWebACL"),
        *(
            Step(
                f"wafv2:{action}",
                ARN.format("elasticloadbalancing", f"loadbalancer/app/{_BALANCER}"),
            )
            for action in ("AssociateWebACL", "DisassociateWebACL")
        ),
        Step("elasticloadbalancing:SetWebAcl", "*"),
    ],
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": [
        *_over("wafv2", _WEB_ACL, "PutLoggingConfiguration", "DeleteLoggingConfiguration"),
        *_LOGGING,
    ],
}
