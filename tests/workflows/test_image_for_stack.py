"""Which of a build's images a stack is given."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from turnout.config import ConfigError

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".github/scripts/image_for_stack.py"
REPOSITORY = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/turnout"
DIGESTS = {
    name: f"sha256:{digit * 64}" for name, digit in [("index", "0"), ("amd64", "a"), ("arm64", "b")]
}


def load() -> Callable[[Mapping[str, Any], str, Mapping[str, str]], str]:
    specification = importlib.util.spec_from_file_location("image_for_stack", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    found: Callable[[Mapping[str, Any], str, Mapping[str, str]], str] = module.image_for
    return found


image_for = load()


def service(**said: Any) -> dict[str, Any]:
    network = {"create": {"cidr": "10.20.0.0/16"}}
    return {"name": "hate-speech-api", "network": network, "plain_http": True, **said}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"kind": "lambda", "architecture": "arm64"}, "arm64"),
        ({"kind": "lambda", "architecture": "x86_64"}, "amd64"),
        ({"kind": "ecs", "architecture": "x86_64"}, "amd64"),
        ({"kind": "ec2", "instance_type": "t4g.large"}, "arm64"),
    ],
)
def test_a_stack_of_one_architecture_gets_the_image_of_that_platform(
    target: dict[str, Any], expected: str
) -> None:
    chosen = image_for(service(target=target), REPOSITORY, DIGESTS)
    assert chosen == f"{REPOSITORY}@{DIGESTS[expected]}"


def test_a_stack_whose_tiers_differ_gets_the_index() -> None:
    targets = [
        {"kind": "ecs", "architecture": "arm64", "weight": 50},
        {"kind": "ec2", "instance_type": "t3.large", "weight": 50},
    ]
    chosen = image_for(service(targets=targets), REPOSITORY, DIGESTS)
    assert chosen == f"{REPOSITORY}@{DIGESTS['index']}"


def test_a_stack_file_that_names_an_image_keeps_it() -> None:
    own = f"{REPOSITORY}@sha256:{'c' * 64}"
    assert image_for(service(target="ecs", image=own), REPOSITORY, DIGESTS) == own


def test_a_stack_that_builds_its_own_image_takes_no_other() -> None:
    with pytest.raises(ValueError, match=r"image\.build"):
        image_for(service(target="ecs", image={"build": True}), REPOSITORY, DIGESTS)


def test_a_local_stack_runs_no_image() -> None:
    with pytest.raises(ValueError, match="local"):
        image_for({"name": "hate-speech-api", "target": "local"}, REPOSITORY, DIGESTS)


def test_a_wrong_stack_file_is_explained_not_guessed_at() -> None:
    with pytest.raises(ConfigError, match="target"):
        image_for(service(target="esc"), REPOSITORY, DIGESTS)


def test_an_unknown_stack_is_named(tmp_path: Path) -> None:
    asked = subprocess.run(
        [sys.executable, SCRIPT, "nowhere", REPOSITORY, "{}"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 1
    assert "Pulumi.nowhere.yaml" in asked.stderr
    assert "Traceback" not in asked.stderr
