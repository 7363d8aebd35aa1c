"""Whether the files of a model folder are what its manifest says."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.manifest import (
    MANIFEST,
    FileEntry,
    Manifest,
    load_manifest,
    model_digest,
)


def verify_folder(folder: Path, digest: str | None) -> Manifest:
    """Check a folder whole: its digest where one is given, its manifest, and every file."""
    manifest = load_manifest(folder)
    if digest is not None:
        verify_digest(model_digest(folder), digest, str(folder / MANIFEST))
    verify_files(folder, manifest)
    return manifest


def verify_digest(found: str, wanted: str, place: str) -> None:
    """Check that a manifest is the one that was asked for."""
    if found != wanted:
        raise ModelRefused(
            place,
            f"sha256 is {found}, but {wanted} was asked for",
            "this is another model: correct the URI, or the sha256 where this one is meant",
        )


def verify_files(folder: Path, manifest: Manifest) -> None:
    """Check that the folder holds the manifest's files, unchanged, and nothing else.

    Nothing else, because CTranslate2 would pick up a file such as vocabulary.txt by its name.
    """
    fix = "fetch or copy the model again"
    try:
        present = {entry.name for entry in os.scandir(folder)}
    except OSError as error:
        raise ModelRefused(str(folder), f"cannot be read ({error.strerror})", fix) from None
    if missing := sorted(manifest.files.keys() - present):
        raise ModelRefused(str(folder / missing[0]), "missing", fix)
    if extra := sorted(present - manifest.files.keys() - {MANIFEST}):
        raise ModelRefused(
            str(folder / extra[0]), f"not listed in {MANIFEST}", "remove it from the model's folder"
        )
    for name, entry in manifest.files.items():
        verify_file(folder / name, entry, fix)


def verify_file(path: Path, entry: FileEntry, fix: str) -> None:
    """Check that `path` is a regular file of that size and sha256."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelRefused(
                str(path), "not a regular file (links are not followed)", "copy the file itself"
            )
        if status.st_size != entry.size:
            raise ModelRefused(
                str(path), f"{status.st_size} bytes, {MANIFEST} says {entry.size}", fix
            )
        digest = sha256_of(path)
    except OSError as error:
        raise ModelRefused(str(path), f"cannot be read ({error.strerror})", fix) from None
    if digest != entry.sha256:
        raise ModelRefused(str(path), f"sha256 is {digest}, {MANIFEST} says {entry.sha256}", fix)


def sha256_of(path: Path) -> str:
    """The sha256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_files(folder: Path) -> dict[str, FileEntry]:
    """The `files` of a manifest for what lies in `folder`, sorted by name."""
    return {
        path.name: FileEntry(sha256=sha256_of(path), size=path.stat().st_size)
        for path in sorted(folder.iterdir())
        if path.name != MANIFEST
    }
