"""What can be said of the image before it is built."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "inference/Dockerfile"
TEXT = DOCKERFILE.read_text()


def test_hadolint_has_nothing_to_say() -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), DOCKERFILE],
        check=False,
        capture_output=True,
        text=True,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_every_base_comes_by_digest_or_is_a_stage_of_its_own() -> None:
    bases = dict(re.findall(r"^ARG (\w+_IMAGE)=(\S+)$", TEXT, re.MULTILINE))
    stages = set(re.findall(r"^FROM .* AS (\w+)$", TEXT, re.MULTILINE))
    for source in re.findall(r"^FROM (?:--platform=\S+ )?(\S+) AS", TEXT, re.MULTILINE):
        if name := re.fullmatch(r"\$\{(\w+)\}", source):
            assert re.search(r"@sha256:[0-9a-f]{64}$", bases[name[1]]), source
        else:
            assert source in stages


def test_the_wheels_are_those_of_the_target() -> None:
    """BuildKit lets a default win over the platform that it builds for."""
    assert re.findall(r"^ARG TARGET.*$", TEXT, re.MULTILINE) == ["ARG TARGETARCH"]
    assert '--python-platform "$platform"' in TEXT


@pytest.mark.parametrize(
    "path", ["requirements/uv.txt", "requirements/server.txt", "requirements/build.txt"]
)
def test_whatever_is_installed_is_pinned_by_hash(path: str) -> None:
    assert f"COPY {path} {path}" in TEXT
    commands = re.findall(r"(?:-m pip|uv pip|uv build)(?:\\\n|[^&\n]|&(?!&))*", TEXT)
    pinned = ("--require-hashes", "--offline", "--no-index")
    assert len(commands) == 5
    assert all(any(option in one for option in pinned) for one in commands), commands


def test_what_is_copied_reaches_the_builder_and_nothing_else_does() -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    admitted = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = set(re.findall(r"^COPY (?!--)(\S+) ", TEXT, re.MULTILINE))
    assert "*" in rules
    assert {path for path in admitted if path.startswith("requirements/")} == copied - {"inference"}
    assert {path for path in admitted if path.startswith("inference/")} == {
        "inference/pyproject.toml",
        "inference/turnout_inference",
    }
