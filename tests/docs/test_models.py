"""Every command of docs/models.md, run in order as a reader would."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.inference.model.servers import Moto

from turnout_inference.model.fetch import DEFAULT_MODEL
from turnout_inference.model.manifest import load_manifest

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
BLOCKS = re.findall(r"^```sh ?([^\n]*)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
HAS_EXTRA = all(importlib.util.find_spec(name) for name in ("torch", "transformers"))


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with Moto() as server:
        yield server


def test_commands_run_in_the_order_of_the_page(tmp_path: Path, moto: Moto) -> None:
    shutil.copytree(DEFAULT_MODEL, tmp_path / "my-model")
    command = tmp_path / "bin" / "turnout-model"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m turnout_inference.model.cli "$@"\n')
    command.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "AWS_ENDPOINT_URL_S3": moto.url,
        "AWS_REGION": "ap-northeast-2",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    ran = 0
    for mark, commands in BLOCKS:
        if mark:
            continue
        ended = subprocess.run(
            ["sh", "-eu", "-c", commands],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"{commands}{ended.stderr}"
        ran += 1
    assert ran == 4
    (fetched,) = (path for path in (tmp_path / "cache" / "models").iterdir() if path.is_dir())
    assert load_manifest(fetched) == load_manifest(DEFAULT_MODEL)


def test_every_command_that_is_not_run_says_why() -> None:
    for mark, commands in BLOCKS:
        assert mark in {"", "needs-convert"} or re.match(r"not-tested: \w+", mark), commands


@pytest.mark.skipif(not HAS_EXTRA, reason="install turnout-inference[convert] to run it")
def test_the_conversion_runs_where_its_extra_is_installed(tmp_path: Path) -> None:
    from tests.inference.model.test_conversion import write_checkpoint

    write_checkpoint(tmp_path / "checkpoint", "xlm-roberta", "multi_label")
    (tmp_path / "comments.tsv").write_text("좋은 영화\tkind\n이게 뭐야\trude,neutral\n")
    ((_, commands),) = (block for block in BLOCKS if block[0] == "needs-convert")
    arguments = commands.split()
    assert arguments[0] == "turnout-model"
    # Two texts through random weights: int8 may tip a score over its threshold.
    lenient = ["--min-agreement", "0.5", "--mean-difference", "0.05", "--max-f1-loss", "1"]
    subprocess.run(
        [sys.executable, "-m", "turnout_inference.model.cli", *arguments[1:], *lenient],
        cwd=tmp_path,
        check=True,
    )
    assert load_manifest(tmp_path / "my-model").licence == "Apache-2.0"


def test_the_figures_of_the_default_model_are_those_of_its_manifest() -> None:
    manifest = load_manifest(DEFAULT_MODEL)
    parity = manifest.parity
    assert parity is not None
    megabytes = sum(entry.size for entry in manifest.files.values()) / 1e6
    page = PAGE.read_text()
    for figure in (
        f"{parity.texts:,} comments",
        f"same labels {parity.label_agreement:.2%}".replace("%", " %"),
        f"score {parity.max_difference:.3f}, mean {parity.mean_difference:.4f}",
        f"{megabytes:.1f} MB in int8",
        f"{manifest.max_tokens} tokens",
        f"`{manifest.name}`",
    ):
        assert figure in page
