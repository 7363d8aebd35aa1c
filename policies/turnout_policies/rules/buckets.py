"""S3 buckets."""

from __future__ import annotations

from turnout_policies.facts.documents import Statement, statements
from turnout_policies.facts.tokens import (
    ACCOUNT_PUBLIC_ACCESS_BLOCK,
    BUCKET,
    BUCKET_ACL,
    BUCKET_LIFECYCLE,
    BUCKET_LOGGING,
    BUCKET_OBJECTS,
    BUCKET_OWNERSHIP,
    BUCKET_POLICY,
    BUCKET_PUBLIC_ACCESS_BLOCK,
    BUCKET_VERSIONING,
    LOAD_BALANCER,
)
from turnout_policies.properties import Properties
from turnout_policies.rule import (
    Context,
    Finding,
    Level,
    Outcomes,
    Rule,
    Severity,
    any_holds,
)
from turnout_policies.stack import Stack

_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read")
_EVERYBODY = ("http://acs.amazonaws.com/groups/global/",)


def _parts(bucket: Properties, stack: Stack, type_: str) -> list[Properties]:
    """The resources that configure a bucket."""
    return stack.configuring(bucket, "bucket", "bucket", type_)


def _blocks_public_access(bucket: Properties, context: Context) -> Outcomes:
    whole_account = context.stack.of(ACCOUNT_PUBLIC_ACCESS_BLOCK)
    if any_holds(whole_account, lambda block: all(block.flag(name) for name in _BLOCKS)):
        return
    blocks = _parts(bucket, context.stack, BUCKET_PUBLIC_ACCESS_BLOCK)
    if not blocks:
        yield Finding("nothing blocks public access to it")
    for block in blocks:
        absent = [name for name in _BLOCKS if not block.flag(name)]
        if absent:
            yield Finding(f"{block.resource.name} leaves {', '.join(absent)} off")


def _tls_only(bucket: Properties, context: Context) -> Outcomes:
    policies = _parts(bucket, context.stack, BUCKET_POLICY)
    holders = [*policies, *([bucket] if bucket.has("policy") else [])]
    found = [item for holder in holders for item in statements(holder, "policy")]
    if not any_holds(found, _denies_plain_http):
        yield Finding("requests over plain HTTP are answered")


def _denies_plain_http(statement: Statement) -> bool:
    return not statement.allows and (
        "aws:securetransport" in statement.condition_keys
        or "s3:tlsversion" in statement.condition_keys
    )


def _policy_not_public(holder: Properties, _: Context) -> Outcomes:
    for statement in statements(holder, "policy"):
        if statement.for_everybody:
            yield Finding(f"everybody may {statement.rights}", statement.place)


def _no_public_acl(holder: Properties, _: Context) -> Outcomes:
    acl = holder.text("acl")
    if acl in _PUBLIC_ACLS:
        yield Finding(f"acl is {acl}", "acl")
    for grant in (*holder.each("accessControlPolicy", "grants"), *holder.each("grants")):
        if (grant.text("grantee", "uri") or grant.text("uri")).startswith(_EVERYBODY):
            yield Finding("a grant is for everybody", grant.place)


def _owner_enforced(bucket: Properties, context: Context) -> Outcomes:
    # Since April 2023 a new bucket has ACLs off unless something turns them on.
    for controls in _parts(bucket, context.stack, BUCKET_OWNERSHIP):
        ownership = controls.text("rule", "objectOwnership")
        if ownership != "BucketOwnerEnforced":
            yield Finding(f"{controls.resource.name} sets objectOwnership {ownership}")
    if _parts(bucket, context.stack, BUCKET_ACL):
        yield Finding("an ACL says who may do what, where a policy should")


def _versioned(bucket: Properties, context: Context) -> Outcomes:
    # The older name of the resource has its blocks in the plural.
    inside = bucket.flag("versioning", "enabled") or bucket.flag("versionings", "enabled")
    if _is_log_target(bucket, context.stack) or inside:
        return
    parts = _parts(bucket, context.stack, BUCKET_VERSIONING)
    if not any_holds(
        parts, lambda part: part.text("versioningConfiguration", "status") == "Enabled"
    ):
        yield Finding("an object that is overwritten is gone")


def _has_lifecycle(bucket: Properties, context: Context) -> Outcomes:
    if bucket.has("lifecycleRules"):
        return
    parts = _parts(bucket, context.stack, BUCKET_LIFECYCLE)
    rules = [rule for part in parts for rule in part.each("rules")]
    if not any_holds(rules, lambda rule: rule.text("status") == "Enabled"):
        yield Finding("what lies in it is never moved or deleted")


def _logs_access(bucket: Properties, context: Context) -> Outcomes:
    inside = bucket.has("logging") or bucket.has("loggings")
    if _is_log_target(bucket, context.stack) or inside:
        return
    if not _parts(bucket, context.stack, BUCKET_LOGGING):
        yield Finding("who reads it is not logged")


def _is_log_target(bucket: Properties, stack: Stack) -> bool:
    """Whether a bucket is itself where logs go."""
    return bool(
        stack.referrers(bucket, "targetBucket", BUCKET_LOGGING)
        or stack.referrers(bucket, "accessLogs", LOAD_BALANCER)
        or stack.referrers(bucket, "connectionLogs", LOAD_BALANCER)
    )


RULES = (
    Rule(
        id="bucket-blocks-public-access",
        title="Buckets block public access",
        why="One wrong policy or ACL opens a bucket; the block holds whatever they say.",
        concern="security",
        severity=Severity.HIGH,
        scope="stack",
        types=(BUCKET,),
        check=_blocks_public_access,
        elsewhere=("FSBP S3.1", "FSBP S3.8", "cdk-nag S2"),
        remediation='aws.s3.BucketPublicAccessBlock("models", bucket=bucket.id, '
        "block_public_acls=True, block_public_policy=True, ignore_public_acls=True, "
        "restrict_public_buckets=True)",
    ),
    Rule(
        id="bucket-tls-only",
        title="Buckets are read and written over TLS only",
        why="What is fetched over plain HTTP can be read and changed on the way.",
        concern="security",
        severity=Severity.MEDIUM,
        scope="stack",
        types=(BUCKET,),
        check=_tls_only,
        elsewhere=("FSBP S3.5", "cdk-nag S10"),
        remediation='{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [...], '
        '"Condition": {"Bool": {"aws:SecureTransport": "false"}}}',
    ),
    Rule(
        id="bucket-policy-not-public",
        title="Bucket policies let nobody in without saying whom",
        why="A policy for everybody is how data sets end up in the news.",
        concern="security",
        severity=Severity.CRITICAL,
        types=(BUCKET_POLICY, BUCKET),
        check=_policy_not_public,
        elsewhere=("FSBP S3.2", "FSBP S3.3", "FSBP S3.6"),
        remediation='"Principal": {"AWS": role.arn}',
    ),
    Rule(
        id="bucket-acl-not-public",
        title="No ACL opens a bucket or an object of it",
        why="An ACL for everybody is how data sets end up in the news.",
        concern="security",
        severity=Severity.CRITICAL,
        types=(BUCKET, BUCKET_ACL, *BUCKET_OBJECTS),
        check=_no_public_acl,
        elsewhere=("FSBP S3.2", "FSBP S3.3"),
        remediation='acl="private"  # or no ACL at all',
    ),
    Rule(
        id="bucket-no-acls",
        title="Buckets have ACLs switched off",
        why="Two systems of permissions are one more than anybody can keep in mind.",
        concern="security",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        scope="stack",
        types=(BUCKET,),
        check=_owner_enforced,
        elsewhere=("FSBP S3.12",),
        remediation='aws.s3.BucketOwnershipControls("models", bucket=bucket.id, '
        'rule={"object_ownership": "BucketOwnerEnforced"})',
    ),
    Rule(
        # Off unless asked for: CloudTrail's data events answer the same without a second bucket.
        id="bucket-access-logs",
        title="Buckets log who reads them",
        why="After a leak the question is who read what, and only the log answers.",
        concern="security",
        severity=Severity.LOW,
        level=Level.DISABLED,
        scope="stack",
        types=(BUCKET,),
        check=_logs_access,
        elsewhere=("FSBP S3.9", "cdk-nag S1"),
        remediation='aws.s3.BucketLogging("models", bucket=bucket.id, target_bucket=logs.id, '
        'target_prefix="models/")',
    ),
    Rule(
        id="bucket-versioned",
        title="Buckets keep old versions",
        why="A wrong upload over the model in use is undone in a minute, or never.",
        concern="reliability",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        scope="stack",
        types=(BUCKET,),
        check=_versioned,
        elsewhere=("FSBP S3.14",),
        remediation='aws.s3.BucketVersioning("models", bucket=bucket.id, '
        'versioning_configuration={"status": "Enabled"})',
    ),
    Rule(
        id="bucket-lifecycle",
        title="Buckets have a lifecycle",
        why="What is never deleted is paid for every month.",
        concern="reliability",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        scope="stack",
        types=(BUCKET,),
        check=_has_lifecycle,
        elsewhere=("FSBP S3.10", "FSBP S3.13"),
        remediation='aws.s3.BucketLifecycleConfiguration("logs", bucket=bucket.id, rules=[{"id": '
        '"old", "status": "Enabled", "expiration": {"days": 90}}])',
    ),
)
