"""What a machine is told at its first boot, and what its scripts do."""

import hashlib
import json
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from turnout.targets.ec2.user_data import (
    MOST_BYTES,
    Machine,
    agent_config,
    cloud_config,
    machine_env,
    script,
    user_data,
)

REGISTRY: Final = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"
SHA: Final = "b" * 64
TARGETS: Final = (
    "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/hate-speech-api-ec2/0123"
)
MACHINE: Final = Machine(
    container="hate-speech-api",
    image=f"{REGISTRY}/hate-speech-api@sha256:{'a' * 64}",
    ecr_registry=REGISTRY,
    ecr_region="ap-northeast-2",
    model_uri="s3://models/hate-speech/v1",
    environment={"TURNOUT_MODEL": "/app/models", "TURNOUT_MODEL_SHA256": SHA},
    port=8000,
    stop_seconds=60,
    log_group="/ec2/hate-speech-api",
    region="ap-northeast-2",
    dns_suffix="amazonaws.com",
    architecture="x86_64",
    group="hate-speech-api-test",
    target_group=TARGETS,
)


def test_user_data_is_cloud_config_that_reads_back_as_it_was_written() -> None:
    text = user_data(MACHINE)
    assert text.startswith("#cloud-config\n")
    assert yaml.safe_load(text) == cloud_config(MACHINE)


def test_user_data_leaves_room_below_the_limit_of_ec2() -> None:
    assert len(user_data(MACHINE).encode()) < 0.75 * MOST_BYTES


def test_settings_that_do_not_fit_are_refused_with_the_place() -> None:
    long = replace(MACHINE, environment={"TURNOUT_X": "x" * MOST_BYTES})
    with pytest.raises(ValueError, match=r"turnout:service\.settings: .* EC2 takes 16384"):
        user_data(long)


@pytest.mark.skipif(shutil.which("cloud-init") is None, reason="cloud-init is not installed")
def test_user_data_is_valid_by_cloud_inits_own_schema(tmp_path: Path) -> None:
    file = tmp_path / "user-data"
    file.write_text(user_data(MACHINE))
    subprocess.run(["cloud-init", "schema", "--config-file", str(file)], check=True)


@pytest.mark.parametrize("name", ["start", "drain"])
def test_the_scripts_pass_shellcheck(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(script(name))
    checker = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run(
        [checker, "--severity=style", str(file)], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
    assert done.returncode == 0


def test_the_agent_tells_the_memory_of_the_group() -> None:
    metrics = agent_config("/ec2/x")["metrics"]
    assert metrics["aggregation_dimensions"] == [["AutoScalingGroupName"]]
    assert metrics["metrics_collected"]["mem"]["measurement"] == ["mem_used_percent"]


AWKWARD: Final = 'it\'s "quoted" $HOME `id` \\ 한국어\nand a second line'


def test_values_reach_the_scripts_as_they_were_said(tmp_path: Path) -> None:
    file = tmp_path / "machine.env"
    file.write_text(machine_env(replace(MACHINE, environment={"TURNOUT_SAID": AWKWARD})))
    said = subprocess.run(
        ["/bin/bash", "-c", f'. {file}; printf %s "$TURNOUT_SAID"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == AWKWARD


class Box:
    """A machine's file system in a folder: the real scripts, over tools that write down."""

    def __init__(self, root: Path, machine: Machine) -> None:
        self.root = root
        self.log = root / "calls"
        self.tools = root / "tools"
        self.tools.mkdir()
        for file in cloud_config(machine)["write_files"]:
            path = root / file["path"].lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._inside(file["content"]))
            path.chmod(int(file["permissions"], 8))
        identity = root / "var/lib/cloud/data/instance-id"
        identity.parent.mkdir(parents=True)
        identity.write_text("i-0123456789abcdef0")
        (root / "run").mkdir()
        agent = root / "opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl"
        agent.parent.mkdir(parents=True)
        self._write(agent, f'echo "agent $*" >> {self.log}\n')
        for name in ("systemctl", "sleep", "snap"):
            self.tool(name, "")

    def _inside(self, text: str) -> str:
        """The text with every folder of the machine below the box's own root."""
        for folder in ("/etc/turnout", "/opt/turnout", "/opt/aws", "/run/", "/var/lib/cloud"):
            text = text.replace(folder, f"{self.root}{folder}")
        return text.replace("export PATH=", f"export PATH={self.tools}:")

    def tool(self, name: str, body: str) -> None:
        """A tool that writes its call down, then does `body`."""
        self._write(self.tools / name, f'echo "{name} $*" >> {self.log}\n{body}\n')

    def _write(self, path: Path, body: str) -> None:
        path.write_text(f"#!/bin/bash\n{body}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.root / "opt/turnout" / name)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def calls(self, tool: str) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if line.startswith(f"{tool} ")]


MANIFEST: Final = '{"format": 1}'


def copying(manifest: str) -> str:
    """A stand-in for the AWS CLI that copies a model folder of one file."""
    return (
        'if [ "$1 $2" = "s3 cp" ]; then\n'
        "  for to; do :; done\n"
        f"  printf %s '{manifest}' > \"$to/turnout.json\"\n"
        "fi\n"
        'if [ "$1 $2" = "ecr get-login-password" ]; then echo pass; fi'
    )


@pytest.fixture
def machine() -> Machine:
    digest = hashlib.sha256(MANIFEST.encode()).hexdigest()
    environment = {"TURNOUT_MODEL": "/app/models", "TURNOUT_MODEL_SHA256": digest}
    return replace(MACHINE, environment=environment)


@pytest.fixture
def box(tmp_path: Path, machine: Machine) -> Box:
    made = Box(tmp_path, machine)
    made.tool("aws", copying(MANIFEST))
    made.tool("docker", 'if [ "$3" = login ]; then cat > /dev/null; fi')
    return made


def test_a_machine_copies_its_model_and_runs_the_container(box: Box) -> None:
    done = box.run("start")
    assert done.returncode == 0, done.stderr
    (copied,) = box.calls("aws s3")
    assert "s3://models/hate-speech/v1/ " in copied
    assert (box.root / "opt/turnout/models/turnout.json").read_text() == MANIFEST
    (run,) = [call for call in box.calls("docker") if " run " in f" {call} "]
    for words in (
        "--restart unless-stopped",
        "--read-only --tmpfs /tmp",
        "--user 10001:10001",
        "--cap-drop ALL --security-opt no-new-privileges",
        "--publish 8000:8000",
        f"--volume {box.root}/opt/turnout/models:/app/models:ro",
        "--log-driver awslogs",
        "--log-opt awslogs-group=/ec2/hate-speech-api",
        "awslogs-stream=ec2/hate-speech-api/i-0123456789abcdef0",
        "--health-cmd turnout-healthcheck",
        "--env TURNOUT_MODEL --env TURNOUT_MODEL_SHA256",
        "--stop-timeout 60",
        "--name hate-speech-api",
    ):
        assert words in run, words
    assert run.endswith(MACHINE.image)
    assert box.calls("systemctl")[-1] == "systemctl enable --now turnout-drain.service"


def test_the_login_to_the_registry_does_not_outlive_the_pull(box: Box) -> None:
    assert box.run("start").returncode == 0
    (login,) = [call for call in box.calls("docker") if " login " in call]
    assert login.endswith(f"login --username AWS --password-stdin {REGISTRY}")
    assert not (box.root / "run/turnout-docker").exists()


def test_a_model_that_is_another_stops_the_machine_before_the_container(
    box: Box,
) -> None:
    box.tool("aws", copying('{"format": 2}'))
    done = box.run("start")
    assert done.returncode != 0
    assert not [call for call in box.calls("docker") if " run " in f" {call} "]
    assert not (box.root / "opt/turnout/models").exists()


def test_a_registry_that_fails_once_is_asked_again(box: Box) -> None:
    failed = box.root / "failed"
    box.tool(
        "docker",
        f'case "$*" in *pull*) [ -e {failed} ] || {{ touch {failed}; exit 1; }} ;; '
        "*login*) cat > /dev/null ;; esac",
    )
    assert box.run("start").returncode == 0
    assert len([call for call in box.calls("docker") if " pull " in call]) == 2


def test_docker_is_installed_only_with_its_owners_key(box: Box) -> None:
    (box.tools / "docker").unlink()
    box.tool("curl", 'while [ $# -gt 0 ]; do [ "$1" = --output ] && touch "$2"; shift; done; true')
    box.tool("gpg", 'case "$*" in *show-keys*) echo "fpr:::::::::DEADBEEF:" ;; esac')
    box.tool("apt-get", "")
    done = box.run("start")
    assert done.returncode != 0
    assert "has the fingerprint DEADBEEF, not 9DC858229FC7DD38854AE2D88D81803C0EBFCD88" in (
        done.stderr
    )
    assert not box.calls("apt-get")


def metadata(state: str, spot: str) -> str:
    """A stand-in for curl that answers as the instance metadata service."""
    return (
        'for asked; do :; done\ncase "$asked" in\n'
        "  */api/token) echo token ;;\n"
        f"  */target-lifecycle-state) echo {state} ;;\n"
        f"  */spot/instance-action) {spot} ;;\n"
        "  */instance-id) echo i-0123456789abcdef0 ;;\nesac"
    )


@pytest.mark.parametrize(
    ("state", "spot"), [("Terminated", "exit 22"), ("InService", 'echo \'{"action": "stop"}\'')]
)
def test_a_machine_that_is_to_go_lets_the_container_finish_and_says_so(
    box: Box, state: str, spot: str
) -> None:
    box.tool("curl", metadata(state, spot))
    done = box.run("drain")
    assert done.returncode == 0, done.stderr
    stops = box.calls("docker")
    assert stops == [
        "docker update --restart no hate-speech-api",
        "docker stop -t 60 hate-speech-api",
    ]
    _, said = box.calls("aws")
    for words in (
        "complete-lifecycle-action",
        "--auto-scaling-group-name hate-speech-api-test",
        "--lifecycle-hook-name drain",
        "--lifecycle-action-result CONTINUE",
        "--instance-id i-0123456789abcdef0",
    ):
        assert words in said


@pytest.mark.parametrize("answer", ["", "exit 254"], ids=["heard", "refused"])
def test_the_load_balancer_hears_of_a_machine_that_spot_takes_before_the_container_does(
    box: Box, answer: str
) -> None:
    box.tool("curl", metadata("InService", 'echo \'{"action": "terminate"}\''))
    box.tool("aws", f'case "$1" in elbv2) {answer or "true"} ;; esac')
    assert box.run("drain").returncode == 0
    calls = box.log.read_text().splitlines()
    left = next(call for call in calls if call.startswith("aws elbv2"))
    assert f"deregister-targets --region ap-northeast-2 --target-group-arn {TARGETS}" in left
    assert left.endswith("--targets Id=i-0123456789abcdef0")
    assert calls.index(left) < calls.index("docker stop -t 60 hate-speech-api")


def test_a_machine_in_service_is_left_alone(box: Box) -> None:
    box.tool("curl", metadata("InService", "exit 22"))
    # The watcher's third pause ends the test.
    count = box.root / "pauses"
    box.tool("sleep", f'echo >> {count}; [ "$(wc -l < {count})" -lt 3 ] || exit 1')
    done = box.run("drain")
    assert done.returncode != 0
    assert not box.calls("docker")


def test_the_agent_configuration_is_json() -> None:
    (agent,) = [
        file
        for file in cloud_config(MACHINE)["write_files"]
        if file["path"].endswith("cloudwatch-agent.json")
    ]
    parsed: dict[str, Any] = json.loads(agent["content"])
    assert parsed == agent_config("/ec2/hate-speech-api")
