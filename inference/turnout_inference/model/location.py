"""Where a model lies: the URIs that are understood, and how they appear in messages."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from turnout_inference.model.errors import ModelRefused

_FORMS = "give a folder, file:///folder, s3://bucket/prefix or https://host/folder"
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")
_BUCKET = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
_PLAIN = "".join(map(chr, range(33, 127)))
"""What stays as it is given: all that can be sent, so that a signature stays right."""
_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d*)?")
_QUERY = re.compile(r"([?#])")
_DIGEST = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder of this machine: served from where it lies, never copied."""

    path: Path


@dataclass(frozen=True, slots=True)
class S3Folder:
    """A prefix in a bucket; `prefix` has no slash at either end and may be empty."""

    bucket: str
    prefix: str

    def key(self, name: str) -> str:
        """The key of a file of the folder."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class HttpFolder:
    """A folder behind https: (or http: on this machine alone); a query goes to every file."""

    url: SplitResult

    def file_url(self, name: str) -> str:
        """The URL of a file of the folder."""
        return self.url._replace(path=f"{self.url.path.rstrip('/')}/{quote(name)}").geturl()

    def __str__(self) -> str:
        return redact(self.url.geturl())


Location = LocalFolder | S3Folder | HttpFolder


def parse_location(uri: str) -> Location:
    """Read a model's URI; ModelRefused where it is none of the forms understood."""
    scheme = _SCHEME.match(uri)
    if uri == "" or any(ord(character) < 32 for character in uri):
        raise ModelRefused(f"model URI {uri!r}", "empty or with control characters", _FORMS)
    match scheme and scheme.group(1).lower():
        case None:
            return LocalFolder(Path(uri))
        case "file":
            return _local(uri)
        case "s3":
            return _s3(uri)
        case "https" | "http":
            return _http(uri)
        case other:
            raise ModelRefused(redact(uri), f"scheme {other!r} is not understood", _FORMS)


def digest_in(location: S3Folder | HttpFolder) -> str | None:
    """The digest that a content-addressed location carries as its last step, if it does."""
    path = location.prefix if isinstance(location, S3Folder) else location.url.path
    last = path.rstrip("/").rpartition("/")[2]
    return last if _DIGEST.match(last) else None


def is_digest(text: str) -> bool:
    """Whether `text` is a sha256 in lower-case hex."""
    return _DIGEST.match(text) is not None


def redact(uri: str) -> str:
    """The URI without user name, password, query string and fragment: fit for a message."""
    scheme, colon, rest = uri.partition(":")
    if not _SCHEME.match(uri) or scheme.lower() in {"s3", "file"}:
        return uri
    if not rest.startswith("//"):
        return f"{scheme}{colon}…"
    place, mark, _ = (
        _QUERY.split(rest[2:], maxsplit=1) if _QUERY.search(rest) else (rest[2:], "", "")
    )
    host, slash, path = place.partition("/")
    host = host.rpartition("@")[2]
    if not _HOST.fullmatch(host):
        # Such as half of a password with a slash in it.
        return f"{scheme}://…"
    return f"{scheme}://{host}{slash}{path}{'?…' if mark else ''}"


def _local(uri: str) -> LocalFolder:
    parts = urlsplit(uri)
    if parts.netloc not in {"", "localhost"}:
        raise ModelRefused(
            uri, f"names the host {parts.netloc!r}", "write three slashes: file:///folder"
        )
    return LocalFolder(Path(unquote(parts.path)))


def _s3(uri: str) -> S3Folder:
    if not uri[:5].lower() == "s3://":
        raise ModelRefused(uri, "not an S3 URI", "write s3://bucket/prefix")
    bucket, _, prefix = uri[5:].partition("/")
    if not _BUCKET.match(bucket):
        raise ModelRefused(uri, f"{bucket!r} is not a bucket's name", "write s3://bucket/prefix")
    return S3Folder(bucket, prefix.strip("/"))


def _http(uri: str) -> HttpFolder:
    shown = redact(uri)
    try:
        parts = urlsplit(uri)
        host = parts.hostname
        _ = parts.port
    except ValueError as error:
        raise ModelRefused(shown, f"not a URL ({error})", "write https://host/folder") from None
    if not host:
        raise ModelRefused(shown, "names no host", "write https://host/folder")
    if parts.username is not None or parts.password is not None:
        raise ModelRefused(
            shown,
            "carries a user name or password",
            "leave them out; use a signed query string, or s3: with an IAM role",
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise ModelRefused(
            shown, "http: is taken from this machine only", "use https: for any other host"
        )
    return HttpFolder(_in_ascii(parts, shown)._replace(fragment=""))


def _in_ascii(parts: SplitResult, shown: str) -> SplitResult:
    """A URL as HTTP sends it: its host in punycode, the rest percent-encoded where it must be."""
    try:
        # Python's own codec splits at dots; an address in brackets is ASCII already.
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    except UnicodeError as error:
        raise ModelRefused(
            shown, f"its host cannot be a name ({error})", "write https://host/folder"
        ) from None
    return parts._replace(
        netloc=host, path=quote(parts.path, _PLAIN), query=quote(parts.query, _PLAIN)
    )


def is_loopback(host: str) -> bool:
    """Whether the name or address can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
