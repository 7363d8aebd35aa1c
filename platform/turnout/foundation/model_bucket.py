"""The bucket that models are published to and fetched from."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from turnout.parts.private_bucket import (
    Forgetting,
    private_bucket,
    reached_over_plain_http,
    refuse,
    refuse_plain_http,
)


@dataclass(frozen=True, kw_only=True)
class ModelBucketArgs:
    """`noncurrent_days` that former versions are kept; with `keep` no `destroy` removes it."""

    noncurrent_days: int
    keep: bool
    tags: Mapping[str, str]


class ModelBucket(pulumi.ComponentResource):
    """Private, encrypted, versioned, and reached over TLS only."""

    arn: pulumi.Output[str]
    name: pulumi.Output[str]

    def __init__(
        self, name: str, args: ModelBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:foundation:ModelBucket", name, None, opts)
        made = private_bucket(
            name,
            keep=args.keep,
            forgetting=Forgetting(objects=None, former_versions=args.noncurrent_days),
            tags=args.tags,
            parent=self,
            protect=args.keep,
        )
        bucket = made.bucket
        if not reached_over_plain_http():
            s3.BucketPolicy(
                name,
                bucket=bucket.id,
                policy=tls_only(bucket.arn),
                # Two writers of one bucket's access settings at once are refused by S3.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[made.closed]),
            )
        self.arn = bucket.arn
        self.name = bucket.id
        self.register_outputs({"arn": self.arn, "name": self.name})


def tls_only(bucket_arn: pulumi.Input[str]) -> pulumi.Output[str]:
    """The bucket policy that refuses everybody without TLS, and TLS before 1.2."""

    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                refuse_plain_http(bucket_arn),
                refuse("RefuseOldTls", bucket_arn, {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
            ],
        },
        sort_keys=True,
    )
