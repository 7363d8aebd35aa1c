"""A server with a model that must not be served: exit code 3 and the reason, before the port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
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
def test_a_server_refuses_its_model_before_it_takes_the_port(
    tmp_path: Path, damage: Callable[[Path], Settings], said: str
) -> None:
    folder = Path(shutil.copytree(DEFAULT_MODEL, tmp_path / "model"))
    # The port is taken: a server that reached for it first would end with another code.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = {
            "PATH": os.environ["PATH"],
            "TURNOUT_HOST": "127.0.0.1",
            "TURNOUT_PORT": str(taken.getsockname()[1]),
            "TURNOUT_CACHE_DIR": str(tmp_path / "cache"),
        } | damage(folder)
        ended = subprocess.run(
            [sys.executable, "-c", "import turnout_inference.cli as c; raise SystemExit(c.main())"],
            env=settings,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    told = ended.stdout + ended.stderr
    assert ended.returncode == 3, told
    assert said in told
    assert "Traceback" not in told
    assert "topsecret" not in told
