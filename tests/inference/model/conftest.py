"""A model folder, and the remote places that it can be fetched from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.inference.model.folders import write_model
from tests.inference.model.servers import FolderServer, Moto

from turnout_inference.model.source import FetchPolicy


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A compliant model folder of its own for each test."""
    folder = tmp_path / "model"
    write_model(folder)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache folder that does not exist yet."""
    return tmp_path / "cache"


@pytest.fixture
def hasty() -> FetchPolicy:
    """Patience for tests: failures come at once."""
    return FetchPolicy(connect_timeout=1, read_timeout=1, attempts=3, backoff=0.01, lock_wait=5)


@pytest.fixture
def web(model: Path) -> Iterator[FolderServer]:
    """A web server on loopback that serves the model's folder and fails on request."""
    with FolderServer(model) as server:
        yield server


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    """moto's S3 on loopback."""
    with Moto() as server:
        yield server


@pytest.fixture
def s3(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> Moto:
    """moto's S3 as the environment's endpoint, with an empty bucket `models`."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto.url)
    monkeypatch.setenv("AWS_REGION", "ap-northeast-2")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    moto.empty()
    return moto
