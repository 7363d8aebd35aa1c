"""A model behind https:, with the standard library's client (it knows proxies and CA bundles)."""

from __future__ import annotations

import http.client
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import IO
from urllib.parse import urlsplit

from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.location import HttpFolder, is_loopback, redact
from turnout_inference.model.source import CHUNK, FetchPolicy, Interrupted, Stream

_LATER = frozenset({408, 425, 429, *range(500, 600)} - {501, 505, 511})
"""Statuses after which the same request may succeed: those of overload, and every 5xx (proxies
have their own, such as 520 to 530) but those that speak of the request or want a login."""


class HttpSource:
    """Reads a folder's files by GET, resuming with Range."""

    def __init__(self, folder: HttpFolder, policy: FetchPolicy) -> None:
        self._folder = folder
        self._policy = policy
        # One timeout serves connecting and each read: urllib has no other.
        self._timeout = max(policy.connect_timeout, policy.read_timeout)
        self._opener = urllib.request.build_opener(_RedirectsStaySafe)

    def place(self, name: str) -> str:
        """The file's URL without its query string."""
        return redact(self._folder.file_url(name))

    @contextmanager
    def open(self, name: str, offset: int) -> Iterator[Stream]:
        """Read a file from `offset` bytes on."""
        place = self.place(name)
        headers = {"Accept-Encoding": "identity", "User-Agent": "turnout"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        request = urllib.request.Request(  # noqa: S310 - parse_location admits http(s) only
            self._folder.file_url(name), headers=headers
        )
        with _told_plainly(place):
            response: http.client.HTTPResponse = self._opener.open(request, timeout=self._timeout)
        with response:
            yield Stream(_start(response, offset), _chunks(response, place, self._policy))


class _RedirectsStaySafe(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        target = urlsplit(newurl)
        here = is_loopback(urlsplit(req.full_url).hostname or "")
        stays_here = here and target.scheme == "http" and is_loopback(target.hostname or "")
        if target.scheme != "https" and not stays_here:
            raise ModelRefused(
                redact(req.full_url),
                f"redirects to {redact(newurl)}, which is not https:",
                "give the address that it should lead to",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def _told_plainly(place: str) -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        with error:
            raise _of_status(place, error.code) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise _of_certificate(place, error.reason) from None
        raise Interrupted(f"cannot be reached ({error.reason})") from None
    except TimeoutError:
        raise Interrupted("timed out") from None
    except (OSError, http.client.HTTPException) as error:
        raise Interrupted(f"connection failed ({type(error).__name__}: {error})") from None
    except ValueError:
        # The standard library's word for a Location that it cannot read; it may hold a signature.
        raise ModelRefused(
            place, "redirects to what is not a URL", "give the address that it should lead to"
        ) from None


def _of_status(place: str, code: int) -> Exception:
    said = f"answered {code} {HTTPStatus(code).phrase}" if code in _KNOWN else f"answered {code}"
    if code in _LATER:
        return Interrupted(said)
    if code in {401, 403}:
        return ModelRefused(place, said, "check the access rights, or renew the signed URL")
    if code in {404, 410}:
        return ModelRefused(place, said, "check the URI: it must be the folder of turnout.json")
    return ModelRefused(place, said, "check the URI")


_KNOWN = frozenset(int(status) for status in HTTPStatus)


def _of_certificate(place: str, error: ssl.SSLCertVerificationError) -> ModelRefused:
    return ModelRefused(
        place,
        f"its certificate is not trusted ({error.verify_message})",
        "install the CA, or name its file in SSL_CERT_FILE",
    )


def _start(response: http.client.HTTPResponse, offset: int) -> int:
    if offset == 0 or response.status != HTTPStatus.PARTIAL_CONTENT:
        return 0
    given = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if given is None or int(given.group(1)) != offset:
        raise Interrupted("answered another range than the one asked for")
    return offset


def _chunks(response: http.client.HTTPResponse, place: str, policy: FetchPolicy) -> Iterator[bytes]:
    began, received = time.monotonic(), 0
    while True:
        with _told_plainly(place):
            # What has arrived, and not a whole chunk: else a trickle would never come up for air.
            chunk = response.read1(CHUNK)
        if not chunk:
            return
        yield chunk
        received += len(chunk)
        seconds = time.monotonic() - began
        if seconds > policy.pace_over:
            if received < policy.pace * seconds:
                raise Interrupted(f"sent {received} bytes in {seconds:.0f} s")
            began, received = time.monotonic(), 0
