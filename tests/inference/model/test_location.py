"""URIs of models: what is understood, what is refused, and what messages show of them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.location import (
    HttpFolder,
    LocalFolder,
    S3Folder,
    digest_in,
    parse_location,
    redact,
)

DIGEST = "ab" * 32


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/app/models/m", "/app/models/m"),
        ("models/m", "models/m"),
        ("~0", "~0"),
        ("file:///app/a%20b", "/app/a b"),
        ("file:/app/m", "/app/m"),
        ("file://localhost/app/m", "/app/m"),
    ],
)
def test_local_folders(uri: str, path: str) -> None:
    assert parse_location(uri) == LocalFolder(Path(path))


@pytest.mark.parametrize(
    ("uri", "bucket", "prefix"),
    [
        ("s3://models", "models", ""),
        ("s3://models/", "models", ""),
        ("s3://models/team/x/", "models", "team/x"),
        ("S3://my.models-1/x", "my.models-1", "x"),
    ],
)
def test_s3_prefixes(uri: str, bucket: str, prefix: str) -> None:
    assert parse_location(uri) == S3Folder(bucket, prefix)


def test_the_key_of_a_file_in_a_bucket_without_prefix_has_no_slash_before_it() -> None:
    assert S3Folder("models", "").key("model.bin") == "model.bin"
    assert S3Folder("models", "a/b").key("model.bin") == "a/b/model.bin"


def test_a_query_goes_behind_the_files_name() -> None:
    location = parse_location("https://host/a/b/?sig=1#part")
    assert isinstance(location, HttpFolder)
    assert location.file_url("model.bin") == "https://host/a/b/model.bin?sig=1"


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "[::1]:8080", "localhost", "127.8.9.1"])
def test_plain_http_is_taken_from_this_machine(host: str) -> None:
    assert isinstance(parse_location(f"http://{host}/m"), HttpFolder)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("", "empty"),
        ("s3://models/a\nb", "control characters"),
        ("http://models.example.com/m", "http: is taken from this machine only; use https:"),
        ("http://127.0.0.1.example.com/m", "use https:"),
        ("http://0.0.0.0/m", "use https:"),
        ("https:///m", "names no host"),
        ("https://host:port/m", "not a URL"),
        ("https://[::1/m", "not a URL"),
        ("https://me:topsecret@host/m", "carries a user name or password"),
        ("https://me@host/m", "carries a user name or password"),
        ("s3:models/m", "write s3://bucket/prefix"),
        ("s3://A_B/m", "'A_B' is not a bucket's name"),
        ("s3://", "'' is not a bucket's name"),
        ("file://host/m", "write three slashes"),
        ("ftp://me:topsecret@host/m", "scheme 'ftp' is not understood"),
        ("gs://models/m", "scheme 'gs' is not understood; give a folder"),
        ("hf:org/name", "scheme 'hf' is not understood"),
    ],
)
def test_what_is_not_understood_is_refused_with_the_way_out(uri: str, said: str) -> None:
    with pytest.raises(ModelRefused, match=said) as refused:
        parse_location(uri)
    assert "topsecret" not in str(refused.value)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://me:pw@host:1/a?X-Amz-Signature=1", "https://host:1/a?…"),
        ("https://host/a#token", "https://host/a?…"),
        ("https://host/a@b", "https://host/a@b"),
        ("https://host", "https://host"),
        ("HTTPS://me:pw@host/a", "HTTPS://host/a"),
        ("ftp://me:pw@host/a?b", "ftp://host/a?…"),
        ("token:secret", "token:…"),
        ("s3://bucket/a", "s3://bucket/a"),
        ("/folder/a?b", "/folder/a?b"),
    ],
)
def test_messages_show_neither_credentials_nor_queries(uri: str, shown: str) -> None:
    assert redact(uri) == shown


@pytest.mark.parametrize("end", ["/ss@host/m", "?ss@host/m", "#ss@host/m", "@host/m", ":1@host/m"])
def test_a_password_is_never_shown_whatever_it_is_made_of(end: str) -> None:
    assert "topsecret" not in redact(f"https://user:topsecret{end}")


@given(st.text(alphabet="abc:@/?#&=%[].", max_size=30))
def test_a_secret_after_a_question_mark_is_never_shown(path: str) -> None:
    assert "topsecret" not in redact(f"https://host/{path}?{path}topsecret{path}")


@given(st.text(max_size=40))
def test_no_uri_can_break_the_reader(uri: str) -> None:
    with suppress(ModelRefused):
        parse_location(uri)


@pytest.mark.parametrize(
    ("uri", "digest"),
    [
        (f"s3://models/{DIGEST}", DIGEST),
        (f"s3://models/a/{DIGEST}/", DIGEST),
        (f"https://host/{DIGEST}/?sig=1", DIGEST),
        (f"s3://models/{DIGEST}/a", None),
        ("s3://models", None),
        (f"s3://models/{DIGEST.upper()}", None),
    ],
)
def test_a_digest_is_read_off_the_last_step_alone(uri: str, digest: str | None) -> None:
    location = parse_location(uri)
    assert not isinstance(location, LocalFolder)
    assert digest_in(location) == digest
