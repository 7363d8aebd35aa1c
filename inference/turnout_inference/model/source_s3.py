"""A model in S3, or in what speaks its protocol (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from typing import Any

from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.location import S3Folder
from turnout_inference.model.source import CHUNK, FetchPolicy, Interrupted, Stream

_LATER = frozenset({"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout"})
"""S3's error codes after which the same request may succeed."""
_RIGHTS = "check the URI, and allow s3:GetObject there (and kms:Decrypt where it is encrypted)"


def s3_client(policy: FetchPolicy, *, attempts: int) -> Any:
    """An S3 client with the usual credentials, region and endpoint of the environment.

    attempts: how often botocore itself sends a request.
    """
    import boto3
    from botocore.config import Config

    overridden = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return boto3.session.Session().client(
        "s3",
        # Containers on AWS are given AWS_REGION, which boto3 alone of the SDKs does not read.
        region_name=os.environ.get("AWS_REGION") or None,
        config=Config(
            connect_timeout=policy.connect_timeout,
            read_timeout=policy.read_timeout,
            retries={"mode": "standard", "total_max_attempts": attempts},
            # Private endpoints rarely have a DNS name for each bucket.
            s3={"addressing_style": "path" if overridden else "auto"},
            user_agent_extra="turnout",
        ),
    )


class S3Source:
    """Reads a prefix's objects by GetObject, resuming with Range."""

    def __init__(self, folder: S3Folder, policy: FetchPolicy) -> None:
        self._folder = folder
        self._policy = policy

    @cached_property
    def _client(self) -> Any:
        # One attempt, because a fetch tries again itself, from the byte where it stopped.
        return s3_client(self._policy, attempts=1)

    def place(self, name: str) -> str:
        """The object's URI."""
        return f"s3://{self._folder.bucket}/{self._folder.key(name)}"

    @contextmanager
    def open(self, name: str, offset: int) -> Iterator[Stream]:
        """Read an object from `offset` bytes on."""
        place = self.place(name)
        wanted = {"Range": f"bytes={offset}-"} if offset else {}
        with s3_errors(place):
            answer = self._client.get_object(
                Bucket=self._folder.bucket, Key=self._folder.key(name), **wanted
            )
        with closing(answer["Body"]) as body:
            yield Stream(offset if "ContentRange" in answer else 0, _chunks(body, place))


def _chunks(body: Any, place: str) -> Iterator[bytes]:
    while True:
        with s3_errors(place):
            chunk = body.read(CHUNK)
        if not chunk:
            return
        yield chunk


@contextmanager
def s3_errors(place: str, rights: str = _RIGHTS) -> Iterator[None]:
    """Turn botocore's errors into ModelRefused (final) or Interrupted (worth another try).

    rights: what to advise where access is denied.
    """
    from botocore import exceptions as aws
    from urllib3.exceptions import HTTPError

    try:
        yield
    except aws.ClientError as error:
        raise _of_answer(place, error, rights) from None
    except (aws.NoCredentialsError, aws.PartialCredentialsError):
        raise ModelRefused(
            place, "no AWS credentials found", "give the task, instance or function a role"
        ) from None
    except (aws.NoRegionError, aws.InvalidRegionError):
        raise ModelRefused(place, "no AWS region is set", "set AWS_REGION") from None
    except aws.SSLError as error:
        raise ModelRefused(
            place, f"TLS failed ({error})", "install the CA, or name its file in AWS_CA_BUNDLE"
        ) from None
    except (
        aws.ConnectionError,
        aws.HTTPClientError,
        aws.IncompleteReadError,
        aws.FlexibleChecksumError,
    ) as error:
        raise Interrupted(f"connection failed ({error})") from None
    except aws.BotoCoreError as error:
        raise ModelRefused(place, f"cannot be read ({error})", "check AWS settings") from None
    except ValueError as error:
        # botocore's word for an endpoint that is no URL.
        raise ModelRefused(place, f"{error}", "check AWS_ENDPOINT_URL_S3") from None
    except (HTTPError, OSError) as error:
        raise Interrupted(f"connection failed ({type(error).__name__})") from None


def _of_answer(place: str, error: Any, rights: str) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", "unknown"))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    said = f"S3 answered {code}"
    if code in _LATER or status >= 500:
        return Interrupted(said)
    if code in {"NoSuchKey", "404", "NoSuchBucket"}:
        return ModelRefused(place, said, "check the URI: it must be the folder of turnout.json")
    if status in {401, 403}:
        return ModelRefused(place, said, rights)
    return ModelRefused(place, said, "check the bucket's name and region")
