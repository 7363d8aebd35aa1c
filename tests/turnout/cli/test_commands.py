import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from turnout import local
from turnout.cli import turnout
from turnout.commands.samples import ClassifyError, classify_samples
from turnout.commands.transcript import Transcript
from turnout.config import stack_file_schema

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the project's stacks, as the current folder, with a port of its own."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks", symlinks=True)
    file = tmp_path / "stacks/Pulumi.local.yaml"
    target = f"target: {{kind: local, port: {local.free_port()}}}"
    file.write_text(file.read_text().replace("target: local", target))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENGINE", "none")
    yield tmp_path
    for folder in tmp_path.glob(".state/local/*/*"):
        local.stop(folder, timeout=1)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(turnout, arguments)


def test_help_lists_the_commands_without_loading_them() -> None:
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from turnout.cli import turnout; turnout(['--help'], "
            "standalone_mode=False); print('loaded:', 'pulumi' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.endswith("loaded: False\n")
    result = run("--help")
    assert result.exit_code == 0
    for command in ("up", "down", "plan", "check", "schema", "doctor"):
        assert f"\n  {command} " in result.output


def test_a_mistyped_command_is_corrected() -> None:
    result = run("pln")
    assert result.exit_code == 2
    assert "Did you mean plan?" in result.output


@pytest.mark.usefixtures("project")
def test_plan_prints_the_tree_and_the_outputs() -> None:
    result = run("plan")
    assert result.exit_code == 0, result.output
    assert "LocalServer hate-speech-api" in result.output
    assert "output url: [known after up]" in result.output
    assert "pulumi preview" in result.output


@pytest.mark.usefixtures("project")
def test_plan_as_json_is_json_and_nothing_else() -> None:
    result = run("plan", "--json")
    plan = json.loads(result.output)
    assert plan["stack"] == "local"
    assert {"urn", "type", "name", "parent", "inputs"} <= plan["resources"][0].keys()
    assert plan["warnings"] == []


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("command", ["plan", "up", "down", "doctor"])
def test_a_stack_that_is_not_there_is_corrected(command: str) -> None:
    result = run(command, "--stack", "loca")
    assert result.exit_code == 1
    assert result.output.startswith("Error: there is no stack loca, did you mean local?")


def test_a_wrong_key_is_named_with_its_place_and_the_likely_one(project: Path) -> None:
    file = project / "stacks/Pulumi.local.yaml"
    file.write_text(file.read_text().replace("kind: local,", "kind: local, workrs: 2,"))
    result = run("plan")
    assert result.exit_code == 1
    assert "turnout:service.target.workrs: is not known; did you mean workers?" in result.output
    assert "stacks/Pulumi.local.yaml:6:27:" in result.output


def test_a_key_that_nobody_reads_is_a_warning_of_the_plan(project: Path) -> None:
    file = project / "stacks/Pulumi.local.yaml"
    file.write_text(file.read_text().replace("config:\n", "config:\n  tunrout:service: {}\n"))
    result = run("plan")
    assert result.exit_code == 0
    assert "warning: stacks/Pulumi.local.yaml:" in result.output
    assert "tunrout:service: nobody reads it; did you mean turnout:service?" in result.output


def test_what_only_the_program_can_refuse_has_its_place_too(project: Path) -> None:
    file = project / "stacks/Pulumi.foundation.yaml"
    file.write_text(file.read_text().replace("    zones: [", "    zones: [example.com, "))
    result = run("plan", "--stack", "foundation")
    assert result.exit_code == 1
    assert re.match(
        r"Error: stacks/Pulumi.foundation.yaml:\d+:13: turnout:foundation.zones\[0\]: example.com",
        result.output,
    )


def test_outside_the_project_it_says_where_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("plan")
    assert result.exit_code == 1
    assert "no Pulumi.yaml in" in result.output


def test_up_and_down_refuse_a_stack_that_costs_money(project: Path) -> None:
    (project / "stacks/Pulumi.aws.yaml").write_text(
        "config:\n  turnout:service:\n    name: api\n    target: ecs\n    plain_http: true\n"
        f"    image: example.com/api@sha256:{'0' * 64}\n"
    )
    for command, verb in (("up", "up"), ("down", "destroy")):
        result = run(command, "--stack", "aws")
        assert result.exit_code == 1
        assert f"`pulumi {verb} --stack aws`" in result.output


@pytest.mark.usefixtures("project")
def test_up_without_an_engine_serves_and_a_second_up_restarts_nothing() -> None:
    first = run("up")
    assert first.exit_code == 0, first.output
    assert "engine: none, as ENGINE asks" in first.output
    assert "server: started, pid" in first.output
    assert "꼰대들 진짜 지긋지긋하다" in first.output
    assert "/docs" in first.output
    assert "make down" in first.output
    second = run("up")
    assert "runs already" in second.output
    assert run("down").output == "stack local: down\n"
    assert run("down").output == "stack local: nothing was running\n"


@pytest.mark.usefixtures("project")
def test_an_unknown_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE", "some")
    result = run("up")
    assert result.exit_code == 1
    assert "ENGINE=some is not known; use one of any, none, built" in result.output


def test_schema_is_what_the_stack_files_name(tmp_path: Path) -> None:
    printed = run("schema")
    assert json.loads(printed.output) == stack_file_schema()
    run("schema", "--output", str(tmp_path / "schema.json"))
    assert (tmp_path / "schema.json").read_text() == printed.output
    committed = (ROOT / "stacks/turnout.schema.json").read_text()
    assert committed == printed.output, "stacks/turnout.schema.json is old: make schema"


def test_the_page_about_the_stack_file_has_every_key() -> None:
    page = (ROOT / "docs/stack-file.md").read_text()
    assert page == run("schema", "--markdown").output, "docs/stack-file.md is old: make schema"
    definitions = stack_file_schema()["$defs"]
    for part in ("ServiceConfig", "Ecs", "Alarms", "Schedule"):
        for key in definitions[part]["properties"]:
            assert f"| `{key}` |" in page


def test_a_server_that_does_not_answer_is_named() -> None:
    url = f"http://127.0.0.1:{local.free_port()}"
    with pytest.raises(ClassifyError, match=f"{url}/v1/classify does not answer"):
        classify_samples(url)


def test_the_engines_signs_of_life_and_repeated_errors_are_not_shown() -> None:
    said = """\
Updating (local):

@ updating....
 +  a:b:C made creating (0s)
    pulumi:pulumi:Stack turnout-local running error: the server died
    pulumi:pulumi:Stack turnout-local **failed** 2 errors
Diagnostics:
  pulumi:pulumi:Stack (turnout-local):
    error: the server died
        its last words
    error: an unhandled error occurred: the server died
        its last words
  a:b:C (made):
    error: another
Resources:
    1 errored
"""
    transcript = Transcript()
    kept = [line.strip() for line in said.splitlines() if transcript.keeps(line)]
    assert kept == [
        "Updating (local):",
        "+  a:b:C made creating (0s)",
        "pulumi:pulumi:Stack turnout-local **failed** 2 errors",
        "Diagnostics:",
        "pulumi:pulumi:Stack (turnout-local):",
        "error: the server died",
        "its last words",
        "a:b:C (made):",
        "error: another",
        "Resources:",
        "1 errored",
    ]
