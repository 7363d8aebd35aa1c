"""The stack files of the project are examples: each has to be planned by the command itself."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from turnout.cli import turnout
from turnout.stackfile import stack_names
from turnout.workspace import find_workspace

ROOT = Path(__file__).parents[3]
STACKS = stack_names(find_workspace(ROOT))


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_file_of_the_project_is_planned(
    stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(turnout, ["plan", "--stack", stack, "--json"])
    assert done.exit_code == 0, done.output
    plan = json.loads(done.stdout)
    assert plan["stack"] == stack
    assert plan["resources"]
    assert plan["outputs"]
