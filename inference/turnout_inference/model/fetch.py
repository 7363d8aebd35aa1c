"""From a model's URI to a verified folder on this machine.

Remote models are kept in the cache by digest. A fetch writes beside its place there and is
renamed into it when every file is right; after a cut the next try goes on from the last byte.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import assert_never

from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.files import verify_digest, verify_folder
from turnout_inference.model.location import (
    HttpFolder,
    LocalFolder,
    S3Folder,
    digest_in,
    is_digest,
    parse_location,
)
from turnout_inference.model.manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    FileEntry,
    Manifest,
    parse_manifest,
)
from turnout_inference.model.source import CHUNK, FetchPolicy, Interrupted, Source

log = logging.getLogger(__name__)

DEFAULT_MODEL = Path(__file__).parents[1] / "default_model"
"""The model that the package ships."""


def resolve_model(
    uri: str | None, sha256: str | None, cache_dir: Path, policy: FetchPolicy | None = None
) -> Path:
    """The verified folder of a model; ModelRefused, with the reason, where there is none.

    uri: a folder, file:, s3: or https:; None for the default model of the package.
    sha256: the model's digest. A remote URI needs one, here or as its last step.
    cache_dir: where remote models are kept; made when missing.
    """
    digest = None if sha256 is None else sha256.strip().lower()
    if digest is not None and not is_digest(digest):
        raise ModelRefused(
            f"sha256 {digest[:80]!r}", "not 64 hexadecimal digits", f"give sha256 of {MANIFEST}"
        )
    location = LocalFolder(DEFAULT_MODEL) if uri is None else parse_location(uri)
    match location:
        case LocalFolder(path):
            verify_folder(path, digest)
            return path
        case S3Folder() | HttpFolder():
            return _from_cache(location, digest, cache_dir, policy or FetchPolicy())
    assert_never(location)


def _from_cache(
    location: S3Folder | HttpFolder, digest: str | None, cache_dir: Path, policy: FetchPolicy
) -> Path:
    digest = digest or digest_in(location)
    if digest is None:
        raise ModelRefused(
            str(location),
            "no sha256 to check it against",
            f"set TURNOUT_MODEL_SHA256 to the sha256 of its {MANIFEST} "
            "(`turnout-model push` prints it)",
        )
    models = cache_dir / "models"
    final = models / digest
    with _written_errors(models):
        models.mkdir(parents=True, exist_ok=True)
        if _is_cached(final, digest):
            return final
        with _lock(models / f"{digest}.lock", policy.lock_wait):
            if _is_cached(final, digest):
                return final
            if final.exists():
                shutil.rmtree(final)
            partial = models / f"{digest}.partial"
            partial.mkdir(mode=0o755, exist_ok=True)
            _fetch(_source(location, policy), digest, partial, policy)
            partial.rename(final)
    return final


def _source(location: S3Folder | HttpFolder, policy: FetchPolicy) -> Source:
    # Imported when used: a server with its model at hand starts without either client.
    match location:
        case S3Folder():
            from turnout_inference.model.source_s3 import S3Source

            return S3Source(location, policy)
        case HttpFolder():
            from turnout_inference.model.source_https import HttpSource

            return HttpSource(location, policy)
    assert_never(location)


def _is_cached(folder: Path, digest: str) -> bool:
    """Whether the model lies there whole; what is damaged is said and fetched again."""
    if not folder.exists():
        return False
    try:
        verify_folder(folder, digest)
    except ModelRefused as refusal:
        log.warning("the cached model is damaged and fetched again: %s", refusal)
        return False
    return True


def _fetch(source: Source, digest: str, partial: Path, policy: FetchPolicy) -> None:
    began = time.monotonic()
    content = _read_whole(source, MANIFEST, policy)
    verify_digest(hashlib.sha256(content).hexdigest(), digest, source.place(MANIFEST))
    manifest = parse_manifest(content, source.place(MANIFEST))
    try:
        for stray in partial.iterdir():
            if stray.name not in manifest.files:
                stray.unlink()
        _check_space(partial, manifest)
        for name, entry in manifest.files.items():
            _download(source, name, entry, partial / name, policy)
    except OSError:
        # A disk that is full, or a folder that is not ours: leave no half of a model there.
        shutil.rmtree(partial, ignore_errors=True)
        raise
    (partial / MANIFEST).write_bytes(content)
    log.info(
        "fetched model %s: %d bytes in %.1f s",
        digest,
        sum(entry.size for entry in manifest.files.values()),
        time.monotonic() - began,
    )


def _check_space(partial: Path, manifest: Manifest) -> None:
    there = sum(path.stat().st_size for path in partial.iterdir())
    needed = sum(entry.size for entry in manifest.files.values()) - there
    free = shutil.disk_usage(partial).free
    if needed > free:
        raise ModelRefused(
            str(partial.parent),
            f"the model needs {needed} bytes more, {free} are free",
            "give the service more disk, or another TURNOUT_CACHE_DIR",
        )


def _read_whole(source: Source, name: str, policy: FetchPolicy) -> bytes:
    patience = _Patience(source.place(name), policy)
    while True:
        content = b""
        try:
            with source.open(name, 0) as stream:
                for chunk in stream.chunks:
                    content += chunk
                    if len(content) > MAX_MANIFEST_BYTES:
                        raise ModelRefused(
                            source.place(name),
                            f"more than {MAX_MANIFEST_BYTES} bytes",
                            "this is not a manifest; check the URI",
                        )
            return content
        except Interrupted as cut:
            patience.wait(cut)


def _download(source: Source, name: str, entry: FileEntry, path: Path, policy: FetchPolicy) -> None:
    """Bring one file to `path`, from the byte on where an earlier try left it."""
    patience = _Patience(source.place(name), policy)
    resumed, again = path.exists(), False
    while True:
        try:
            found = _append(source, name, entry, path)
        except Interrupted as cut:
            patience.wait(cut, path.stat().st_size)
            resumed = True
            continue
        if found == entry.sha256:
            return
        path.unlink()
        if again or not resumed:
            raise ModelRefused(
                source.place(name),
                f"sha256 is {found}, {MANIFEST} says {entry.sha256}",
                "the file there is not the model's: push the model again",
            )
        # The bytes of an earlier try may be at fault: once more, from the start.
        resumed, again = False, True


def _append(source: Source, name: str, entry: FileEntry, path: Path) -> str:
    """Read on from the end of `path`; give the sha256 of the whole."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o644), "r+b") as file:
        if os.fstat(file.fileno()).st_size > entry.size:
            file.truncate(0)
        digest = hashlib.sha256()
        while chunk := file.read(CHUNK):
            digest.update(chunk)
        if file.tell() == entry.size:
            return digest.hexdigest()
        with source.open(name, file.tell()) as stream:
            if stream.start != file.tell():
                digest = hashlib.sha256()
                file.seek(0)
                file.truncate()
            for chunk in stream.chunks:
                if file.tell() + len(chunk) > entry.size:
                    file.truncate(0)
                    raise ModelRefused(
                        source.place(name),
                        f"longer than the {entry.size} bytes that {MANIFEST} says",
                        "the file there is not the model's: push the model again",
                    )
                file.write(chunk)
                digest.update(chunk)
        if file.tell() < entry.size:
            raise Interrupted(f"ended after {file.tell()} of {entry.size} bytes")
        return digest.hexdigest()


class _Patience:
    """Counts the failures in a row that gained nothing, waits between them, and gives up."""

    def __init__(self, place: str, policy: FetchPolicy) -> None:
        self._place = place
        self._policy = policy
        self._failures = 0
        self._furthest = 0

    def wait(self, cut: Interrupted, reached: int = 0) -> None:
        """Wait before the next try, or ModelRefused where that was the last.

        reached: bytes at hand; more than ever before, and the count begins anew.
        """
        if reached > self._furthest:
            self._failures, self._furthest = 0, reached
        self._failures += 1
        if self._failures >= self._policy.attempts:
            raise ModelRefused(
                self._place,
                f"{cut}, {self._failures} times in a row",
                "check the network and the service behind it, then start again: what was "
                "fetched is kept",
            ) from None
        log.warning("%s: %s; trying again", self._place, cut)
        time.sleep(self._policy.backoff * 2 ** min(self._failures - 1, 3))


@contextmanager
def _lock(path: Path, patience: float) -> Iterator[None]:
    """Hold the file's lock; the kernel drops it with the process, however that ends."""
    deadline = time.monotonic() + patience
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ModelRefused(
                        str(path),
                        f"another process has been fetching this model for {patience:.0f} s",
                        "look at that process, or give this one another TURNOUT_CACHE_DIR",
                    ) from None
                time.sleep(0.05)
        yield


@contextmanager
def _written_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise ModelRefused(
            str(error.filename or folder),
            "the disk is full" if full else f"cannot be written ({error.strerror or error})",
            "give the service more disk, or another TURNOUT_CACHE_DIR"
            if full
            else "set TURNOUT_CACHE_DIR to a folder that this user may write to",
        ) from None
