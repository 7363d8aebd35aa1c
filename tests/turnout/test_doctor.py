import itertools
import json
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from turnout.config import ServiceConfig, parse_service
from turnout.doctor import Finding, Health, examine_machine
from turnout.doctor.account import examine_account, quota_finding, quotas_needed
from turnout.workspace import Workspace, find_workspace

ROOT = Path(__file__).parents[2]
REGION = "ap-northeast-2"
IMAGE = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/api@sha256:" + "0" * 64


def service(target: object, **more: object) -> ServiceConfig:
    kind = target["kind"] if isinstance(target, dict) else target
    cloud = {} if kind == "local" else {"image": IMAGE, "plain_http": True}
    return parse_service({"name": "api", "target": target, **cloud, **more})


def named(findings: Iterator[Finding], name: str) -> list[Finding]:
    return [finding for finding in findings if finding.name == name]


@pytest.fixture
def workspace() -> Workspace:
    return find_workspace(ROOT)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without pulumi, Go or a cache, and with no way out."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    monkeypatch.setattr("turnout.engine.build.GO_FOLDER", str(tmp_path))
    monkeypatch.setattr("turnout.doctor.machine.is_reachable", lambda: False)


def test_a_free_port_is_good_and_a_taken_one_names_who_has_it(workspace: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        config = service({"kind": "local", "port": port})
        (taken,) = named(examine_machine(workspace, "x", config), "port")
    assert taken.health is Health.MISSING
    assert f"port {port} of 127.0.0.1 is taken by pid" in taken.said
    assert "turnout:service.target.port" in taken.fix
    (free,) = named(examine_machine(workspace, "x", config), "port")
    assert free.health is Health.GOOD


@pytest.mark.usefixtures("bare")
def test_without_an_engine_it_says_what_that_costs(workspace: Workspace) -> None:
    (engine,) = named(examine_machine(workspace, "x", service("local")), "engine")
    assert engine.health is Health.POOR
    assert "without Pulumi" in engine.cost
    assert "https://www.pulumi.com/docs/install/" in engine.fix


@pytest.mark.usefixtures("bare")
def test_a_pulumi_that_is_too_old_is_named(workspace: Workspace, tmp_path: Path) -> None:
    old = tmp_path / "pulumi"
    old.write_text("#!/bin/sh\necho v3.50.0\n")
    old.chmod(0o755)
    first, _ = named(examine_machine(workspace, "x", service("local")), "engine")
    assert first.said == f"{old} is version v3.50.0; 3.210.0 or newer is needed"


def test_the_servers_own_model_is_found(workspace: Workspace) -> None:
    (model,) = named(examine_machine(workspace, "x", service("local")), "model")
    assert model.health is Health.GOOD


def test_a_model_folder_that_is_not_there_is_missing(workspace: Workspace) -> None:
    config = service("local", model={"uri": "file:nowhere", "sha256": "0" * 64})
    (model,) = named(examine_machine(workspace, "x", config), "model")
    assert model.health is Health.MISSING
    assert f"{ROOT / 'nowhere'} does not exist" in model.said


@pytest.mark.usefixtures("bare")
def test_building_an_image_needs_docker(workspace: Workspace) -> None:
    config = service("ecs", image={"build": True})
    (docker,) = named(examine_machine(workspace, "x", config), "docker")
    assert docker.health is Health.MISSING
    assert "by its digest" in docker.fix


def test_a_stack_without_a_region_is_told_to_set_one() -> None:
    (region,) = examine_account(service("ecs"), None)
    assert region.health is Health.MISSING
    assert "aws:region" in region.fix


def test_a_certificate_of_another_region_is_missing_here() -> None:
    config = service(
        "ecs",
        plain_http=False,
        certificate="arn:aws:acm:us-east-1:123456789012:certificate/0a1b",
    )
    region, certificate = itertools.islice(examine_account(config, REGION), 2)
    assert region.health is Health.GOOD
    assert certificate.health is Health.MISSING
    assert certificate.said == f"is in us-east-1, the service in {REGION}"


def test_without_credentials_it_says_how_to_get_some(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    (credentials,) = named(examine_account(service("ecs"), REGION), "credentials")
    assert credentials.health is Health.MISSING
    assert "AWS_PROFILE" in credentials.fix


@pytest.fixture
def only_vpcs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the quotas that turnout asks for, the one that moto knows."""
    vpcs = (("vpc", "L-F678F1CE", "VPCs"), 1.0)
    monkeypatch.setattr("turnout.doctor.account.quotas_needed", lambda _: (vpcs,))


@mock_aws
@pytest.mark.usefixtures("only_vpcs")
def test_a_certificate_that_waits_for_validation_is_missing() -> None:
    requested = boto3.client("acm", region_name=REGION).request_certificate(
        DomainName="api.example.com", ValidationMethod="DNS"
    )
    config = service("ecs", plain_http=False, certificate=requested["CertificateArn"])
    place, status = named(examine_account(config, REGION), "certificate")
    assert place.said == f"is in {REGION}"
    assert status.health is Health.MISSING
    assert status.said == "is PENDING_VALIDATION"


@mock_aws
@pytest.mark.usefixtures("only_vpcs")
def test_who_you_are_and_what_the_account_allows_is_asked_of_aws() -> None:
    findings = list(examine_account(service("ecs"), REGION))
    assert [finding.name for finding in findings] == ["region", "credentials", "quota"]
    assert "in account 123456789012" in findings[1].said
    assert findings[2].said == "VPCs: 5, the service takes up to 1"


def quota_of(answers: Sequence[tuple[str, object]], least: float) -> Finding:
    client = boto3.client("service-quotas", region_name=REGION)
    with Stubber(client) as stubber:
        for operation, value in answers:
            if value is None:
                stubber.add_client_error(operation, "NoSuchResourceException")
            else:
                stubber.add_response(operation, {"Quota": {"Value": value}})
        return quota_finding(client, "fargate", "L-3032A538", "Fargate vCPUs", least)


def test_a_quota_that_is_too_small_comes_with_the_command_that_asks_for_more() -> None:
    finding = quota_of([("get_service_quota", 6.0)], 20.0)
    assert finding.health is Health.MISSING
    assert finding.said == "Fargate vCPUs: 6, the service takes up to 20"
    assert "--quota-code L-3032A538 --desired-value 20" in finding.fix


def test_a_quota_that_was_never_raised_is_awss_default() -> None:
    answers = [("get_service_quota", None), ("get_aws_default_service_quota", 4000.0)]
    assert quota_of(answers, 20.0).health is Health.GOOD


@pytest.mark.parametrize(
    ("target", "more", "wanted"),
    [
        ("ecs", {"scaling": {"max": 10}}, {"Fargate vCPUs": 20.0}),
        ({"kind": "ecs", "cpu": 4096, "memory": 8192}, {}, {"Fargate vCPUs": 40.0}),
        ("ec2", {"scaling": {"max": 4}}, {"vCPUs of standard instances": 8.0}),
        ("lambda", {}, {"concurrent Lambda executions": 100.0}),
        (
            "ecs",
            {"network": {"create": {"nat": "per_zone", "zones": 3}}},
            {"Fargate vCPUs": 20.0, "Elastic IPs": 3.0, "VPCs": 1.0},
        ),
    ],
)
def test_what_a_service_takes_of_a_quota_follows_from_its_largest_size(
    target: object, more: dict[str, object], wanted: dict[str, float]
) -> None:
    needed = {what: least for (_, _, what), least in quotas_needed(service(target, **more))}
    assert json.loads(json.dumps(needed)).items() >= wanted.items()
