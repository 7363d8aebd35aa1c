"""The local tier under the real engine: the real server, the real state file."""

import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from pulumi.automation import CommandError, OpType, Stack

from turnout import local
from turnout.commands.samples import SAMPLES, classify_samples
from turnout.engine import Engine
from turnout.engine.automation import open_stack
from turnout.local.identity import identify
from turnout.workspace import find_workspace

ROOT = Path(__file__).parents[2]
SERVER = Path(".state/local/local/hate-speech-api")

pytestmark = pytest.mark.engine


class Project:
    """A copy of the project with a port of its own, and its local stack."""

    def __init__(self, root: Path, engine: Engine) -> None:
        shutil.copy(ROOT / "Pulumi.yaml", root)
        shutil.copytree(ROOT / "stacks", root / "stacks", symlinks=True)
        (root / ".venv").symlink_to(ROOT / ".venv")
        self.root = root
        self.folder = root / SERVER
        self.file = root / "stacks/Pulumi.local.yaml"
        self.port = local.free_port()
        self.said: list[str] = []
        self.configure()
        self.stack: Stack = open_stack(engine, find_workspace(root), "local")

    def configure(self, **service: object) -> None:
        said = yaml.safe_load(self.file.read_text())
        said["config"]["turnout:service"] = {
            "name": "hate-speech-api",
            "target": {"kind": "local", "port": self.port},
            **service,
        }
        self.file.write_text(yaml.safe_dump(said))

    def tampered_model(self) -> dict[str, str]:
        """A model's folder that is there, and is not what its digest says."""
        folder = self.root / "models/tampered"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "turnout.json").write_text("{}")
        return {"uri": "file:models/tampered", "sha256": "0" * 64}

    def up(self, refresh: bool = False) -> dict[OpType, int]:
        self.said.clear()
        result = self.stack.up(refresh=refresh, on_output=self.said.append)
        changes = result.summary.resource_changes
        assert changes is not None
        return dict(changes)

    def failing_up(self) -> str:
        with pytest.raises(CommandError):
            self.up()
        return "\n".join(self.said)

    @property
    def pid(self) -> int:
        return int(json.loads((self.folder / "server.json").read_text())["process"]["pid"])

    @property
    def url(self) -> str:
        return str(self.stack.outputs()["url"].value)

    def close(self) -> None:
        # The state goes with the folder; only the process would stay.
        local.stop(self.folder, timeout=1)
        _drop_broken_off_programs()


def _drop_broken_off_programs() -> None:
    """The SDK never ends the coroutine of a program that the engine broke off."""
    hook = sys.unraisablehook
    sys.unraisablehook = lambda _: None
    try:
        gc.collect()
    finally:
        sys.unraisablehook = hook


@pytest.fixture
def project(tmp_path: Path, engine: Engine) -> Iterator[Project]:
    made = Project(tmp_path, engine)
    yield made
    made.close()


@pytest.fixture
def kill() -> Callable[[int], None]:
    def end(pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    return end


def test_preview_starts_nothing(project: Project) -> None:
    changes = project.stack.preview().change_summary
    assert changes[OpType.CREATE] == 3
    assert local.state(project.folder) is local.State.STOPPED
    assert not project.folder.exists()


def test_up_serves_and_a_second_up_changes_nothing(project: Project) -> None:
    assert project.up() == {OpType.CREATE: 3}
    assert project.url == f"http://127.0.0.1:{project.port}"
    labels = [result.labels for result in classify_samples(project.url)]
    assert len(labels) == len(SAMPLES)
    assert any(labels)
    pid = project.pid
    assert project.up(refresh=True) == {OpType.SAME: 3}
    assert project.pid == pid


def test_a_changed_setting_restarts_the_server_with_it(project: Project) -> None:
    project.up()
    pid = project.pid
    project.configure(settings={"TURNOUT_LOG_LEVEL": "warning"})
    assert project.up() == {OpType.UPDATE: 1, OpType.SAME: 2}
    assert project.pid != pid
    assert local.answers(project.port)


def test_a_model_that_the_server_refuses_fails_and_the_old_server_stays(
    project: Project,
) -> None:
    project.up()
    pid = project.pid
    project.configure(model=project.tampered_model())
    said = project.failing_up()
    assert "exit code 3: the model was refused" in said
    assert "turnout.json" in said
    assert "Traceback" not in said
    assert project.pid == pid
    assert local.answers(project.port)
    project.configure()
    project.up()
    assert project.pid == pid


def test_refresh_sees_a_killed_server_and_up_mends_it(
    project: Project, kill: Callable[[int], None]
) -> None:
    project.up()
    kill(project.pid)
    changes = project.stack.refresh().summary.resource_changes
    assert changes is not None
    assert changes[OpType.DELETE] == 1
    assert project.up()[OpType.CREATE] == 1
    assert local.answers(project.port)


def test_up_alone_mends_a_killed_server_too(project: Project, kill: Callable[[int], None]) -> None:
    project.up()
    kill(project.pid)
    assert project.up()[OpType.UPDATE] == 1
    assert local.answers(project.port)


def test_destroy_stops_the_server_and_leaves_no_process(project: Project) -> None:
    project.up()
    pid = project.pid
    project.stack.destroy()
    assert local.state(project.folder) is local.State.STOPPED
    assert identify(pid) is None
    assert local.is_free(project.port)


def test_a_taken_port_is_refused_before_anything_is_made(project: Project) -> None:
    with socket.create_server(("127.0.0.1", project.port)):
        said = project.failing_up()
    assert f"port {project.port} of 127.0.0.1 is taken by pid {os.getpid()}" in said
    assert "turnout:service.target.port" in said
    assert "Traceback" not in said


def test_a_model_that_is_not_there_is_refused_before_anything_is_made(project: Project) -> None:
    project.configure(model={"uri": "file:models/none", "sha256": "0" * 64})
    said = project.failing_up()
    assert f"the model folder {project.root / 'models/none'} does not exist" in said
    assert "Traceback" not in said


def test_a_server_that_dies_at_start_ends_in_its_last_words_and_the_next_up_mends_it(
    project: Project,
) -> None:
    project.configure(model=project.tampered_model())
    said = project.failing_up()
    assert "the server died at start with exit code 3" in said
    assert "turnout.json" in said
    assert "Traceback" not in said
    assert local.is_free(project.port)
    project.configure()
    project.up()
    assert local.answers(project.port)


def test_a_setting_that_the_server_would_refuse_starts_none(project: Project) -> None:
    project.configure(settings={"TURNOUT_LOG_LEVEL": "loud"})
    said = project.failing_up()
    assert "turnout:service.settings.TURNOUT_LOG_LEVEL: loud is not known; use debug" in said
    assert "Traceback" not in said
    assert local.is_free(project.port)


def test_a_wrong_stack_file_ends_in_the_path_and_the_fix(project: Project) -> None:
    project.configure(target={"kind": "local", "port": 80})
    said = project.failing_up()
    assert "turnout:service.target.port: 80 is too small; use 1024 or more" in said
    assert "Traceback" not in said


def test_the_state_is_of_the_project_and_the_stack_file_is_not_touched(project: Project) -> None:
    before = project.file.read_text()
    project.up()
    assert project.file.read_text() == before
    assert (project.root / ".state/.pulumi/stacks/turnout/local.json").exists()


def test_pulumi_up_typed_by_hand_works_on_the_same_stack(project: Project, engine: Engine) -> None:
    if not engine.has_language_host:
        pytest.skip("the engine built here has no language host; a full installation does")
    project.up()
    pid = project.pid
    environment = {
        **os.environ,
        "PULUMI_BACKEND_URL": (project.root / ".state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    done = subprocess.run(
        [engine.path, "up", "--stack", "local", "--yes"],
        cwd=project.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 unchanged" in done.stdout
    assert project.pid == pid
