"""What the workflows say to Pulumi, said to a real engine over a stack of the local tier."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.image.container import free_port
from tests.workflows.github import ROOT, script

from turnout.engine import find
from turnout.foundation.state import LAYOUT, files_of_stack

IMAGE = f"123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/turnout@sha256:{'a' * 64}"

LOCKS = ".pulumi/locks/organization"

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Project:
    """A checkout with one local stack, and what a runner's environment has."""

    root: Path
    environment: Mapping[str, str]

    def run(self, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
            cwd=self.root,
            env={**os.environ, **self.environment, **variables},
            check=False,
            capture_output=True,
            text=True,
        )

    @property
    def stack_file(self) -> Path:
        return self.root / "stacks/Pulumi.local.yaml"

    def service(self) -> Any:
        return yaml.safe_load(self.stack_file.read_text())["config"]["turnout:service"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    engine = find()
    if engine is None:
        pytest.skip("no Pulumi engine: `make engine` says why")
    root = tmp_path_factory.mktemp("project")
    (root / "stacks").mkdir()
    shutil.copy(ROOT / "Pulumi.yaml", root)
    shutil.copy(ROOT / "stacks/__main__.py", root / "stacks")
    service = {"name": "drift", "target": {"kind": "local", "port": free_port()}}
    folders = [str(Path(sys.executable).parent), str(engine.path.parent), os.environ["PATH"]]
    made = Project(
        root,
        {
            "PATH": os.pathsep.join(folders),
            "PULUMI_BACKEND_URL": (root / ".state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "STACK": "local",
        },
    )
    made.stack_file.write_text(yaml.safe_dump({"config": {"turnout:service": service}}))
    up = made.run("turnout up")
    assert up.returncode == 0, up.stdout + up.stderr
    yield made
    down = made.run("turnout down")
    assert down.returncode == 0, down.stdout + down.stderr


def test_a_preview_takes_the_image_that_is_deployed(project: Project, tmp_path: Path) -> None:
    take = script("preview.yml", "preview", "Take the image")
    before = project.stack_file.read_text()
    try:
        # What was deployed last had an image; the pull request's file has another setting.
        stub = tmp_path / "pulumi"
        stub.write_text(
            '#!/bin/sh\ncase "$*" in *"config refresh"*) '
            f"printf 'config:\\n  turnout:service:\\n    image: {IMAGE}\\n' >\"$DEPLOYED\" ;; "
            f'*) PATH="${{PATH#*:}}" exec pulumi "$@" ;; esac\n'
        )
        stub.chmod(0o755)
        path = f"{tmp_path}:{project.environment['PATH']}"
        taken = project.run(take, PATH=path, DEPLOYED=str(tmp_path / "deployed.yaml"))
        assert taken.returncode == 0, taken.stderr
        assert project.service()["image"] == IMAGE
        assert project.service()["name"] == "drift"
    finally:
        project.stack_file.write_text(before)


def test_the_last_deployments_config_can_be_had(project: Project, tmp_path: Path) -> None:
    deployed = tmp_path / "deployed.yaml"
    had = project.run(
        'pulumi --stack "$STACK" --config-file "$DEPLOYED" config refresh --force',
        DEPLOYED=str(deployed),
    )
    assert had.returncode == 0, had.stderr
    assert yaml.safe_load(deployed.read_text())["config"]["turnout:service"] == project.service()


def test_all_that_an_up_writes_is_what_the_role_of_its_stack_may_write(project: Project) -> None:
    state = project.root / ".state"
    kept = {path for path in (state / ".pulumi").rglob("*") if path.is_file()}
    # A folder has notes of its own beside each file; S3 has none. A lock is gone by now.
    written = {str(path.relative_to(state)) for path in kept if path.suffix != ".attrs"}
    written |= {f"{path.relative_to(state)}/x.json" for path in (state / LOCKS).glob("*/*")}
    allowed = [LAYOUT, *files_of_stack("turnout", project.environment["STACK"])]
    by_pattern = {one: {path for path in written if fnmatchcase(path, one)} for one in allowed}
    assert written - set().union(*by_pattern.values()) == set()
    unused = {one for one, paths in by_pattern.items() if not paths}
    # Tags are those of `pulumi stack tag`, which nothing here gives.
    assert unused == {".pulumi/stacks/turnout/local.pulumi-tags"}


def test_drift_is_an_error_and_its_absence_is_none(project: Project) -> None:
    look = script("drift.yml", "drift", "Compare")
    assert project.run(look).returncode == 0
    listening = project.run("pulumi --stack local stack export").stdout
    server = next(
        one["outputs"]["pid"]
        for one in yaml.safe_load(listening)["deployment"]["resources"]
        if "LocalServer" in one["type"]
    )
    os.kill(int(server), signal.SIGKILL)
    drifted = project.run(look)
    assert drifted.returncode != 0
    assert "no changes were expected" in drifted.stdout + drifted.stderr
