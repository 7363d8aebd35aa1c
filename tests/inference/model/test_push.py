"""Pushing a model to S3: stored once under its digest, never overwritten."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.inference.model.folders import write_model
from tests.inference.model.servers import Moto

from turnout_inference.model import push as pushing
from turnout_inference.model.cli import main
from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.fetch import resolve_model
from turnout_inference.model.location import S3Folder
from turnout_inference.model.manifest import MANIFEST, FileEntry, model_digest
from turnout_inference.model.push import push

TEAM = S3Folder("models", "team")


def test_a_pushed_model_is_fetched_back_whole(s3: Moto, model: Path, cache: Path) -> None:
    digest, target = push(model, TEAM)
    assert str(target) == f"s3://models/team/{digest}"
    folder = resolve_model(str(target), digest, cache)
    assert (folder / "model.bin").read_bytes() == (model / "model.bin").read_bytes()
    assert len(s3.objects()) == len(list(model.iterdir()))


def test_the_printed_line_is_the_stack_files(
    s3: Moto, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", str(model), "s3://models/team/"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    digest = model_digest(model)
    assert printed == {"model": {"uri": f"s3://models/team/{digest}", "sha256": digest}}
    assert f"team/{digest}/{MANIFEST}" in s3.objects()


def uploads(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The names of the files that moto's log says were put, in order."""
    found = (re.search(r"PUT /models/\S+/(\S+)", line) for line in caplog.messages)
    return [match.group(1) for match in found if match]


def test_a_second_push_sends_nothing(
    s3: Moto, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    push(model, TEAM)
    assert sorted(uploads(caplog)) == sorted(path.name for path in model.iterdir())
    caplog.clear()
    push(model, TEAM)
    assert uploads(caplog) == []
    assert len(s3.objects()) == len(list(model.iterdir()))


def test_an_interrupted_push_is_completed(s3: Moto, model: Path) -> None:
    digest, _ = push(model, TEAM)
    s3.client.delete_object(Bucket="models", Key=f"team/{digest}/{MANIFEST}")
    s3.client.delete_object(Bucket="models", Key=f"team/{digest}/model.bin")
    push(model, TEAM)
    assert len(s3.objects()) == len(list(model.iterdir()))


@pytest.mark.usefixtures("s3")
def test_the_manifest_is_stored_last(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    push(model, TEAM)
    assert uploads(caplog)[-1] == MANIFEST


@pytest.mark.parametrize("same", [True, False])
def test_what_another_push_stores_in_between_is_not_replaced(
    s3: Moto, model: Path, monkeypatch: pytest.MonkeyPatch, same: bool
) -> None:
    key = f"team/{model_digest(model)}/model.bin"
    content = (model / "model.bin").read_bytes() if same else b"other"
    looked = pushing._is_there

    def overtaken(client: Any, target: S3Folder, name: str, entry: FileEntry) -> bool:
        if name == "model.bin" and key not in s3.objects():
            s3.client.put_object(Bucket="models", Key=key, Body=content)
            return False
        return looked(client, target, name, entry)

    monkeypatch.setattr(pushing, "_is_there", overtaken)
    with nullcontext() if same else pytest.raises(ModelRefused, match="other content"):
        push(model, TEAM)
    assert s3.client.get_object(Bucket="models", Key=key)["Body"].read() == content


def test_two_models_lie_beside_each_other(s3: Moto, model: Path, tmp_path: Path) -> None:
    write_model(tmp_path / "other", weights=b"other")
    first, _ = push(model, TEAM)
    second, _ = push(tmp_path / "other", TEAM)
    assert {key.split("/")[1] for key in s3.objects()} == {first, second}


@pytest.mark.parametrize("content", [b"x", b"W" + b"eights" + b"weights" * 499])
@pytest.mark.parametrize("checksum", [True, False])
def test_a_stored_file_with_other_content_is_refused_and_kept(
    s3: Moto, model: Path, content: bytes, checksum: bool
) -> None:
    key = f"team/{model_digest(model)}/model.bin"
    extra = {"ChecksumAlgorithm": "SHA256"} if checksum else {}
    s3.client.put_object(Bucket="models", Key=key, Body=content, **extra)
    with pytest.raises(ModelRefused, match="stored with other content than its digest says"):
        push(model, TEAM)
    assert s3.client.get_object(Bucket="models", Key=key)["Body"].read() == content


def test_a_stored_file_without_a_checksum_is_read_to_be_compared(s3: Moto, model: Path) -> None:
    key = f"team/{model_digest(model)}/model.bin"
    s3.client.put_object(Bucket="models", Key=key, Body=(model / "model.bin").read_bytes())
    push(model, TEAM)


def test_a_folder_that_is_not_whole_is_not_pushed(s3: Moto, model: Path) -> None:
    (model / "model.bin").write_bytes(b"x")
    with pytest.raises(ModelRefused, match=r"model\.bin: 1 bytes"):
        push(model, TEAM)
    assert s3.objects() == []


def test_a_uri_that_ends_in_the_models_digest_is_not_nested(s3: Moto, model: Path) -> None:
    digest = model_digest(model)
    _, target = push(model, S3Folder("models", f"team/{digest}"))
    assert target.prefix == f"team/{digest}"
    assert all(key.count(digest) == 1 for key in s3.objects())


@pytest.mark.usefixtures("s3")
def test_an_absent_bucket_is_refused(model: Path) -> None:
    with pytest.raises(ModelRefused, match=r"NoSuchBucket"):
        push(model, S3Folder("no-such-bucket", "x"))


@pytest.mark.parametrize("uri", ["https://host/x", "s3:/models/x", "s3://UPPER", "gs://b/x", ""])
def test_only_s3_can_be_pushed_to(
    model: Path, capsys: pytest.CaptureFixture[str], uri: str
) -> None:
    assert main(["push", str(model), uri]) == 2
    assert "s3://bucket/prefix" in capsys.readouterr().err
