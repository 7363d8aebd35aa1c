"""The bucket that the load balancer writes its access logs to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_aws import s3

from turnout.parts.account import Account
from turnout.parts.private_bucket import (
    Forgetting,
    private_bucket,
    reached_over_plain_http,
    refuse_plain_http,
)

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
        made = private_bucket(
            name,
            keep=args.keep,
            forgetting=Forgetting(objects=args.days, former_versions=1),
            tags=args.tags,
            parent=self,
            retain=args.keep,
        )
        bucket = made.bucket
        policy = s3.BucketPolicy(
            name,
            bucket=bucket.id,
            policy=bucket_policy(bucket.arn, args.account, tls_only=not reached_over_plain_http()),
            # Two writers of one bucket's access settings at once are refused by S3.
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[made.closed], retain_on_delete=args.keep
            ),
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
        statements.append(refuse_plain_http(bucket_arn))
    return pulumi.Output.json_dumps(
        {"Version": "2012-10-17", "Statement": statements}, sort_keys=True
    )
