"""The bucket that models are published to and fetched from."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from turnout import naming
from turnout.parts.access_logs import reached_over_plain_http


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
        child = pulumi.ResourceOptions(parent=self)
        bucket = s3.Bucket(
            naming.logical(name, naming.BUCKET),
            force_destroy=not args.keep,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.keep),
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
                    "id": "forget-former-versions",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": args.noncurrent_days},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
                }
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        if not reached_over_plain_http():
            s3.BucketPolicy(
                name,
                bucket=bucket.id,
                policy=tls_only(bucket.arn),
                # Two writers of one bucket's access settings at once are refused by S3.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),
            )
        self.arn = bucket.arn
        self.name = bucket.id
        self.register_outputs({"arn": self.arn, "name": self.name})


def tls_only(bucket_arn: pulumi.Input[str]) -> pulumi.Output[str]:
    """The bucket policy that refuses everybody without TLS, and TLS before 1.2."""

    def refuse(sid: str, condition: dict[str, dict[str, str]]) -> dict[str, object]:
        return {
            "Sid": sid,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket_arn, pulumi.Output.concat(bucket_arn, "/*")],
            "Condition": condition,
        }

    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                refuse("RefusePlainHttp", {"Bool": {"aws:SecureTransport": "false"}}),
                refuse("RefuseOldTls", {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
            ],
        },
        sort_keys=True,
    )
