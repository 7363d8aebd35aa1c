"""The figures are of what they say, and both programs run."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bench.process import serving
from bench.raw import ROWS, measure, texts_of

from turnout_inference.fake import FakeBackend
from turnout_inference.tokenizer import Encoded


def run(module: str, *arguments: str, out: Path) -> dict[str, object]:
    subprocess.run(
        [sys.executable, "-m", module, "--seconds", "0.2", "--out", str(out), *arguments],
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=120,
    )
    found: dict[str, object] = json.loads(out.read_text())
    return found


def test_the_yardstick_counts_each_text_by_its_tokens() -> None:
    encoded = [Encoded([0] * length, length) for length in (2, 2, 2, 10) * 32]
    backend = FakeBackend(labels=1, seconds_per_token=1e-4)
    found = measure(backend, encoded, 0.05)
    assert list(found.by_rows) == list(ROWS)
    # 4 tokens a text in the mean, 0.1 ms a token, and what Python and the sleep add.
    assert 300 < found.by_rows[1] < 2500


def test_the_yardstick_computes_texts_of_equal_length_together() -> None:
    encoded = [Encoded([0] * length, length) for length in (2, 9) * 64]
    backend = FakeBackend(labels=1)
    measure(backend, encoded, 0.01)
    assert all(len(set(lengths)) == 1 for lengths in backend.batches)


def test_texts_of_a_table_come_without_its_header_and_its_labels(tmp_path: Path) -> None:
    file = tmp_path / "texts.tsv"
    file.write_text("text\tlabel\nfirst\t0\nsecond\t1\n\t1\n")
    assert sorted(texts_of(file, 10)) == ["first", "second"]


def test_another_server_on_the_port_is_not_measured_in_its_place() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        starting = serving(["false"], {}, port=port, path="/", body=b"", cpus={0})
        with pytest.raises(SystemExit, match=f"127.0.0.1:{port} is served"), starting:
            pass


@pytest.mark.slow
def test_the_server_is_measured_beside_the_library(tmp_path: Path) -> None:
    found = run("bench.run", out=tmp_path / "here.json")
    shares = found["single_texts_32_connections"]["of_raw_best"]  # type: ignore[index]
    assert shares.keys() == {"library", "server"}
    assert all(np.isfinite(share) and share > 0 for share in shares.values())


@pytest.mark.slow
def test_servers_of_the_same_weights_are_measured_one_after_another(tmp_path: Path) -> None:
    found = run("bench.peers.run", "--layers", "1", "--width", "64", out=tmp_path / "peers.json")
    assert found["turnout"]["one_text_1_connection"]["statuses"].keys() == {"200"}  # type: ignore[index]
