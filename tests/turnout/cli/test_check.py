"""`turnout check`: sources, formats and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from turnout.commands.check import check_command

ROOT = Path(__file__).parents[3]
IMAGE = f"123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/api@sha256:{'a' * 64}"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
URN = f"urn:pulumi:prod::shop::{LOG_GROUP}::logs"
Invoke = Callable[..., Result]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own with one stack, `shop`, whose alarms reach nobody."""
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/__main__.py").write_text((ROOT / "stacks/__main__.py").read_text())
    service: dict[str, Any] = {
        "name": "shop",
        "target": "ecs",
        "image": IMAGE,
        "certificate": "arn:aws:acm:ap-northeast-2:123456789012:certificate/0a1b2c3d",
        "alarms": {"cpu": 80},
    }
    write(tmp_path, service)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(project: Path, service: dict[str, Any]) -> None:
    config = {"config": {"aws:region": "ap-northeast-2", "turnout:service": service}}
    text = yaml.safe_dump(config, sort_keys=False)
    (project / "stacks/Pulumi.shop.yaml").write_text(text)


def check(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(check_command, arguments, input=stdin)


def exported(**inputs: Any) -> str:
    resource = {"urn": URN, "type": LOG_GROUP, "custom": True, "id": "x", "inputs": inputs}
    return json.dumps({"version": 3, "deployment": {"resources": [resource]}})


def planned(**inputs: Any) -> str:
    return json.dumps({"resources": [{"urn": URN, "type": LOG_GROUP, "inputs": inputs}]})


@pytest.mark.usefixtures("project")
def test_a_stack_with_a_mandatory_finding_ends_in_one() -> None:
    result = check("--stack", "shop")
    assert result.exit_code == 1
    assert "MANDATORY  alarm-topic-is-heard" in result.stdout
    assert "aws.sns.TopicSubscription" in result.stdout


def test_a_finding_is_shown_at_the_line_of_the_stack_file_that_can_mend_it(project: Path) -> None:
    result = check("--stack", "shop", "--format", "github")
    lines = (project / "stacks/Pulumi.shop.yaml").read_text().splitlines()
    line = lines.index("    alarms:") + 1
    assert f"::error file=stacks/Pulumi.shop.yaml,line={line},title=alarm-topic-is" in result.stdout


def test_what_is_advisory_ends_in_zero(project: Path) -> None:
    (project / "policy.json").write_text('{"alarm-topic-is-heard": "advisory"}')
    result = check("--stack", "shop", "--policy-config", "policy.json")
    assert result.exit_code == 0
    assert "ADVISORY  alarm-topic-is-heard" in result.stdout


@pytest.mark.usefixtures("project")
def test_one_pack_alone_can_be_asked_for() -> None:
    result = check("--stack", "shop", "--pack", "security", "--format", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["violations"] == []


@pytest.mark.parametrize(("option", "make"), [("--state", exported), ("--plan", planned)])
def test_a_recorded_stack_is_checked_from_a_file_or_from_stdin(
    tmp_path: Path, option: str, make: Callable[..., str]
) -> None:
    file = tmp_path / "record.json"
    file.write_text(make())
    from_file = check(option, str(file), "--format", "json")
    from_stdin = check(option, "-", "--format", "json", stdin=make())
    assert from_file.exit_code == from_stdin.exit_code == 1
    assert from_file.stdout == from_stdin.stdout
    (found,) = json.loads(from_file.stdout)["violations"]
    assert (found["rule"], found["resource"]) == ("log-group-retention", URN)
    assert check(option, "-", stdin=make(retentionInDays=30)).exit_code == 0


def test_the_report_can_go_to_a_file(tmp_path: Path) -> None:
    output = tmp_path / "policy.sarif"
    result = check("--plan", "-", "--format", "sarif", "--output", str(output), stdin=planned())
    assert (result.exit_code, result.stdout) == (1, "")
    assert json.loads(output.read_text())["version"] == "2.1.0"


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        (("--state", "-", "--plan", "-"), "{}", "give one of them"),
        (("--plan", "-"), "not JSON", "is not what `turnout plan --json` prints"),
        (("--plan", "-"), "[]", "is not what `turnout plan --json` prints"),
        (("--plan", "-"), "{}", "is not what `turnout plan --json` prints"),
        (("--state", "-"), "[1]", "is not what `pulumi stack export` prints"),
        (("--plan", "-", "--policy-config", "none.json"), '{"resources": []}', "none.json"),
        (("--stack", "nowhere"), None, "there is no stack nowhere"),
    ],
)
@pytest.mark.usefixtures("project")
def test_what_cannot_be_run_ends_in_two_with_a_message(
    arguments: tuple[str, ...], stdin: str | None, words: str
) -> None:
    result = check(*arguments, stdin=stdin)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_configuration_ends_in_two_and_names_the_rule(project: Path) -> None:
    (project / "policy.json").write_text('{"alarm-topic-is-hear": "advisory"}')
    result = check("--stack", "shop", "--policy-config", "policy.json")
    assert result.exit_code == 2
    assert "did you mean alarm-topic-is-heard?" in result.stderr
    (project / "policy.json").write_text("[]")
    assert check("--stack", "shop", "--policy-config", "policy.json").exit_code == 2


def test_a_stack_file_with_a_mistake_ends_in_two_and_names_the_place(project: Path) -> None:
    write(project, {"name": "shop", "target": "esc"})
    result = check("--stack", "shop")
    assert result.exit_code == 2
    assert "stacks/Pulumi.shop.yaml:" in result.stderr
