"""Pulumi's state in S3: what CI reads of it, and that a stack's role writes that stack's alone.

Where which file lies: Pulumi, `pkg/backend/diy` (`store.go`, `lock.go`, `stack_tags.go`).
"""

from dataclasses import dataclass

import pulumi

from turnout.parts.account import Account
from turnout.parts.statements import Statement


@dataclass(frozen=True, kw_only=True)
class StateArgs:
    """`url` is s3://<bucket>[/<prefix>]; `kms_key` encrypts what is secret in it."""

    url: str
    kms_key: str | None
    account: Account


def files_of_stack(project: str, stack: str) -> list[str]:
    """What belongs to one stack, as patterns of paths below the backend's URL."""
    return [
        f".pulumi/backups/{project}/{stack}/*",
        f".pulumi/history/{project}/{stack}/*",
        f".pulumi/locks/organization/{project}/{stack}/*",
        # Plain or packed, and the copy of the version before.
        f".pulumi/stacks/{project}/{stack}.json*",
        f".pulumi/stacks/{project}/{stack}.pulumi-tags",
    ]


# Which layout the files have; written by the first `up` of all, the foundation's.
LAYOUT = ".pulumi/meta.yaml"


def read_every_state(args: StateArgs) -> list[Statement]:
    """Reading the state of every stack."""
    return [_list(args), _read(args, [".pulumi/*"]), *_use_key(args, ["kms:Decrypt"])]


def write_state(args: StateArgs, project: str, stack: str) -> list[Statement]:
    """Reading and writing the state of one stack: no other's, the foundation's neither."""
    files = files_of_stack(project, stack)
    return [
        _list(args),
        _read(args, [LAYOUT, *files]),
        Statement(
            sid="WriteState",
            actions=["s3:DeleteObject", "s3:PutObject"],
            resources=_objects(args, files),
        ),
        *_use_key(args, ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]),
    ]


def _list(args: StateArgs) -> Statement:
    bucket, _ = _place(args)
    return Statement(
        sid="ListState",
        actions=["s3:GetBucketLocation", "s3:ListBucket"],
        resources=[args.account.arn("s3", bucket, region=False, account=False)],
    )


def _read(args: StateArgs, paths: list[str]) -> Statement:
    return Statement(sid="ReadState", actions=["s3:GetObject"], resources=_objects(args, paths))


def _use_key(args: StateArgs, actions: list[str]) -> list[Statement]:
    if args.kms_key is None:
        return []
    return [Statement(sid="UseStateKey", actions=actions, resources=[args.kms_key])]


def _objects(args: StateArgs, paths: list[str]) -> list[pulumi.Input[str]]:
    bucket, prefix = _place(args)
    return [
        args.account.arn("s3", f"{bucket}/{prefix}{path}", region=False, account=False)
        for path in paths
    ]


def _place(args: StateArgs) -> tuple[str, str]:
    bucket, _, prefix = args.url.removeprefix("s3://").strip("/").partition("/")
    return bucket, f"{prefix}/" if prefix else ""
