"""S3 buckets and ECR repositories."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.engine.standin.aws.support import by, document, entries, known, policy_problems, refuse
from tests.engine.standin.cloud import ACCOUNT, Record
from tests.engine.standin.kinds import Autoname, Call, Inputs, Kind
from tests.engine.standin.shapes import Problem

BUCKET = "aws:s3/bucket:Bucket"
OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
REPOSITORY = "aws:ecr/repository:Repository"
_BUCKET_NAME = re.compile(r"(?!xn--|\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def _check_bucket(inputs: Inputs) -> Iterator[Problem]:
    name = inputs.get("bucket")
    if known(name) and (not _BUCKET_NAME.fullmatch(name) or ".." in name):
        yield Problem("bucket", f"InvalidBucketName: {name!r}")


def _bucket_outputs(_inputs: Inputs, call: Call, name: str) -> dict[str, Any]:
    return {
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{call.region}.amazonaws.com",
        "bucketRegion": call.region,
        "hostedZoneId": "Z3W03O7B5YMIYP",
    }


def _check_bucket_policy(inputs: Inputs) -> Iterator[Problem]:
    yield from policy_problems(inputs, "policy", principal=True)
    policy, bucket = document(inputs.get("policy")), inputs.get("bucket")
    if policy is None or not known(bucket):
        return
    statements = policy["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        resources = statement.get("Resource", [])
        for resource in resources if isinstance(resources, list) else [resources]:
            if not resource.startswith(f"arn:aws:s3:::{bucket}"):
                yield Problem("policy", f"MalformedPolicy: {resource} is not of bucket {bucket}")


def _release_bucket(record: Record, call: Call) -> None:
    kept = [o for o in call.cloud.of(OBJECT) if o.inputs.get("bucket") == record.id]
    if kept and not record.inputs.get("forceDestroy"):
        refuse(f"BucketNotEmpty: {record.id} holds {len(kept)} objects")


def _repository_outputs(_inputs: Inputs, call: Call, name: str) -> dict[str, Any]:
    return {
        "arn": call.arn("ecr", f"repository/{name}"),
        "registryId": ACCOUNT,
        "repositoryUrl": f"{ACCOUNT}.dkr.ecr.{call.region}.amazonaws.com/{name}",
    }


def _check_repository(inputs: Inputs) -> Iterator[Problem]:
    name = inputs.get("name")
    if known(name) and not re.fullmatch(r"[a-z0-9]+([._/-][a-z0-9]+)*", name):
        yield Problem("name", f"InvalidParameterException: repository name {name!r}")


def _check_lifecycle(inputs: Inputs) -> Iterator[Problem]:
    policy = document(inputs.get("policy"))
    rules = entries((policy or {}).get("rules"))
    if policy is not None and not rules:
        yield Problem("policy", "InvalidParameterException: a lifecycle policy needs rules")
    priorities = [rule.get("rulePriority") for rule in rules]
    if len(set(priorities)) != len(priorities):
        yield Problem("policy", f"rulePriority must be unique, got {priorities}")
    for rule in rules:
        chosen = rule.get("selection", {})
        if chosen.get("tagStatus") not in ("tagged", "untagged", "any"):
            yield Problem("policy", f"tagStatus {chosen.get('tagStatus')!r}")
        lists = chosen.get("tagPrefixList") or chosen.get("tagPatternList")
        if chosen.get("tagStatus") == "tagged" and not lists:
            yield Problem("policy", "tagStatus tagged needs tagPrefixList or tagPatternList")
        if rule.get("action", {}).get("type") not in ("expire", "transition"):
            yield Problem("policy", "the action's type is expire")


def _of_bucket(name: str, check: Any = None) -> Kind:
    token = f"aws:s3/{name}:{name[0].upper()}{name[1:]}"
    extra = {"check": check} if check else {}
    return Kind(token, by("bucket"), names={"bucket": BUCKET}, unique=("bucket",), **extra)


KINDS = (
    Kind(BUCKET, by("bucket"), _bucket_outputs, _check_bucket, release=_release_bucket,
         autoname=Autoname("bucket", longest=63, lower=True), unique=("bucket",),
         regional=True),
    _of_bucket("bucketPolicy", _check_bucket_policy),
    _of_bucket("bucketPublicAccessBlock"),
    _of_bucket("bucketVersioning"),
    _of_bucket("bucketServerSideEncryptionConfiguration"),
    _of_bucket("bucketLifecycleConfiguration"),
    _of_bucket("bucketOwnershipControls"),
    _of_bucket("bucketLogging"),
    Kind(OBJECT, by("key"), autoname=Autoname("key", suffix=False), names={"bucket": BUCKET}),
    Kind(REPOSITORY, by("name"), _repository_outputs, _check_repository,
         autoname=Autoname(longest=256), unique=("name",)),
    Kind("aws:ecr/lifecyclePolicy:LifecyclePolicy", by("repository"),
         lambda _i, _c, _own: {"registryId": ACCOUNT}, _check_lifecycle,
         names={"repository": REPOSITORY}, unique=("repository",), delete_first=True),
    Kind("aws:ecr/repositoryPolicy:RepositoryPolicy", by("repository"),
         lambda _i, _c, _own: {"registryId": ACCOUNT}, names={"repository": REPOSITORY}),
)  # fmt: skip
