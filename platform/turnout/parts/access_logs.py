"""The bucket that the load balancer writes its access logs to."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_aws import s3

from turnout import naming
from turnout.parts.account import Account

PREFIX: Final = "alb"
# Elastic Load Balancing, "Enable access logs for your Application Load Balancer": the principal
# for every region; the accounts that each older region had are kept by AWS for old policies only.
LOG_DELIVERY: Final = "logdelivery.elasticloadbalancing.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class AccessLogsArgs:
    """`days` that a log is kept; with `keep` the bucket outlives the stack."""

    days: int
    keep: bool
    account: Account
    tags: Mapping[str, str]


class AccessLogs(pulumi.ComponentResource):
    """A private, encrypted, versioned bucket that forgets."""

    bucket: pulumi.Output[str]
    prefix: str
    writable: pulumi.Resource
    """The policy without which the load balancer cannot write."""

    def __init__(
        self, name: str, args: AccessLogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:parts:AccessLogs", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        bucket = s3.Bucket(
            naming.logical(name, naming.BUCKET),
            force_destroy=not args.keep,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=args.keep),
        )
        closed = s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        s3.BucketOwnershipControls(
            name, bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=child
        )
        s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.id,
            # Log delivery knows no other: it cannot use a KMS key.
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=child,
        )
        versioning = s3.BucketVersioning(
            name, bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=child
        )
        s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.id,
            rules=[
                {
                    "id": "forget",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "expiration": {"days": args.days},
                    "noncurrent_version_expiration": {"noncurrent_days": 1},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
                }
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        policy = s3.BucketPolicy(
            name,
            bucket=bucket.id,
            policy=bucket_policy(bucket.arn, args.account, tls_only=not reached_over_plain_http()),
            # Two writers of one bucket's access settings at once are refused by S3.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),
        )
        self.bucket = bucket.id
        self.prefix = PREFIX
        self.writable = policy
        self.register_outputs({"bucket": self.bucket})


def bucket_policy(
    bucket_arn: pulumi.Input[str], account: Account, *, tls_only: bool
) -> pulumi.Output[str]:
    """Load balancers of this account may write; with `tls_only` nobody reads without TLS."""
    statements: list[dict[str, Any]] = [
        {
            "Sid": "WriteAccessLogs",
            "Effect": "Allow",
            "Principal": {"Service": LOG_DELIVERY},
            "Action": "s3:PutObject",
            # The service writes each account's logs below that account's id, and only there.
            "Resource": pulumi.Output.concat(
                bucket_arn, f"/{PREFIX}/AWSLogs/", account.account_id, "/*"
            ),
        }
    ]
    if tls_only:
        statements.append(
            {
                "Sid": "RefusePlainHttp",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [bucket_arn, pulumi.Output.concat(bucket_arn, "/*")],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        )
    return pulumi.Output.json_dumps(
        {"Version": "2012-10-17", "Statement": statements}, sort_keys=True
    )


def reached_over_plain_http() -> bool:
    """Whether the stack's own S3 endpoint is http://, as an emulator's is.

    A policy that refuses plain HTTP would then lock out the very `up` that writes it.
    """
    endpoints = pulumi.Config("aws").get_object("endpoints") or []
    told = [entry.get("s3") for entry in endpoints if isinstance(entry, dict)]
    told += [os.environ.get("AWS_ENDPOINT_URL_S3"), os.environ.get("AWS_ENDPOINT_URL")]
    return any(url.startswith("http://") for url in told if url)
