"""The command line of turnout-model: what it prints, and how it ends."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.inference.model.folders import edit_manifest

from turnout_inference.model.cli import main
from turnout_inference.model.fetch import DEFAULT_MODEL
from turnout_inference.model.manifest import model_digest


def test_inspect_prints_what_the_model_says_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(DEFAULT_MODEL)]) == 0
    printed = capsys.readouterr().out
    for part in (model_digest(DEFAULT_MODEL), "multi-label", "profanity", "CC-BY-SA-4.0", "K-MHaS"):
        assert part in printed


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "from a score of 0.5"),
        ({"problem_type": "single_label", "threshold": None}, "the best one"),
        (
            {"threshold": None, "thresholds": {"kind": 0.1, "rude": 0.25, "neutral": 1}},
            "by score: kind from 0.1, rude from 0.25, neutral from 1",
        ),
    ],
)
def test_inspect_says_when_a_label_is_given(
    model: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], said: str
) -> None:
    edit_manifest(model, **changes)
    assert main(["inspect", str(model)]) == 0
    assert said in capsys.readouterr().out


def test_inspect_prints_json_with_the_digest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--json", str(DEFAULT_MODEL)]) == 0
    assert json.loads(capsys.readouterr().out)["sha256"] == model_digest(DEFAULT_MODEL)


def test_verify_says_that_the_model_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    digest = model_digest(DEFAULT_MODEL)
    assert main(["verify", str(DEFAULT_MODEL), "--sha256", digest]) == 0
    assert f"is whole, sha256 {digest}" in capsys.readouterr().out


def test_verify_refuses_another_digest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(DEFAULT_MODEL), "--sha256", "0" * 64]) == 3
    assert "was asked for" in capsys.readouterr().err


def test_fetch_prints_the_folder(
    model: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", model.as_uri(), "--cache", str(cache)]) == 0
    assert capsys.readouterr().out == f"{model}\n"


def test_a_refusal_is_one_line_and_exit_code_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(tmp_path)]) == 3
    assert capsys.readouterr().err == (
        f"turnout-model: {tmp_path}/turnout.json: missing; "
        "make the folder with `turnout-model convert`\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["convert", "/nowhere", "out"],
        ["bench", "--batch", "0"],
        ["bench", "--batch", "a"],
        ["bench", "--threads", "2"],
        ["bench", "--threads", "0x1"],
        ["bench", "--seconds", "nan"],
        ["bench", "--seconds", "inf"],
        ["bench", "--seconds", "-1"],
        ["bench", "--seconds", "0"],
        ["bench", "--seconds", "3601"],
        ["bench", "--seconds", "a"],
        ["verify", "x", "--min-agreement", "2"],
        ["convert", ".", "out", "--label-threshold", "0.5"],
        ["convert", ".", "out", "--label-threshold", "rude=high"],
    ],
)
def test_wrong_usage_is_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: turnout-model" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["convert", ".", "out"], ["verify", str(DEFAULT_MODEL), "--against", "."]]
)
def test_without_the_extra_one_line_says_how_to_install_it(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "pip install 'turnout-inference[convert]'" in error
    assert error.count("\n") == 1


def test_bench_prints_a_row_for_each_combination(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--batch", "1,4", "--threads", "1x1,2x1", "--seconds", "0.05"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["threads", "batch", "rows/s"]
    assert [row.split()[:2] for row in rows] == [
        ["1x1", "1"], ["1x1", "4"], ["2x1", "1"], ["2x1", "4"],
    ]  # fmt: skip
    assert all(float(row.split()[2]) > 0 for row in rows)


def test_bench_starts_no_more_threads_than_a_machine_can_tell_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "--threads", "1x1,1000x1000", "--seconds", "0.05"]) == 2
    assert "--threads 1000x1000: 1000000 threads on " in capsys.readouterr().err


def test_a_missing_file_of_texts_is_no_fault_of_the_model(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "--texts", "/nowhere.txt"]) == 2
    assert "/nowhere.txt: cannot be read" in capsys.readouterr().err


def test_bench_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("좋은 영화\n정말 재미있게 봤습니다\n")
    options = ["--batch", "2", "--threads", "1x1", "--seconds", "0.05", "--texts", str(texts)]
    assert main(["bench", str(DEFAULT_MODEL), "--json", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == 2
    (measured,) = found["measurements"]
    assert measured["rows_per_second"] > 0
    assert 0 <= measured["padding"] < 1


def test_the_manifest_and_the_fetch_load_nothing_heavy() -> None:
    heavy = ("boto3", "botocore", "ctranslate2", "numpy", "torch", "transformers", "urllib.request")
    program = (
        "import sys, turnout_inference.model.fetch; "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert told.stdout == "[]\n"
