"""The stack files that come with the project: valid, planned, and clean by both policy packs."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from tests.turnout.programs import ROOT

from turnout.cli import turnout
from turnout.config import parse_service

FILES = sorted((ROOT / "stacks").glob("Pulumi.*-*.yaml"))
STACKS = [file.name.split(".")[1] for file in FILES]


def said(stack: str) -> Mapping[str, Any]:
    text = (ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text()
    return dict(yaml.safe_load(text)["config"])


def test_there_is_a_stack_file_for_every_tier() -> None:
    kinds = {parse_service(said(stack)["turnout:service"]).tiers[0].kind for stack in STACKS}
    assert kinds == {"ec2", "ecs", "eks", "lambda"}


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_file_explains_itself(stack: str) -> None:
    lines = (ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=./turnout.schema.json"
    assert sum(line.lstrip().startswith("#") for line in lines) >= 6


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_file_is_clean_by_both_policy_packs(
    stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(turnout, ["check", "--stack", stack])
    assert done.exit_code == 0, done.output
    assert "no findings" in done.output
