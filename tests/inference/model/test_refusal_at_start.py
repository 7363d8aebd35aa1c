"""A server with a model that must not be served: exit code 3 and the reason, before the port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.inference.model.folders import edit_manifest, reseal

from turnout_inference.model.fetch import DEFAULT_MODEL
from turnout_inference.model.manifest import model_digest

Settings = dict[str, str]


def with_a_flipped_bit(folder: Path) -> Settings:
    content = bytearray((folder / "model.bin").read_bytes())
    content[-1] ^= 1
    (folder / "model.bin").write_bytes(content)
    return {"TURNOUT_MODEL": str(folder)}


def with_another_digest(folder: Path) -> Settings:
    return {"TURNOUT_MODEL": str(folder), "TURNOUT_MODEL_SHA256": "0" * 64}


def of_a_later_format(folder: Path) -> Settings:
    edit_manifest(folder, format_version=2)
    return {"TURNOUT_MODEL": folder.as_uri()}


def sealed_but_cut_short(folder: Path) -> Settings:
    content = (folder / "model.bin").read_bytes()
    (folder / "model.bin").write_bytes(content[:1000])
    reseal(folder)
    return {"TURNOUT_MODEL": str(folder), "TURNOUT_MODEL_SHA256": model_digest(folder)}


def that_is_missing(folder: Path) -> Settings:
    return {"TURNOUT_MODEL": str(folder / "none")}


def from_a_bucket_without_a_digest(folder: Path) -> Settings:
    del folder
    return {"TURNOUT_MODEL": "s3://models/team"}


def over_plain_http(folder: Path) -> Settings:
    del folder
    return {"TURNOUT_MODEL": "http://models.example.com/m?token=topsecret"}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (with_a_flipped_bit, "model.bin: sha256 is"),
        (with_another_digest, "was asked for"),
        (of_a_later_format, "format_version: 2 is not one"),
        (sealed_but_cut_short, "CTranslate2 cannot load it"),
        (that_is_missing, "no such folder"),
        (from_a_bucket_without_a_digest, "set TURNOUT_MODEL_SHA256"),
        (over_plain_http, "use https:"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_server_refuses_its_model_before_its_port_opens(
    tmp_path: Path, damage: Callable[[Path], Settings], said: str
) -> None:
    folder = Path(shutil.copytree(DEFAULT_MODEL, tmp_path / "model"))
    port = free_port()
    settings = {
        "PATH": os.environ["PATH"],
        "TURNOUT_HOST": "127.0.0.1",
        "TURNOUT_PORT": str(port),
        "TURNOUT_CACHE_DIR": str(tmp_path / "cache"),
    } | damage(folder)
    server = subprocess.Popen(
        [sys.executable, "-c", "import turnout_inference.cli as c; raise SystemExit(c.main())"],
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        while server.poll() is None:
            assert not is_open(port)
            time.sleep(0.005)
        told, _ = server.communicate(timeout=60)
    finally:
        server.kill()
    assert server.returncode == 3, told
    assert said in told
    assert "Traceback" not in told
    assert "topsecret" not in told


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
