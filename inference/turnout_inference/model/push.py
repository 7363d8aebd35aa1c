"""turnout-model push: store a model in S3 under its own digest, once and for good."""

from __future__ import annotations

import argparse
import base64
import hashlib
import logging
from pathlib import Path
from typing import Any

from turnout_inference.model.command import CommandFailed, Commands
from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.files import verify_folder
from turnout_inference.model.location import S3Folder, digest_in, parse_location
from turnout_inference.model.manifest import MANIFEST, FileEntry, model_digest
from turnout_inference.model.source import CHUNK, FetchPolicy, Interrupted
from turnout_inference.model.source_s3 import s3_client, s3_errors

log = logging.getLogger(__name__)

_RIGHTS = "allow s3:PutObject, s3:GetObject and s3:ListBucket on the prefix"
_PATIENCE = FetchPolicy(read_timeout=60)


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "push",
        help="store a model folder in S3 under its digest",
        description="Upload to <uri>/<digest>/ what is not there yet, and print the stack file's "
        "line. A file that is there with other content is never overwritten.",
    )
    parser.add_argument("folder", type=Path, help="model folder")
    parser.add_argument("uri", help="s3://bucket/prefix")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Push, and print the line for the stack file on standard output."""
    try:
        location = parse_location(arguments.uri)
    except ModelRefused as error:
        raise CommandFailed(str(error)) from None
    if not isinstance(location, S3Folder):
        raise CommandFailed(f"{arguments.uri} is not an S3 URI: give s3://bucket/prefix")
    digest, target = push(arguments.folder, location)
    print(f"model: {{uri: {target}, sha256: {digest}}}")


def push(folder: Path, location: S3Folder) -> tuple[str, S3Folder]:
    """Upload a verified folder below `location`; give its digest and where it lies.

    turnout.json goes last: where it can be read, the rest is there.
    """
    manifest = verify_folder(folder, None)
    digest = model_digest(folder)
    target = location
    if digest_in(location) != digest:
        target = S3Folder(location.bucket, location.key(digest))
    size = (folder / MANIFEST).stat().st_size
    entries = manifest.files | {MANIFEST: FileEntry(sha256=digest, size=size)}
    try:
        with s3_errors(str(target)):
            client = s3_client(_PATIENCE, attempts=5)
        for name, entry in entries.items():
            there = _is_there(client, target, name, entry)
            log.info("%s %s", "present " if there else "uploading", name)
            if not there:
                _upload(client, target, name, entry, folder / name)
    except Interrupted as cut:
        raise ModelRefused(
            str(target), str(cut), "push again: what is there already is not sent twice"
        ) from None
    return digest, target


def _is_there(client: Any, target: S3Folder, name: str, entry: FileEntry) -> bool:
    """Whether the object is stored with this very content; ModelRefused if with another."""
    from botocore.exceptions import ClientError

    place = f"s3://{target.bucket}/{target.key(name)}"
    with s3_errors(place, _RIGHTS):
        try:
            head = client.head_object(
                Bucket=target.bucket, Key=target.key(name), ChecksumMode="ENABLED"
            )
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        stored = head.get("ChecksumSHA256")
        if head["ContentLength"] != entry.size:
            stored = "of another length"
        elif stored is None:
            stored = _checksum_of_object(client, target, name)
    if stored != _checksum(entry):
        raise ModelRefused(
            place,
            "is stored with other content than its digest says",
            "find out who changed it, then remove it or push below another prefix",
        )
    return True


def _upload(client: Any, target: S3Folder, name: str, entry: FileEntry, path: Path) -> None:
    from botocore.exceptions import ClientError

    place = f"s3://{target.bucket}/{target.key(name)}"
    with s3_errors(place, _RIGHTS), path.open("rb") as file:
        try:
            # S3 recomputes the checksum, and refuses to replace what came in between.
            client.put_object(
                Bucket=target.bucket,
                Key=target.key(name),
                Body=file,
                ChecksumSHA256=_checksum(entry),
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] not in {409, 412}:
                raise
            came_between = True
        else:
            came_between = False
    if came_between and not _is_there(client, target, name, entry):
        raise Interrupted(f"{place} is being written by somebody else")


def _checksum(entry: FileEntry) -> str:
    """The sha256 as S3 writes it: base64."""
    return base64.b64encode(bytes.fromhex(entry.sha256)).decode()


def _checksum_of_object(client: Any, target: S3Folder, name: str) -> str:
    """The checksum of an object that was stored without one, by reading it."""
    digest = hashlib.sha256()
    body = client.get_object(Bucket=target.bucket, Key=target.key(name))["Body"]
    for chunk in body.iter_chunks(CHUNK):
        digest.update(chunk)
    return base64.b64encode(digest.digest()).decode()
