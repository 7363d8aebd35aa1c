"""A bucket as every bucket here is: closed to the public, encrypted, versioned, forgetful."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import s3

from turnout import naming


@dataclass(frozen=True, kw_only=True)
class Forgetting:
    """Days after which objects, and former versions of them, go. None: never."""

    objects: int | None
    former_versions: int


@dataclass(frozen=True, kw_only=True)
class PrivateBucket:
    """The bucket, and what must stand before anything else changes who may reach it."""

    bucket: s3.Bucket
    closed: pulumi.Resource


def private_bucket(
    name: str,
    *,
    keep: bool,
    forgetting: Forgetting,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
    protect: bool = False,
    retain: bool = False,
) -> PrivateBucket:
    """A private bucket below `parent`; `keep` saves its objects.

    With `protect` no `destroy` removes it; with `retain` it outlives one, and so does what makes it
    private.
    """
    child = pulumi.ResourceOptions(parent=parent, retain_on_delete=retain)
    bucket = s3.Bucket(
        naming.logical(name, naming.BUCKET),
        force_destroy=not keep,
        tags=tags,
        opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(protect=protect)),
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
        rules=[_lifecycle(forgetting)],
        opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[versioning])),
    )
    return PrivateBucket(bucket=bucket, closed=closed)


def _lifecycle(forgetting: Forgetting) -> s3.BucketLifecycleConfigurationRuleArgsDict:
    rule: s3.BucketLifecycleConfigurationRuleArgsDict = {
        "id": "forget",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "noncurrent_version_expiration": {"noncurrent_days": forgetting.former_versions},
        "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
    }
    if forgetting.objects is not None:
        rule["expiration"] = {"days": forgetting.objects}
    return rule


def refuse(
    sid: str, bucket_arn: pulumi.Input[str], condition: Mapping[str, Mapping[str, str]]
) -> dict[str, object]:
    """The statement of a bucket policy that refuses everybody under `condition`."""
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn, pulumi.Output.concat(bucket_arn, "/*")],
        "Condition": condition,
    }


def refuse_plain_http(bucket_arn: pulumi.Input[str]) -> dict[str, object]:
    """The statement of a bucket policy that refuses everybody without TLS."""
    return refuse("RefusePlainHttp", bucket_arn, {"Bool": {"aws:SecureTransport": "false"}})


def reached_over_plain_http() -> bool:
    """Whether the stack's own S3 endpoint is http://, as an emulator's is.

    A policy that refuses plain HTTP would then lock out the very `up` that writes it.
    """
    endpoints = pulumi.Config("aws").get_object("endpoints") or []
    told = [entry.get("s3") for entry in endpoints if isinstance(entry, dict)]
    told += [os.environ.get("AWS_ENDPOINT_URL_S3"), os.environ.get("AWS_ENDPOINT_URL")]
    return any(url.startswith("http://") for url in told if url)
