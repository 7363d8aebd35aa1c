"""What the roles of CI can do and cannot, judged by AWS's own list of actions."""

import json
from typing import Any

import pytest
from tests.turnout.foundation.iam import (
    allows,
    condition_keys,
    conditions,
    known_actions,
    listed,
    resource_arns,
)
from tests.turnout.foundation.life import ARN, LIFE
from tests.turnout.foundation.programs import (
    OWN_POLICY,
    POLICY,
    SAID,
    example,
    named,
    plan,
    statements,
)

from turnout.config.foundation import MOST_DEPLOYED, MOST_SERVICES, MOST_SHARED

ROLES = ("publish", "preview", "deploy-staging-ec2", "deploy-prod-ecs")
BOUNDARY = (
    "arn:aws:iam:ap-northeast-2:123456789012:Policy/moderation-boundary-hate-speech-api-0123456"
)
HERE = {
    "aws:RequestedRegion": "ap-northeast-2",
    "aws:ResourceTag/turnout:service": "hate-speech-api",
    "iam:PermissionsBoundary": BOUNDARY,
}
ROLE = "arn:aws:iam::123456789012:role/{}"
STATE = "arn:aws:s3:::example-pulumi-state/.pulumi/{}"


def documents() -> list[tuple[str, dict[str, Any]]]:
    """Every statement of the example's foundation, with where it stands."""
    return [
        (found.name, statement)
        for found in example()
        if found.type in (POLICY, OWN_POLICY)
        for statement in json.loads(found.inputs["policy"])["Statement"]
    ]


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
            asked = statement.get("Condition", {}).get("StringEquals", {})
            assert harmless or "aws:RequestedRegion" in asked, (where, statement["Sid"])


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


# A key's policy is part of the request that makes it: the table names the right as one that
# kms:CreateKey depends on, and its own line knows no tags.
WITHOUT_ITS_OWN = {("kms:PutKeyPolicy", "aws:RequestTag")}


def test_a_condition_asks_only_for_what_the_action_knows() -> None:
    """A key that an action does not know is never there: its right would be none."""
    wrong = [
        (where, action, key)
        for where, statement in documents()
        for operator, key, wanted in conditions(statement)
        if key != "aws:RequestedRegion"
        and not operator.endswith("IfExists")
        and (operator, wanted) != ("Null", ["true"])
        for pattern in listed(statement["Action"])
        for action in known_actions(pattern)
        if key.partition("/")[0] not in condition_keys(action)
        and (action, key.partition("/")[0]) not in WITHOUT_ITS_OWN
    ]
    assert wrong == []


def test_policies_fit_into_what_iam_holds_however_many_services_there_are() -> None:
    names = [f"{letter}{'x' * 31}" for letter in "abcdefghijklmnop"[:MOST_SERVICES]]
    secret = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:"
    shared = {
        "zones": [f"Z{number:031}" for number in range(4)],
        "clusters": ["a" * 32, "b" * 32],
        "secrets": [f"{secret}{'k' * 40}-AbCd0{number}" for number in range(MOST_SHARED)],
        "models": {"buckets": [f"{'m' * 40}{number}" for number in range(MOST_SHARED)]},
        "github": {**SAID["github"], "environments": {"e" * 32: names[:MOST_DEPLOYED]}},
    }
    # IAM quotas, white space aside: 10,240 characters in the policies of a role's own, 6,144 in
    # a shared one, ten shared ones on a role.
    most = {OWN_POLICY: 10_240, POLICY: 6_144}
    resources = plan({**SAID, "services": names, **shared}).resources
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
    for arn in [*arns, "*", ROLE.format("hate-speech-api-x"), STATE.format("x")]:
        assert not may("preview", action, arn), arn


def test_a_preview_reads_no_secret_no_parameter_no_log_and_no_model() -> None:
    for action in (
        "kms:Decrypt",
        "logs:GetLogEvents",
        "secretsmanager:GetSecretValue",
        "ssm:GetParameter",
    ):
        assert not may("preview", action, "*"), action
    assert not may("preview", "s3:GetObject", "arn:aws:s3:::moderation-models-0123456/m")
    assert may("preview", "s3:GetObject", STATE.format("stacks/turnout/prod-ecs.json"))


def test_a_preview_sees_the_environment_of_no_other_function() -> None:
    assert may("preview", "lambda:GetFunction", ARN.format("lambda", "function:hate-speech-api-x"))
    assert not may("preview", "lambda:GetFunction", ARN.format("lambda", "function:pay-x"))


def test_a_deployment_reads_of_parameters_only_which_ubuntu_is_the_newest() -> None:
    parameter = "arn:aws:ssm:ap-northeast-2:{}:parameter/{}"
    ubuntu = parameter.format("", "aws/service/canonical/ubuntu/server/22.04/x/ami-id")
    assert may("deploy-prod-ecs", "ssm:GetParameters", ubuntu)
    own = parameter.format("123456789012", "hate-speech-api/password")
    assert not may("deploy-prod-ecs", "ssm:GetParameters", own)


def test_ci_makes_roles_only_under_the_boundary() -> None:
    role = ROLE.format("hate-speech-api-ecs-run-0123456")
    for action in (
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "iam:AttachRolePolicy",
        "iam:DeleteRolePolicy",
    ):
        assert may("deploy-prod-ecs", action, role)
        for other in ("none", BOUNDARY.replace("hate-speech-api", "hate-speech-public")):
            assert not may("deploy-prod-ecs", action, role, **{"iam:PermissionsBoundary": other})
    for action in ("iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion"):
        assert not may("deploy-prod-ecs", action, role)


def test_ci_says_whom_a_role_trusts_only_where_the_role_is_the_services() -> None:
    role = ROLE.format("hate-speech-api-by-hand")
    for action in ("iam:UpdateAssumeRolePolicy", "iam:TagRole"):
        assert may("deploy-prod-ecs", action, role)
        theirs = {"aws:ResourceTag/turnout:service": "pay"}
        assert not may("deploy-prod-ecs", action, role, **theirs)
        claimed = {**theirs, "aws:RequestTag/turnout:service": "hate-speech-api"}
        assert not may("deploy-prod-ecs", action, role, **claimed)


def test_ci_can_change_neither_its_own_roles_nor_the_boundary() -> None:
    for own in ("publish", "deploy-staging-ec2", "preview"):
        path = named("aws:iam/role:Role", f"moderation-{own}")["path"]
        role = ROLE.format(f"{path.strip('/')}/moderation-{own}-0123456")
        for action in ("iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRole"):
            assert not may("deploy-prod-ecs", action, role)
    policy = "arn:aws:iam::123456789012:policy/turnout-foundation/moderation-boundary-0123456"
    for action in ("iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:SetDefaultPolicyVersion"):
        assert not may("deploy-prod-ecs", action, policy)


def test_ci_touches_nothing_in_another_region() -> None:
    made = {"aws:RequestTag/turnout:service": "hate-speech-api"}
    abroad = {"aws:RequestedRegion": "us-east-1"}
    assert may("deploy-prod-ecs", "ec2:CreateVpc", "*", **made)
    assert not may("deploy-prod-ecs", "ec2:CreateVpc", "*", **made, **abroad)


# What CI does to resources that can be told by neither name nor tag, and why that is harmless.
NOBODYS = {
    "acm:DescribeCertificate": "reads",
    "application-autoscaling:PutScalingPolicy": "adds to how tasks scale",
    "application-autoscaling:PutScheduledAction": "adds to how tasks scale",
    "application-autoscaling:RegisterScalableTarget": "adds to how tasks scale",
    "ec2:CreateSecurityGroup": "in a VPC that exists; the group is new",
    "ec2:DeleteNetworkInterface": "EC2 deletes none that is in use",
    "ec2:DisassociateAddress": "the address's tag decides",
    "ec2:AuthorizeSecurityGroupEgress": "the group's tag decides",
    "ec2:AuthorizeSecurityGroupIngress": "the group's tag decides",
    "ec2:ModifySecurityGroupRules": "the group's tag decides",
    "ec2:RunInstances": "starts what is new",
    "elasticloadbalancing:SetWebAcl": "wafv2:AssociateWebACL names the load balancer",
    "kms:CreateGrant": "to AWS's own services alone",
    "kms:EnableKeyRotation": "keeps what is encrypted readable",
    "logs:CreateLogDelivery": "AWS knows no resource of it",
    "logs:DeleteLogDelivery": "AWS knows no resource of it",
    "logs:PutResourcePolicy": "AWS knows no resource of it",
    "route53:ChangeResourceRecordSets": "in the zones of the foundation",
    "route53:GetChange": "reads",
    "sns:Unsubscribe": "AWS knows no resource of it",
    "ssm:GetParameters": "of Canonical's",
    "wafv2:CreateWebACL": "of rules that are AWS's own",
    "wafv2:UpdateWebACL": "of rules that are AWS's own",
}


@pytest.mark.parametrize("other", ["hate-speech-public", "pay"])
def test_a_deploy_role_touches_nothing_of_a_service_that_its_environment_does_not_deploy(
    other: str,
) -> None:
    names = {
        "name": f"{other}-alb-logs-0123456",
        "service": other,
        "balancer": f"{other}-alb",
        "functions": f"{other}-lambda",
    }
    rights = statements("deploy-prod-ecs")
    theirs = {**HERE, "aws:ResourceTag/turnout:service": other}
    claimed = {**theirs, "aws:RequestTag/turnout:service": "hate-speech-api"}
    reached = {
        step.action
        for steps in LIFE.values()
        for step in steps
        for arn in [step.arn.format(**names)]
        for context in ([theirs, claimed] if "Tag" in step.action else [theirs])
        if allows(rights, step.action, arn, {**context, **step.says})
        # A tag that comes while something is made is no change of another's.
        and not (context is claimed and "ec2:CreateAction" in step.says)
    }
    assert reached - set(NOBODYS) == set()


def test_ci_cannot_delete_what_bears_no_tag() -> None:
    untagged = {"aws:RequestedRegion": "ap-northeast-2"}
    rights = statements("deploy-prod-ecs")
    for action, resource in [
        ("acm:DeleteCertificate", ARN.format("acm", "certificate/0")),
        ("ec2:DeleteVpc", ARN.format("ec2", "vpc/vpc-0")),
        ("ec2:ReplaceRoute", ARN.format("ec2", "route-table/rtb-0")),
        ("ec2:AuthorizeSecurityGroupIngress", ARN.format("ec2", "security-group/sg-0")),
        ("kms:ScheduleKeyDeletion", ARN.format("kms", "key/0")),
    ]:
        assert not allows(rights, action, resource, untagged), action


def test_ci_marks_as_its_own_only_what_is_made_or_marked_already() -> None:
    rights = statements("deploy-prod-ecs")
    mine = {
        "aws:RequestedRegion": "ap-northeast-2",
        "aws:RequestTag/turnout:service": "hate-speech-api",
    }
    vpc = ARN.format("ec2", "vpc/vpc-0")
    assert not allows(rights, "ec2:CreateTags", vpc, mine)
    assert allows(rights, "ec2:CreateTags", vpc, {**mine, "ec2:CreateAction": "CreateVpc"})
    theirs = {**mine, "aws:ResourceTag/turnout:service": "pay"}
    for action, resource in [
        ("acm:AddTagsToCertificate", ARN.format("acm", "certificate/0")),
        ("ec2:CreateTags", ARN.format("ec2", "security-group/sg-0")),
        ("kms:TagResource", ARN.format("kms", "key/0")),
    ]:
        assert not allows(rights, action, resource, theirs), action


def test_a_key_that_has_an_alias_is_somebody_elses() -> None:
    key = ARN.format("kms", "key/0")
    mine = {"aws:RequestTag/turnout:service": "hate-speech-api"}
    rights = statements("deploy-prod-ecs")
    bare = {"aws:RequestedRegion": "ap-northeast-2", **mine}
    assert allows(rights, "kms:TagResource", key, bare)
    aliased = {"kms:ResourceAliases": "alias/payroll"}
    assert not allows(rights, "kms:TagResource", key, {**bare, **aliased})


def test_ci_cannot_delete_the_models() -> None:
    for action in ("s3:DeleteObject", "s3:DeleteBucket", "s3:PutBucketPolicy"):
        assert not may("deploy-prod-ecs", action, "arn:aws:s3:::moderation-models-0123456/m")


def test_of_buckets_and_repositories_that_begin_with_its_name_a_service_has_only_its_own() -> None:
    own = "arn:aws:s3:::hate-speech-api-{}"
    assert may("deploy-prod-ecs", "s3:DeleteObject", own.format("alb-logs-0123456/x"))
    assert not may("deploy-prod-ecs", "s3:DeleteObject", own.format("models/x"))
    repository = ARN.format("ecr", "repository/hate-speech-api{}")
    assert may("deploy-prod-ecs", "ecr:BatchDeleteImage", repository.format("-image-0123456"))
    assert not may("deploy-prod-ecs", "ecr:BatchDeleteImage", repository.format("-server"))


def test_ci_marks_deployed_images_of_the_registry_and_deletes_none() -> None:
    repository = ARN.format("ecr", "Repository/moderation-0123456")
    assert may("deploy-prod-ecs", "ecr:PutImage", repository)
    assert may("deploy-prod-ecs", "ecr:BatchGetImage", repository)
    for action in ("ecr:BatchDeleteImage", "ecr:UploadLayerPart", "ecr:PutLifecyclePolicy"):
        assert not may("deploy-prod-ecs", action, repository), action


def test_roles_that_ci_makes_are_passed_only_to_the_services_of_the_tiers() -> None:
    role = ROLE.format("hate-speech-api-ecs-run-0123456")
    to = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    assert may("deploy-prod-ecs", "iam:PassRole", role, **to)
    to = {"iam:PassedToService": "cloudformation.amazonaws.com"}
    assert not may("deploy-prod-ecs", "iam:PassRole", role, **to)


@pytest.mark.parametrize("stack", ["prod-eks", "foundation", "prod-ecs.eu", "prod-ecs-2"])
def test_a_deploy_role_reaches_the_state_of_no_other_stack(stack: str) -> None:
    files = (f"stacks/turnout/{stack}.json", f"history/turnout/{stack}/1.json")
    for file in files:
        for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
            assert may("deploy-prod-ecs", action, STATE.format(file.replace(stack, "prod-ecs")))
            assert not may("deploy-prod-ecs", action, STATE.format(file)), file


def test_what_says_how_state_is_laid_out_is_read_and_never_written() -> None:
    assert may("deploy-prod-ecs", "s3:GetObject", STATE.format("meta.yaml"))
    assert not may("deploy-prod-ecs", "s3:PutObject", STATE.format("meta.yaml"))
