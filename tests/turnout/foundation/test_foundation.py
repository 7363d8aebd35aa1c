"""The foundation: registry, model bucket, and whom GitHub's tokens let in."""

import json
from typing import Any

import pytest
from tests.turnout.foundation.programs import SAID, example, named, plan, trust

from turnout.plan import ProgramError

SUBJECT = "token.actions.githubusercontent.com:sub"
AUDIENCE = "token.actions.githubusercontent.com:aud"


def test_images_are_scanned_cannot_be_overwritten_and_grow_old() -> None:
    repository = named("aws:ecr/repository:Repository", "moderation")
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert named("aws:ecr/lifecyclePolicy:LifecyclePolicy", "moderation")


def test_what_is_deployed_outlives_what_only_was_built() -> None:
    text = named("aws:ecr/lifecyclePolicy:LifecyclePolicy", "moderation")["policy"]
    rules = sorted(json.loads(text)["rules"], key=lambda rule: rule["rulePriority"])
    # ECR, "Lifecycle policy evaluation": no rule takes what an earlier one is about.
    assert rules[0]["selection"]["tagPrefixList"] == ["deployed-"]
    assert rules[0]["selection"]["countType"] == "imageCountMoreThan"
    assert rules[0]["selection"]["countNumber"] > rules[-1]["selection"]["countNumber"]
    assert rules[-1]["selection"]["tagStatus"] == "any"


def test_lambda_pulls_for_this_accounts_functions_alone() -> None:
    text = named("aws:ecr/repositoryPolicy:RepositoryPolicy", "moderation")["policy"]
    (statement,) = json.loads(text)["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws:lambda:ap-northeast-2:123456789012:function:*"},
    }


def test_models_keep_their_former_versions_for_a_while() -> None:
    name = "moderation-models"
    versioning = named("aws:s3/bucketVersioning:BucketVersioning", name)
    assert versioning["versioningConfiguration"] == {"status": "Enabled"}
    (rule,) = named("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", name)[
        "rules"
    ]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 90}
    assert "expiration" not in rule


def test_models_are_closed_to_the_public() -> None:
    block = named("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "moderation-models")
    flags = {key: value for key, value in block.items() if key != "bucket"}
    assert set(flags.values()) == {True}
    assert len(flags) == 4


def test_models_are_reached_over_tls_only() -> None:
    text = named("aws:s3/bucketPolicy:BucketPolicy", "moderation-models")["policy"]
    refusals = {s["Sid"]: s for s in json.loads(text)["Statement"]}
    plain = refusals["RefusePlainHttp"]
    assert (plain["Effect"], plain["Principal"], plain["Action"]) == ("Deny", "*", "s3:*")
    assert plain["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(plain["Resource"]) == 2


def test_what_is_costly_to_lose_is_protected_unless_told_otherwise() -> None:
    guarded = {r.type for r in example() if r.protect}
    assert guarded == {
        "aws:ecr/repository:Repository",
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "aws:s3/bucket:Bucket",
    }
    assert not [r for r in plan({**SAID, "keep": False}).resources if r.protect]


@pytest.mark.parametrize(
    ("role", "subjects"),
    [
        ("publish", ["repo:example/hate-speech-api:ref:refs/heads/main"]),
        ("deploy-staging-ec2", ["repo:example/hate-speech-api:environment:staging-ec2"]),
        ("deploy-prod-ecs", ["repo:example/hate-speech-api:environment:prod-ecs"]),
        (
            "preview",
            [
                "repo:example/hate-speech-api:pull_request",
                "repo:example/hate-speech-api:ref:refs/heads/main",
            ],
        ),
    ],
)
def test_each_role_is_for_exactly_its_occasion(role: str, subjects: list[str]) -> None:
    statement = trust(role)
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert set(statement["Condition"]) == {"StringEquals"}
    assert statement["Condition"]["StringEquals"] == {
        AUDIENCE: "sts.amazonaws.com",
        SUBJECT: subjects,
    }


def test_no_key_is_made_that_could_leak() -> None:
    assert not [r for r in example() if "accessKey" in r.type or "iam/user" in r.type]


def test_the_provider_is_githubs_and_an_accounts_own_is_used_where_named() -> None:
    token = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    provider = named(token, "moderation-github")
    assert provider["url"] == "https://token.actions.githubusercontent.com"
    assert provider["clientIdLists"] == ["sts.amazonaws.com"]
    arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    given = plan({**SAID, "github": {**SAID["github"], "provider": arn}}).resources
    assert not [r for r in given if r.type == token]
    (role,) = [
        r for r in given if r.type.endswith(":Role") and r.name == "moderation-publish" and r.custom
    ]
    (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert statement["Principal"] == {"Federated": arn}


def test_previews_can_be_left_out() -> None:
    without = plan({**SAID, "github": {**SAID["github"], "previews": False}})
    assert not [r for r in without.resources if r.name == "moderation-preview"]
    assert without.outputs.get("previewRoleArn") is None


def test_the_stack_says_what_workflows_and_stack_files_ask_for() -> None:
    assert set(plan(SAID).outputs) == {
        "repositoryUrl",
        "modelBucket",
        "permissionsBoundaries",
        "publishRoleArn",
        "previewRoleArn",
        "deployRoleArns",
    }


def test_each_service_has_a_boundary_of_its_own() -> None:
    assert set(plan(SAID).outputs["permissionsBoundaries"]) == set(SAID["services"])


def attached(role: str, **changes: Any) -> set[str]:
    """The services whose resources a deploy role can change."""
    return {
        found.name.removeprefix(f"moderation-{role}-make-").rpartition("-")[0]
        for found in plan({**SAID, **changes}).resources
        if found.type.endswith(":RolePolicyAttachment")
        and found.name.startswith(f"moderation-{role}-make-")
    }


def test_an_environment_deploys_the_services_that_it_names() -> None:
    assert attached("deploy-staging-ec2") == {"hate-speech-staging"}
    assert attached("deploy-prod-ecs") == {"hate-speech-api"}


def test_an_environment_that_names_none_deploys_all() -> None:
    github = {**SAID["github"], "environments": ["staging"]}
    assert attached("deploy-staging", github=github) == set(SAID["services"])


def test_everything_that_takes_tags_says_whose_it_is() -> None:
    for found in example():
        if "tags" in found.inputs:
            assert found.inputs["tags"]["turnout:foundation"] == "moderation"


def test_a_foundation_and_a_service_are_two_stacks() -> None:
    service: dict[str, Any] = {"name": "api", "target": "local"}
    with pytest.raises(ProgramError, match="give each its own stack"):
        plan(SAID, **{"turnout:service": json.dumps(service)})


def test_what_is_wrong_is_said_with_its_place() -> None:
    with pytest.raises(ProgramError, match=r"turnout:foundation\.github\.repository: "):
        plan({**SAID, "github": {"repository": "not a repository"}})
