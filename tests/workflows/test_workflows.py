"""The workflows, as far as they can be held to account outside GitHub."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.workflows.github import GITHUB, ROOT, WORKFLOWS, jobs, script

from turnout.parts.registry import DEPLOYED

FILES = [*WORKFLOWS, *GITHUB.glob("actions/*/action.yml")]
BIN = Path(sys.executable).parent


def every_job() -> list[Any]:
    """Every job that runs steps, as a case of its own."""
    return [
        pytest.param(job, id=f"{path.stem}-{name}")
        for path in WORKFLOWS
        for name, job in jobs(path.name).items()
        if "steps" in job
    ]


def run(script: str, cwd: Path, **environment: str) -> dict[str, Any]:
    """Runs a step's script as the runner does; the outputs that it sets."""
    outputs = cwd / "outputs"
    outputs.touch()
    subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=cwd,
        env={**os.environ, "GITHUB_OUTPUT": str(outputs), **environment},
        check=True,
        capture_output=True,
    )
    return dict(line.split("=", 1) for line in outputs.read_text().splitlines())


def test_actionlint_has_nothing_to_say() -> None:
    if shutil.which("go") is None:
        pytest.skip("Go is not installed; actionlint is built from tools/actionlint/go.mod")
    linted = subprocess.run(
        ["go", "tool", "actionlint", f"-shellcheck={BIN / 'shellcheck'}", *WORKFLOWS],
        cwd=ROOT / "tools/actionlint",
        check=False,
        capture_output=True,
        text=True,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_zizmor_has_nothing_to_say() -> None:
    audited = subprocess.run(
        [BIN / "zizmor", "--offline", "--persona=pedantic", GITHUB],
        check=False,
        capture_output=True,
        text=True,
    )
    assert audited.returncode == 0, audited.stdout + audited.stderr


@pytest.mark.parametrize("script", [*ROOT.glob("tools/image/*"), ROOT / "tools/lambda/install"])
def test_shellcheck_has_nothing_to_say_of_the_scripts(script: Path) -> None:
    checked = subprocess.run(
        [BIN / "shellcheck", script], check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(GITHUB)))
def test_every_action_is_pinned_by_commit_and_says_its_version(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text())
    for action, comment in used:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_an_action_has_one_version_everywhere() -> None:
    used = {tuple(pin) for path in FILES for pin in re.findall(r"(\S+)@(\w{40})", path.read_text())}
    assert len({action for action, _ in used}) == len(used)


@pytest.mark.parametrize("job", every_job())
def test_a_job_has_an_end_and_only_the_permissions_it_names(job: dict[str, Any]) -> None:
    assert 0 < job["timeout-minutes"] <= 60
    assert set(job["permissions"].values()) <= {"read", "write"}
    takes_on_a_role = any(
        "configure-aws-credentials" in one.get("uses", "") for one in job["steps"]
    )
    assert (job["permissions"].get("id-token") == "write") is takes_on_a_role
    assert job["permissions"]["contents"] == "read"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_grants_nothing_to_all_its_jobs_and_runs_in_a_group(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(GITHUB)))
def test_no_workflow_holds_a_key(path: Path) -> None:
    assert "secrets." not in path.read_text()
    assert "access-key" not in path.read_text()


def test_only_a_deployment_names_an_environment() -> None:
    """It changes the subject that AWS sees, and the other roles trust branch or pull request."""
    named = [job.id for job in every_job() if "environment" in job.values[0]]
    assert named == ["release-deploy"]


def test_every_engine_is_the_one_that_the_tests_run() -> None:
    (pinned,) = re.findall(
        r"github.com/pulumi/pulumi/pkg/v3 v(\S+)", (ROOT / "tools/engine/go.mod").read_text()
    )
    given = [
        found for path in FILES for found in re.findall(r"-version: (3\.\S+)", path.read_text())
    ]
    assert set(given) == {pinned}


def test_every_variable_is_explained() -> None:
    documented = (ROOT / "docs/delivery.md").read_text()
    used = {name for path in FILES for name in re.findall(r"vars\.(\w+)", path.read_text())}
    assert [name for name in sorted(used) if f"`{name}`" not in documented] == []


needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")


@needs_jq
def test_the_stacks_of_a_policy_check_are_those_that_have_a_file(tmp_path: Path) -> None:
    for name in ["dev", "prod.eu"]:
        (tmp_path / "stacks").mkdir(exist_ok=True)
        (tmp_path / "stacks" / f"Pulumi.{name}.yaml").touch()
    assert json.loads(run(script("policy.yml", "stacks", "List"), tmp_path)["names"]) == [
        "dev",
        "prod.eu",
    ]


@needs_jq
def test_the_digests_of_an_index_are_those_of_its_platforms_not_of_its_attestations(
    tmp_path: Path,
) -> None:
    platforms = [("linux", "amd64"), ("linux", "arm64"), ("unknown", "unknown")]
    manifests = [
        {"digest": f"sha256:{number}", "platform": {"os": system, "architecture": architecture}}
        for number, (system, architecture) in enumerate(platforms)
    ]
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps({'manifests': manifests})}\nEND\n")
    docker.chmod(0o755)
    outputs = run(
        script("release.yml", "image", "Read the digest"),
        tmp_path,
        PATH=f"{tmp_path}:{os.environ['PATH']}",
        IMAGE_REPOSITORY="registry.example/turnout",
        INDEX="sha256:9",
    )
    assert json.loads(outputs["digests"]) == {
        "index": "sha256:9",
        "amd64": "sha256:0",
        "arm64": "sha256:1",
    }


REPOSITORY = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/moderation-0123456"


def mark(tmp_path: Path, image: str, found: dict[str, Any]) -> list[list[str]]:
    """What the step that marks the deployed image asks AWS for, where the registry has `found`."""
    answer, asked = tmp_path / "answer.json", tmp_path / "asked"
    answer.write_text(json.dumps(found))
    asked.touch()
    aws = tmp_path / "aws"
    aws.write_text(f'#!/bin/sh\necho "$@" >>{asked}\ncat {answer}\n')
    aws.chmod(0o755)
    run(
        script("release.yml", "deploy", "Mark the image"),
        tmp_path,
        PATH=f"{tmp_path}:{os.environ['PATH']}",
        IMAGE=image,
        IMAGE_REPOSITORY=REPOSITORY,
        RUN="7.1",
        RUNNER_TEMP=str(tmp_path),
        STACK="prod-ecs",
    )
    return [line.split() for line in asked.read_text().splitlines()]


@needs_jq
def test_an_image_is_marked_by_the_very_manifest_that_is_deployed(tmp_path: Path) -> None:
    # A line's end that a shell would drop would make it another image.
    manifest = '{"schemaVersion": 2}\n'
    media = "application/vnd.oci.image.manifest.v1+json"
    asked = mark(
        tmp_path,
        f"{REPOSITORY}@sha256:0",
        {
            "images": [
                {
                    "registryId": "123456789012",
                    "repositoryName": "moderation-0123456",
                    "imageId": {"imageDigest": "sha256:0"},
                    "imageManifest": manifest,
                    "imageManifestMediaType": media,
                }
            ]
        },
    )
    assert [words[:2] for words in asked] == [["ecr", "batch-get-image"], ["ecr", "put-image"]]
    assert "imageDigest=sha256:0" in asked[0]
    assert media in asked[0]
    put = json.loads((tmp_path / "mark.json").read_text())
    assert put == {
        "repositoryName": "moderation-0123456",
        "imageDigest": "sha256:0",
        "imageManifest": manifest,
        "imageManifestMediaType": media,
        "imageTag": "deployed-prod-ecs-7.1",
    }
    assert put["imageTag"].startswith(DEPLOYED)


@needs_jq
def test_an_image_that_the_registry_has_no_more_is_not_deployed(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        mark(tmp_path, f"{REPOSITORY}@sha256:0", {"images": [], "failures": []})
    assert b"not in the registry" in failed.value.stderr


def test_an_image_of_another_registry_is_left_as_it_is(tmp_path: Path) -> None:
    assert mark(tmp_path, f"{REPOSITORY}-other@sha256:0", {}) == []


@pytest.mark.parametrize(
    ("workflow", "job"),
    [("drift.yml", "drift"), ("preview.yml", "preview"), ("release.yml", "deploy")],
)
def test_what_talks_to_a_cluster_runs_where_the_team_says(workflow: str, job: str) -> None:
    """A cluster's API is private: a runner of GitHub's own does not reach it."""
    assert jobs(workflow)[job]["runs-on"] == "${{ vars.STACK_RUNNER || 'ubuntu-24.04' }}"


def test_a_look_for_drift_takes_what_is_in_a_cluster_from_the_state() -> None:
    assert jobs("drift.yml")["drift"]["env"]["PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"] == "true"
