"""What the roles of CI can do, judged by AWS's own list of actions."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from tests.turnout.foundation.iam import allows, known_actions, listed, resource_arns
from tests.turnout.foundation.programs import POLICY, SAID, named, plan, statements
from tests.turnout.programs import BASELINE, make, tier_made

from turnout.config.foundation import MOST_SERVICES
from turnout.plan import PlannedResource

ROLES = ("publish", "preview", "deploy-staging-ec2", "deploy-prod-ecs")
BOUNDARY = "arn:aws:iam:ap-northeast-2:123456789012:Policy/moderation-boundary-0123456"
HERE = {
    "aws:RequestedRegion": "ap-northeast-2",
    "aws:ResourceTag/turnout:service": "hate-speech-api",
    "iam:PermissionsBoundary": BOUNDARY,
}
ARN = "arn:aws:{}:ap-northeast-2:123456789012:{}"
ROLE = "arn:aws:iam::123456789012:role/{}"


def boundary() -> list[dict[str, Any]]:
    text = named("aws:iam/policy:Policy", "moderation-boundary")["policy"]
    found: list[dict[str, Any]] = json.loads(text)["Statement"]
    return found


def documents() -> list[tuple[str, dict[str, Any]]]:
    whole = [(role, statement) for role in ROLES for statement in statements(role)]
    return [*whole, *(("boundary", statement) for statement in boundary())]


def test_every_action_is_one_that_aws_knows() -> None:
    unknown = [
        (where, action)
        for where, statement in documents()
        for action in listed(statement["Action"])
        if not known_actions(action)
    ]
    assert unknown == []


def test_no_statement_allows_a_whole_service() -> None:
    for where, statement in documents():
        for action in listed(statement["Action"]):
            assert not action.endswith(":*"), (where, action)
            assert action != "*", where


def test_what_is_allowed_everywhere_is_bounded_by_the_region() -> None:
    for where, statement in documents():
        if "*" in listed(statement["Resource"]):
            harmless = listed(statement["Action"]) == ["ecr:GetAuthorizationToken"]
            bounded = (
                "aws:RequestedRegion" in statement["Condition"].get("StringEquals", {})
                if ("Condition" in statement)
                else False
            )
            assert harmless or bounded, (where, statement["Sid"])


def test_an_action_is_narrowed_only_where_aws_can_narrow_it() -> None:
    wrong = [
        (where, action)
        for where, statement in documents()
        if "*" not in listed(statement["Resource"])
        for pattern in listed(statement["Action"])
        if "*" not in pattern
        for action in known_actions(pattern)
        if not resource_arns(action)
    ]
    assert wrong == []


def test_policies_fit_into_what_iam_holds_however_many_services_there_are() -> None:
    names = [f"{letter}{'x' * 31}" for letter in "abcdefghijklmnop"[:MOST_SERVICES]]
    zones = [f"Z{number:031}" for number in range(4)]
    # IAM quotas, white space aside: 10,240 characters in the policies of a role's own, 6,144 in
    # a shared one, ten shared ones on a role.
    most = {"aws:iam/rolePolicy:RolePolicy": 10_240, POLICY: 6_144}
    resources = plan({**SAID, "services": names, "zones": zones}).resources
    for found in resources:
        if found.type in most:
            length = len("".join(found.inputs["policy"].split()))
            assert length <= most[found.type], (found.name, length)
    attached = [r.inputs["role"] for r in resources if r.type.endswith(":RolePolicyAttachment")]
    assert max(attached.count(role) for role in attached) <= 10


def may(role: str, action: str, arn: str, **context: str) -> bool:
    return allows(statements(role), action, arn, {**HERE, **context})


def test_publishing_brings_images_and_models_and_removes_none() -> None:
    repository = ARN.format("ecr", "Repository/moderation-0123456")
    bucket = ARN.format("s3", "Bucket/moderation-models-0123456")
    assert may("publish", "ecr:PutImage", repository)
    assert may("publish", "s3:PutObject", f"{bucket}/x/turnout.json")
    assert not may("publish", "ecr:BatchDeleteImage", repository)
    assert not may("publish", "s3:DeleteObject", f"{bucket}/x/turnout.json")
    assert not may("publish", "ecs:UpdateService", ARN.format("ecs", "service/a/b"))


WRITES = (
    "ec2:CreateVpc",
    "ecs:UpdateService",
    "eks:CreateCluster",
    "iam:CreateRole",
    "iam:PassRole",
    "kms:PutKeyPolicy",
    "lambda:UpdateFunctionCode",
    "s3:PutObject",
    "s3:DeleteBucket",
    "sns:CreateTopic",
)


@pytest.mark.parametrize("action", WRITES)
def test_a_preview_changes_nothing(action: str) -> None:
    arns = [form.replace("${Partition}", "aws") for form in resource_arns(action)]
    for arn in [
        *arns,
        "*",
        ROLE.format("hate-speech-api-x"),
        "arn:aws:s3:::example-pulumi-state/x",
    ]:
        assert not may("preview", action, arn), arn


def test_a_preview_reads_no_secret_no_log_and_no_model() -> None:
    for action in ("secretsmanager:GetSecretValue", "logs:GetLogEvents", "kms:Decrypt"):
        assert not may("preview", action, "*"), action
    assert not may("preview", "s3:GetObject", "arn:aws:s3:::moderation-models-0123456/m")
    assert may("preview", "s3:GetObject", "arn:aws:s3:::example-pulumi-state/.pulumi/stacks/a.json")


def test_ci_makes_roles_only_under_the_boundary() -> None:
    role = ROLE.format("hate-speech-api-ecs-run-0123456")
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"):
        assert may("deploy-staging-ec2", action, role)
        assert not may("deploy-staging-ec2", action, role, **{"iam:PermissionsBoundary": "none"})
    for action in ("iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion"):
        assert not may("deploy-staging-ec2", action, role)


def test_ci_can_change_neither_its_own_roles_nor_the_boundary() -> None:
    for own in ("publish", "deploy-staging-ec2", "preview"):
        path = named("aws:iam/role:Role", f"moderation-{own}")["path"]
        role = ROLE.format(f"{path.strip('/')}/moderation-{own}-0123456")
        for action in ("iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRole"):
            assert not may("deploy-prod-ecs", action, role)
    policy = "arn:aws:iam::123456789012:policy/turnout-foundation/moderation-boundary-0123456"
    for action in ("iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:SetDefaultPolicyVersion"):
        assert not may("deploy-prod-ecs", action, policy)


def test_ci_touches_no_other_service_and_no_other_region() -> None:
    mine, other = (ARN.format("lambda", f"function:{n}-prod") for n in ("hate-speech-api", "pay"))
    assert may("deploy-prod-ecs", "lambda:UpdateFunctionCode", mine)
    assert not may("deploy-prod-ecs", "lambda:UpdateFunctionCode", other)
    abroad = {"aws:RequestedRegion": "us-east-1"}
    assert not may("deploy-prod-ecs", "ec2:CreateVpc", "*", **abroad)
    key = ARN.format("kms", "key/1")
    theirs = {"aws:ResourceTag/turnout:service": "pay"}
    assert not may("deploy-prod-ecs", "kms:ScheduleKeyDeletion", key, **theirs)


def test_ci_cannot_delete_the_models() -> None:
    for action in ("s3:DeleteObject", "s3:DeleteBucket", "s3:PutBucketPolicy"):
        assert not may("deploy-prod-ecs", action, "arn:aws:s3:::moderation-models-0123456/m")


def test_roles_that_ci_makes_are_passed_only_to_the_services_of_the_tiers() -> None:
    role = ROLE.format("hate-speech-api-ecs-run-0123456")
    to = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    assert may("deploy-staging-ec2", "iam:PassRole", role, **to)
    to = {"iam:PassedToService": "cloudformation.amazonaws.com"}
    assert not may("deploy-staging-ec2", "iam:PassRole", role, **to)


def test_no_role_that_ci_makes_reaches_rights_beyond_the_boundary() -> None:
    def within(action: str, arn: str, **context: str) -> bool:
        return allows(boundary(), action, arn, {**HERE, **context})

    ec2 = {"iam:PassedToService": "ec2.amazonaws.com"}
    assert within("s3:GetObject", "arn:aws:s3:::models/m")
    assert within("iam:PassRole", ROLE.format("hate-speech-api-eks-node-0123456"), **ec2)
    for role in ("Administrator", "turnout-foundation/moderation-deploy-prod-ecs-0123456"):
        assert not within("iam:PassRole", ROLE.format(role), **ec2)
    for action in ("iam:CreateUser", "iam:PutRolePolicy", "sts:AssumeRole", "s3:PutObject"):
        assert not within(action, "*")


# The action that each resource of a service begins with, and the ARN that it is asked for;
# `{name}` is the physical name as Pulumi makes it. AWS, "Service Authorization Reference".
FIRST_ACTION: dict[str, tuple[str, str]] = {
    "aws:acm/certificate:Certificate": ("acm:RequestCertificate", "*"),
    "aws:acm/certificateValidation:CertificateValidation": ("acm:DescribeCertificate", "*"),
    "aws:appautoscaling/policy:Policy": ("application-autoscaling:PutScalingPolicy", "*"),
    "aws:appautoscaling/scheduledAction:ScheduledAction": (
        "application-autoscaling:PutScheduledAction",
        "*",
    ),
    "aws:appautoscaling/target:Target": ("application-autoscaling:RegisterScalableTarget", "*"),
    "aws:autoscaling/group:Group": (
        "autoscaling:CreateAutoScalingGroup",
        ARN.format("autoscaling", "autoScalingGroup:1:autoScalingGroupName/{name}"),
    ),
    "aws:autoscaling/lifecycleHook:LifecycleHook": (
        "autoscaling:PutLifecycleHook",
        ARN.format("autoscaling", "autoScalingGroup:1:autoScalingGroupName/hate-speech-api-test"),
    ),
    "aws:autoscaling/policy:Policy": (
        "autoscaling:PutScalingPolicy",
        ARN.format("autoscaling", "autoScalingGroup:1:autoScalingGroupName/hate-speech-api-test"),
    ),
    "aws:autoscaling/schedule:Schedule": (
        "autoscaling:PutScheduledUpdateGroupAction",
        ARN.format("autoscaling", "autoScalingGroup:1:autoScalingGroupName/hate-speech-api-test"),
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        "cloudwatch:PutDashboard",
        "arn:aws:cloudwatch::123456789012:dashboard/{name}",
    ),
    "aws:cloudwatch/logGroup:LogGroup": ("logs:CreateLogGroup", "*"),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": ("logs:PutMetricFilter", "*"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        "cloudwatch:PutMetricAlarm",
        ARN.format("cloudwatch", "alarm:{name}"),
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ("ec2:RevokeSecurityGroupEgress", "*"),
    "aws:ec2/eip:Eip": ("ec2:AllocateAddress", "*"),
    "aws:ec2/flowLog:FlowLog": ("ec2:CreateFlowLogs", "*"),
    "aws:ec2/internetGateway:InternetGateway": ("ec2:CreateInternetGateway", "*"),
    "aws:ec2/launchTemplate:LaunchTemplate": ("ec2:CreateLaunchTemplate", "*"),
    "aws:ec2/natGateway:NatGateway": ("ec2:CreateNatGateway", "*"),
    "aws:ec2/route:Route": ("ec2:CreateRoute", "*"),
    "aws:ec2/routeTable:RouteTable": ("ec2:CreateRouteTable", "*"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ("ec2:AssociateRouteTable", "*"),
    "aws:ec2/securityGroup:SecurityGroup": ("ec2:CreateSecurityGroup", "*"),
    "aws:ec2/subnet:Subnet": ("ec2:CreateSubnet", "*"),
    "aws:ec2/vpc:Vpc": ("ec2:CreateVpc", "*"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ("ec2:CreateVpcEndpoint", "*"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": (
        "ecr:PutLifecyclePolicy",
        ARN.format("ecr", "repository/{name}"),
    ),
    "aws:ecr/repository:Repository": (
        "ecr:CreateRepository",
        ARN.format("ecr", "repository/{name}"),
    ),
    "aws:ecs/cluster:Cluster": ("ecs:CreateCluster", ARN.format("ecs", "cluster/{name}")),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": (
        "ecs:PutClusterCapacityProviders",
        ARN.format("ecs", "cluster/hate-speech-api-ecs-0123456"),
    ),
    "aws:ecs/service:Service": (
        "ecs:CreateService",
        ARN.format("ecs", "service/hate-speech-api-ecs-0123456/{name}"),
    ),
    "aws:ecs/taskDefinition:TaskDefinition": (
        "ecs:RegisterTaskDefinition",
        ARN.format("ecs", "task-definition/hate-speech-api:1"),
    ),
    "aws:eks/addon:Addon": ("eks:CreateAddon", "*"),
    "aws:eks/cluster:Cluster": ("eks:CreateCluster", "*"),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": (
        "eks:CreatePodIdentityAssociation",
        "*",
    ),
    "aws:iam/instanceProfile:InstanceProfile": (
        "iam:CreateInstanceProfile",
        "arn:aws:iam::123456789012:instance-profile/{name}",
    ),
    "aws:iam/role:Role": ("iam:CreateRole", ROLE.format("{name}")),
    "aws:iam/rolePolicy:RolePolicy": ("iam:PutRolePolicy", ROLE.format("{name}")),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (
        "iam:AttachRolePolicy",
        ROLE.format("{name}"),
    ),
    "aws:kms/key:Key": ("kms:CreateKey", "*"),
    "aws:lambda/alias:Alias": (
        "lambda:CreateAlias",
        ARN.format("lambda", "function:hate-speech-api-test"),
    ),
    "aws:lambda/function:Function": (
        "lambda:CreateFunction",
        ARN.format("lambda", "function:{name}"),
    ),
    "aws:lambda/permission:Permission": (
        "lambda:AddPermission",
        ARN.format("lambda", "function:hate-speech-api-test"),
    ),
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": (
        "lambda:PutProvisionedConcurrencyConfig",
        ARN.format("lambda", "function:hate-speech-api-test"),
    ),
    "aws:lb/listener:Listener": ("elasticloadbalancing:CreateListener", "*"),
    "aws:lb/listenerRule:ListenerRule": ("elasticloadbalancing:CreateRule", "*"),
    "aws:lb/loadBalancer:LoadBalancer": ("elasticloadbalancing:CreateLoadBalancer", "*"),
    "aws:lb/targetGroup:TargetGroup": ("elasticloadbalancing:CreateTargetGroup", "*"),
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": (
        "elasticloadbalancing:RegisterTargets",
        "*",
    ),
    "aws:route53/record:Record": (
        "route53:ChangeResourceRecordSets",
        "arn:aws:route53:::hostedzone/Z0123456789ABCDEF",
    ),
    "aws:s3/bucket:Bucket": ("s3:CreateBucket", "arn:aws:s3:::{name}"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        "s3:PutLifecycleConfiguration",
        "arn:aws:s3:::{name}",
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (
        "s3:PutBucketOwnershipControls",
        "arn:aws:s3:::{name}",
    ),
    "aws:s3/bucketPolicy:BucketPolicy": ("s3:PutBucketPolicy", "arn:aws:s3:::{name}"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        "s3:PutBucketPublicAccessBlock",
        "arn:aws:s3:::{name}",
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "s3:PutEncryptionConfiguration",
        "arn:aws:s3:::{name}",
    ),
    "aws:s3/bucketVersioning:BucketVersioning": (
        "s3:PutBucketVersioning",
        "arn:aws:s3:::{name}",
    ),
    "aws:sns/topic:Topic": ("sns:CreateTopic", ARN.format("sns", "{name}")),
    "aws:sns/topicPolicy:TopicPolicy": ("sns:SetTopicAttributes", ARN.format("sns", "{name}")),
    "aws:sns/topicSubscription:TopicSubscription": (
        "sns:Subscribe",
        ARN.format("sns", "hate-speech-api-alarms-0123456"),
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        "ec2:AuthorizeSecurityGroupEgress",
        "*",
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        "ec2:AuthorizeSecurityGroupIngress",
        "*",
    ),
    "aws:wafv2/webAcl:WebAcl": ("wafv2:CreateWebACL", "*"),
    "aws:wafv2/webAclAssociation:WebAclAssociation": ("wafv2:AssociateWebACL", "*"),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": (
        "wafv2:PutLoggingConfiguration",
        "*",
    ),
}


def test_the_first_actions_are_actions_of_aws() -> None:
    assert all(known_actions(action) == [action] for action, _ in FIRST_ACTION.values())


@pytest.mark.parametrize("kind", ["ec2", "ecs", "eks", "lambda"])
def test_ci_can_make_every_resource_of_every_tier(kind: str) -> None:
    refused = _refused(tier_made(kind, everything=True))
    assert refused == []


def test_ci_can_build_the_image_and_keep_a_function_warm() -> None:
    target = {"kind": "lambda", "provisioned_concurrency": 1}
    assert _refused(make(BASELINE, image={"build": True}, target=target)) == []


def _refused(resources: Sequence[PlannedResource]) -> list[str]:
    rights = statements("deploy-prod-ecs")
    found = []
    for resource in resources:
        if not resource.type.startswith("aws:"):
            continue
        action, arn = FIRST_ACTION[resource.type]
        physical = str(resource.inputs.get("name") or f"{resource.name}-0123456")
        if not allows(rights, action, arn.format(name=physical), HERE):
            found.append(f"{resource.urn}: {action}")
    return found
