"""A service's boundary: all that its roles use, of every tier, and nothing beyond."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data
from tests.turnout.foundation.iam import Statement, allows, conditions, listed
from tests.turnout.foundation.life import ARN
from tests.turnout.foundation.programs import POLICY, SAID, named, plan
from tests.turnout.programs import EVERYTHING, KINDS, SECRET, tier_made

REGION: Final = "ap-northeast-2"
HERE: Final = {"aws:RequestedRegion": REGION}
CLUSTER: Final = "hate-speech-api-test"


def boundary() -> list[dict[str, Any]]:
    text = named(POLICY, "moderation-boundary-hate-speech-api")["policy"]
    found: list[dict[str, Any]] = json.loads(text)["Statement"]
    return found


def within(action: str, arn: str, **context: str) -> bool:
    return allows(boundary(), action, arn, {**HERE, **context})


def context_of(statement: Statement) -> dict[str, str]:
    """What a request says that fulfils the statement's conditions, made by the cluster's role."""
    marked = "${aws:PrincipalTag/eks:eks-cluster-name}"
    return {
        **HERE,
        **{
            key: wanted[0].replace(marked, CLUSTER)
            for operator, key, wanted in conditions(statement)
            if not operator.startswith("ForAllValues")
        },
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_right_that_a_tier_gives_to_its_roles_is_within_the_boundary(kind: str) -> None:
    model = EVERYTHING["model"]["uri"].removeprefix("s3://").partition("/")[0]
    foundation = plan({**SAID, "models": {"buckets": [model]}, "secrets": [SECRET]})
    (text,) = [
        found.inputs["policy"]
        for found in foundation.resources
        if found.name == "moderation-boundary-hate-speech-api"
    ]
    limit = json.loads(text)["Statement"]
    beyond = [
        (role.name, action, resource)
        for role in tier_made(kind, everything=True)
        if role.type == "aws:iam/rolePolicy:RolePolicy"
        for statement in json.loads(role.inputs["policy"])["Statement"]
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        if not allows(limit, action, resource, context_of(statement))
    ]
    assert beyond == []


# What AWS's policies for EKS give beside what Auto Mode does for a service here.
NOT_USED: Final[Mapping[str, str]] = {
    "ec2:AssociateTrunkInterface": "security groups of single pods",
    "ec2:AssignIpv6Addresses": "the clusters are of IPv4",
    "ec2:DisassociateTrunkInterface": "security groups of single pods",
    "ec2:EnableFastSnapshotRestores": "the service has no volume",
    "ec2:UnassignIpv6Addresses": "the clusters are of IPv4",
    "iam:CreateServiceLinkedRole": "CI makes those",
    "iam:PassRole": "only the service's own",
    "ssm:GetParameter": "the agent's configuration comes with the add-on",
}
# Without a condition in AWS's policies: groups of machines that no service here asks for, and what
# the boundary takes only with the cluster's mark.
OF_WHATEVER_MARK: Final = (
    "capacity-reservation/*",
    "placement-group/*",
    "snapshot/*",
    "volume/*",
)
LOGS: Final = f"log-group:/aws/containerinsights/{CLUSTER}/application:log-stream:x"


def here(arn: str) -> str:
    """An ARN of any region and account as one of this region and account."""
    arn = arn.replace(":*:*:", f":{REGION}:123456789012:").replace(":*::", f":{REGION}::")
    return arn.replace("::*:", "::123456789012:")


def granted(policy: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Action, resource and context of everything that an AWS managed policy gives."""
    (statements,) = (
        document["Document"]["Statement"]
        for name, document in json.loads(aws_managed_policies_data).items()
        if name == policy
    )
    for statement in statements:
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                if action.startswith("logs:") and "Describe" not in action:
                    resource = ARN.format("logs", LOGS)
                if action.startswith("eks-auth:"):
                    resource = ARN.format("eks", f"cluster/{CLUSTER}")
                yield action, resource, context_of(statement)


@pytest.mark.parametrize(
    "policy",
    [
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEKSBlockStoragePolicy",
        "AmazonEKSComputePolicy",
        "AmazonEKSNetworkingPolicy",
        "AmazonEKSWorkerNodeMinimalPolicy",
        "CloudWatchAgentServerPolicy",
    ],
)
def test_what_aws_gives_to_a_cluster_in_auto_mode_is_within_the_boundary(policy: str) -> None:
    beyond = [
        (action, resource)
        for action, resource, context in granted(policy)
        if action not in NOT_USED
        and not resource.endswith(OF_WHATEVER_MARK)
        and not allows(boundary(), action, here(resource), context)
    ]
    assert beyond == []


def test_machines_of_the_services_own_cluster_alone_are_made_and_changed() -> None:
    for cluster, may in ((CLUSTER, True), ("pay-prod", False)):
        made = {"aws:RequestTag/eks:eks-cluster-name": cluster}
        assert within("ec2:RunInstances", ARN.format("ec2", "instance/i-0"), **made) is may
        marked = {"aws:ResourceTag/eks:eks-cluster-name": cluster}
        volume = ARN.format("ec2", "volume/vol-0")
        assert within("ec2:DetachVolume", volume, **marked) is may
        assert within("ec2:CreateTags", volume, **marked) is False


def test_models_are_read_from_the_foundations_bucket_alone() -> None:
    bucket = ARN.format("s3", "Bucket/moderation-models-0123456")
    assert within("s3:GetObject", f"{bucket}/k-mhas/turnout.json")
    assert within("s3:ListBucket", bucket)
    for other in ("payroll/x", "example-pulumi-state/.pulumi/stacks/turnout/prod-ecs.json"):
        assert not within("s3:GetObject", f"arn:aws:s3:::{other}")


def test_secrets_are_read_only_where_they_are_named_after_the_service() -> None:
    def secret(name: str) -> bool:
        return within(
            "secretsmanager:GetSecretValue", ARN.format("secretsmanager", f"secret:{name}-AbCdEf")
        )

    assert secret("hate-speech-api-keys")
    assert secret("hate-speech-api/keys")
    assert not secret("hate-speech-public-keys")
    assert not secret("payroll")


def test_keys_decrypt_what_comes_from_s3_and_secrets_manager_and_nothing_by_themselves() -> None:
    key = ARN.format("kms", "key/0")
    for service in ("s3", "secretsmanager"):
        via = {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"}
        assert within("kms:Decrypt", key, **via)
    assert not within("kms:Decrypt", key)
    assert not within("kms:Decrypt", key, **{"kms:ViaService": f"rds.{REGION}.amazonaws.com"})


@pytest.mark.parametrize(
    "action",
    [
        "autoscaling:UpdateAutoScalingGroup",
        "ec2:DeleteSecurityGroup",
        "ec2:DeleteVpc",
        "ec2:RevokeSecurityGroupIngress",
        "ec2:TerminateInstances",
        "elasticloadbalancing:DeleteLoadBalancer",
        "iam:CreateUser",
        "iam:PutRolePolicy",
        "kms:CreateGrant",
        "logs:GetLogEvents",
        "s3:PutObject",
        "ssm:GetParameter",
        "ssm:PutParameter",
        "ssm:SendCommand",
        "sts:AssumeRole",
    ],
)
def test_no_role_of_a_service_can(action: str) -> None:
    assert not within(action, "*")
    mine = {
        "aws:ResourceTag/turnout:service": "hate-speech-api",
        "aws:ResourceTag/eks:eks-cluster-name": CLUSTER,
    }
    assert not within(action, "*", **mine)


def test_logs_are_written_to_the_services_own_groups_alone() -> None:
    def group(name: str) -> bool:
        return within("logs:PutLogEvents", ARN.format("logs", f"log-group:{name}:log-stream:x"))

    for own in (
        "/ec2/hate-speech-api",
        "/ecs/hate-speech-api",
        f"/aws/lambda/{CLUSTER}",
        f"/aws/containerinsights/{CLUSTER}/host",
    ):
        assert group(own)
    assert not group("/ecs/hate-speech-public")
    assert not group("/ecs/hate-speech-apis")


def test_only_the_services_own_roles_are_handed_to_machines() -> None:
    role = "arn:aws:iam::123456789012:role/{}"
    ec2 = {"iam:PassedToService": "ec2.amazonaws.com"}
    assert within("iam:PassRole", role.format("hate-speech-api-eks-node-0123456"), **ec2)
    for other in (
        "Administrator",
        "hate-speech-public-eks-node-0123456",
        "turnout-foundation/moderation-deploy-prod-ecs-0123456",
    ):
        assert not within("iam:PassRole", role.format(other), **ec2)
