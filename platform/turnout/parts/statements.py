"""IAM statements, each with no more than its purpose needs; documents as plain data."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi

from turnout.contract import ModelSource, Workload
from turnout.parts.account import Account

# AWS account ids in an image's registry: Amazon ECR, "Private registry".
_ECR: Final = re.compile(
    r"(?P<host>(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"amazonaws\.com(?:\.cn)?)/(?P<repository>[a-z0-9._/-]+)"
)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One thing that a role may do."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[pulumi.Input[str]]
    conditions: Mapping[str, Mapping[str, pulumi.Input[Any]]] = field(default_factory=dict)


def document(statements: Sequence[Statement]) -> pulumi.Output[str]:
    """The policy document that allows `statements`, in a stable order."""
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": statement.sid,
                    "Effect": "Allow",
                    "Action": sorted(statement.actions),
                    "Resource": list(statement.resources),
                    **({"Condition": statement.conditions} if statement.conditions else {}),
                }
                for statement in statements
            ],
        },
        sort_keys=True,
    )


def trust(
    service: str,
    conditions: Mapping[str, Mapping[str, pulumi.Input[Any]]] | None = None,
    *,
    tag_session: bool = False,
) -> pulumi.Output[str]:
    """The trust policy of a role that the AWS service `service` assumes.

    `conditions` keep another account from using the service as its deputy: aws:SourceAccount,
    aws:SourceArn. With `tag_session` the service may mark its sessions, as EKS and its Pod
    Identity do.
    """
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": ["sts:AssumeRole", "sts:TagSession"]
                    if tag_session
                    else "sts:AssumeRole",
                    **({"Condition": conditions} if conditions else {}),
                }
            ],
        },
        sort_keys=True,
    )


def ecr_repository(image: str, partition: str = "aws") -> str | None:
    """The ARN of the ECR repository that `image` is in; None for any other registry."""
    match = _ECR.match(image.partition("@")[0])
    if match is None:
        return None
    return (
        f"arn:{partition}:ecr:{match['region']}:{match['account']}:repository/{match['repository']}"
    )


def repository_arn(reference: str, account: Account) -> pulumi.Output[str] | None:
    """The ARN of the ECR repository that an image or a repository's URL names; None elsewhere."""
    if ecr_repository(reference) is None:
        return None
    return account.partition.apply(lambda partition: str(ecr_repository(reference, partition)))


@dataclass(frozen=True)
class EcrRegistry:
    """A registry of Amazon ECR: its host name, and the region whose credentials it takes."""

    host: str
    region: str


def ecr_registry(image: str) -> EcrRegistry | None:
    """The ECR registry that `image` is in; None for any other."""
    match = _ECR.match(image.partition("@")[0])
    return None if match is None else EcrRegistry(host=match["host"], region=match["region"])


def log_in_to_ecr() -> Statement:
    """The login that every pull from ECR starts with. It takes no resource but `*`."""
    return Statement(sid="LogInToEcr", actions=["ecr:GetAuthorizationToken"], resources=["*"])


def pull_image(repository_arn: pulumi.Input[str]) -> Statement:
    """Pulling from this repository and no other."""
    return Statement(
        sid="PullImage",
        actions=[
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
        ],
        resources=[repository_arn],
    )


def use_image(repository_arn: pulumi.Input[str] | None) -> list[Statement]:
    """Logging in and pulling; nothing for an image that is in no ECR repository."""
    return [] if repository_arn is None else [log_in_to_ecr(), pull_image(repository_arn)]


def read_at_start(workload: Workload, account: Account) -> list[Statement]:
    """What the server reads before it serves: its model, its API keys, and no more."""
    return [*_read_model(workload.model, account), *_read_secret(workload, account)]


def _read_model(model: ModelSource | None, account: Account) -> list[Statement]:
    if model is None or not model.uri.startswith("s3://"):
        return []
    bucket, _, prefix = model.uri.removeprefix("s3://").strip("/").partition("/")
    bucket_arn = account.arn("s3", bucket, region=False, account=False)
    objects = pulumi.Output.concat(bucket_arn, f"/{prefix}/*")
    # Amazon S3, "Using server-side encryption with AWS KMS keys": the context is the object, or
    # the bucket where it has a bucket key.
    decrypt = _decrypt(
        "DecryptModel", model.kms_key, "s3", {"aws:s3:arn": [objects, bucket_arn]}, account
    )
    return [
        Statement(
            sid="ListModel",
            actions=["s3:ListBucket"],
            resources=[bucket_arn],
            conditions={"StringLike": {"s3:prefix": [prefix, f"{prefix}/*"]}},
        ),
        Statement(
            sid="ReadModel",
            actions=["s3:GetObject"],
            resources=[objects],
        ),
        *decrypt,
    ]


def _read_secret(workload: Workload, account: Account) -> list[Statement]:
    secret = workload.api_keys_secret
    if secret is None:
        return []
    read = Statement(
        sid="ReadApiKeys", actions=["secretsmanager:GetSecretValue"], resources=[secret]
    )
    # AWS Secrets Manager, "Secret encryption and decryption": the context names the secret.
    context: dict[str, list[pulumi.Input[str]]] = {"SecretARN": [secret]}
    key = workload.api_keys_kms_key
    return [read, *_decrypt("DecryptApiKeys", key, "secretsmanager", context, account)]


def _decrypt(
    sid: str,
    key: str | None,
    service: str,
    context: Mapping[str, Sequence[pulumi.Input[str]]],
    account: Account,
) -> list[Statement]:
    """Decrypting with a key of the account's own: through `service` alone, and this `context`."""
    if key is None:
        return []
    via = pulumi.Output.concat(f"{service}.{key.split(':')[3]}.", account.dns_suffix)
    return [
        Statement(
            sid=sid,
            actions=["kms:Decrypt"],
            resources=[key],
            conditions={
                "StringEquals": {"kms:ViaService": via},
                "StringLike": {
                    f"kms:EncryptionContext:{name}": list(values)
                    for name, values in context.items()
                },
            },
        )
    ]


def write_logs(log_group_arn: pulumi.Input[str]) -> Statement:
    """Writing to this log group's streams."""
    return Statement(
        sid="WriteLogs",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[pulumi.Output.concat(log_group_arn, ":log-stream:*")],
    )
