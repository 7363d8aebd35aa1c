"""The packs under the real engine: what they stop, what they let through, what they mend."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi_aws as aws
import pytest
from pulumi import automation
from pulumi.automation import EngineEvent
from tests.engine.harness import Deployment, Program, Workbench, service_program
from tests.engine.stacks import REGION, TIERS, stack
from tests.engine.standin.cloud import Cloud, Record

pytestmark = pytest.mark.engine

PACKS = Path(__file__).parents[2] / "policies" / "packs"
SECURITY = str(PACKS / "security")
RELIABILITY = str(PACKS / "reliability")
CERTIFICATE = f"arn:aws:acm:{REGION}:123456789012:certificate/{'0' * 8}-0000-0000-0000-{'0' * 12}"
CERTIFICATE_TYPE = "aws:acm/certificate:Certificate"
CONFIG = {"aws:region": REGION}


@dataclass(frozen=True)
class Said:
    """One message of a policy."""

    policy: str
    level: str
    resource: str
    message: str


@dataclass(frozen=True)
class Run:
    """What the engine and the packs did."""

    ok: bool
    said: tuple[Said, ...]
    inputs: Mapping[str, Mapping[str, Any]]
    """The inputs of each resource, by name, as the engine used them."""
    text: str

    def by(self, policy: str) -> list[Said]:
        return [item for item in self.said if item.policy == policy]

    def of_level(self, level: str) -> set[str]:
        return {item.policy for item in self.said if item.level == level}


def operate(
    deployment: Deployment,
    operation: Callable[..., Any],
    *packs: str,
    config: Mapping[str, Any] | None = None,
) -> Run:
    events: list[EngineEvent] = []
    configs = []
    for number, _ in enumerate(packs):
        path = deployment.folder / f"policy-{number}.json"
        path.write_text(json.dumps(config or {}))
        configs.append(str(path))
    ok, text = True, ""
    try:
        operation(on_event=events.append, policy_packs=list(packs), policy_pack_configs=configs)
    except automation.CommandError as error:
        ok, text = False, str(error)
    said, inputs = [], {}
    for event in events:
        if event.policy_event is not None:
            told = event.policy_event
            said.append(
                Said(
                    told.policy_name,
                    str(told.enforcement_level),
                    (told.resource_urn or "").rpartition("::")[2],
                    told.message,
                )
            )
        if event.resource_pre_event is not None:
            about = event.resource_pre_event.metadata
            inputs[about.urn.rpartition("::")[2]] = (about.new.inputs if about.new else None) or {}
    return Run(ok, tuple(said), inputs, text)


@pytest.fixture
def deploy(bench: Workbench) -> Callable[..., Deployment]:
    """A stack whose engine finds the Python that the packs need."""

    def make(program: Program, config: Mapping[str, Any] = CONFIG) -> Deployment:
        cloud = Cloud()
        cloud.add(Record(CERTIFICATE_TYPE, CERTIFICATE, REGION, {}, {}))
        deployment = bench.deployment(config, program, cloud=cloud)
        own = str(Path(sys.executable).parent)
        path = deployment.stack.workspace.env_vars["PATH"]
        deployment.stack.workspace.env_vars = {
            **deployment.stack.workspace.env_vars,
            "PATH": os.pathsep.join((own, path)),
        }
        return deployment

    return make


@pytest.fixture(autouse=True)
def _drop_programs_that_were_broken_off() -> Iterator[None]:
    """The SDK never ends the coroutine of a program that the engine stops."""
    yield
    hook = sys.unraisablehook
    sys.unraisablehook = lambda _: None
    try:
        gc.collect()
    finally:
        sys.unraisablehook = hook


def open_group() -> None:
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.20.0.0/16")
    aws.ec2.DefaultSecurityGroup("closed", vpc_id=vpc.id)
    group = aws.ec2.SecurityGroup("group", vpc_id=vpc.id, description="SSH for everybody")
    aws.vpc.SecurityGroupIngressRule(
        "ssh",
        security_group_id=group.id,
        description="SSH",
        ip_protocol="tcp",
        from_port=22,
        to_port=22,
        cidr_ipv4="0.0.0.0/0",
    )


def log_group() -> None:
    aws.cloudwatch.LogGroup("logs", name="/ecs/api")


def test_a_mandatory_finding_stops_a_preview_and_an_up(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(open_group)
    preview = operate(deployment, deployment.stack.preview, SECURITY)
    assert not preview.ok
    (said,) = preview.by("security-group-admin-port-closed")
    assert (said.level, said.resource) == ("mandatory", "ssh")
    assert "opens 22 to the internet" in said.message
    up = operate(deployment, deployment.stack.up, SECURITY)
    assert not up.ok
    assert (
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
        not in deployment.cloud.summary()
    )


def test_an_advisory_finding_stops_nothing(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(open_group)
    run = operate(deployment, deployment.stack.up, SECURITY, config={"all": "advisory"})
    assert run.ok, run.text
    assert run.of_level("advisory") >= {"security-group-admin-port-closed", "vpc-flow-log"}


def test_levels_and_settings_reach_their_rules(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(open_group)
    config = {
        "all": "disabled",
        "security-group-public-ports-only": {
            "enforcementLevel": "mandatory",
            "ports": [80, 443],
            "adminPorts": [3389],
        },
    }
    run = operate(deployment, deployment.stack.preview, SECURITY, config=config)
    assert run.of_level("mandatory") == {"security-group-public-ports-only"}
    assert run.of_level("advisory") == set()


def test_a_wrong_setting_is_refused_with_its_name(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(log_group)
    config = {"log-group-retention": {"minDays": "many"}}
    run = operate(deployment, deployment.stack.preview, RELIABILITY, config=config)
    assert not run.ok
    assert "minDays" in run.text


def test_an_exemption_reaches_its_rule(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(log_group)
    exemption = {"resource": "logs", "reason": "kept for the auditors", "expires": "2999-12-31"}
    config = {"log-group-retention": {"exemptions": [exemption]}}
    run = operate(deployment, deployment.stack.preview, RELIABILITY, config=config)
    assert run.ok, run.text
    assert run.said == ()


def test_a_remedy_changes_the_inputs(deploy: Callable[..., Deployment]) -> None:
    def program() -> None:
        log_group()
        aws.ec2.LaunchTemplate(
            "template",
            image_id="ami-0123456789abcdef0",
            metadata_options={"http_put_response_hop_limit": 2},
        )
        subnets = [f"subnet-0123456789abcdef{number}" for number in (0, 1)]
        aws.lb.LoadBalancer("alb", internal=True, subnets=subnets)

    deployment = deploy(program)
    rules = ("log-group-retention", "instance-requires-imdsv2", "alb-drops-invalid-headers")
    config = {"all": "disabled", **dict.fromkeys(rules, "remediate")}
    security = {name: level for name, level in config.items() if name != rules[0]}
    reliability = {name: level for name, level in config.items() if name not in rules[1:]}
    first = operate(deployment, deployment.stack.preview, SECURITY, config=security)
    assert first.ok, first.text
    second = operate(deployment, deployment.stack.preview, RELIABILITY, config=reliability)
    assert second.ok, second.text
    assert second.inputs["logs"]["retentionInDays"] == 30
    options = first.inputs["template"]["metadataOptions"]
    assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 2)
    assert first.inputs["alb"]["dropInvalidHeaderFields"] is True


def unknown_retention() -> None:
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.20.0.0/16")
    aws.cloudwatch.LogGroup("logs", retention_in_days=vpc.id.apply(lambda _: 0))


def test_an_unknown_is_said_at_preview_and_decided_before_the_resource_exists(
    deploy: Callable[..., Deployment],
) -> None:
    deployment = deploy(unknown_retention)
    config = {"all": "disabled", "log-group-retention": "mandatory"}
    preview = operate(deployment, deployment.stack.preview, RELIABILITY, config=config)
    assert preview.ok, preview.text
    (said,) = preview.by("log-group-retention")
    assert said.level == "advisory"
    assert "retentionInDays" in said.message
    assert "can't be known during preview" in said.message
    up = operate(deployment, deployment.stack.up, RELIABILITY, config=config)
    assert not up.ok
    assert up.of_level("mandatory") == {"log-group-retention"}
    assert set(deployment.cloud.summary()) == {CERTIFICATE_TYPE, "aws:ec2/vpc:Vpc"}


def alarms_without_listener() -> None:
    topic = aws.sns.Topic("alarms", kms_master_key_id="alias/aws/sns")
    aws.cloudwatch.MetricAlarm(
        "cpu",
        namespace="AWS/EC2",
        metric_name="CPUUtilization",
        comparison_operator="GreaterThanThreshold",
        evaluation_periods=2,
        period=300,
        statistic="Average",
        threshold=80,
        treat_missing_data="breaching",
        alarm_actions=[topic.arn],
    )


def test_references_are_followed_before_ids_are_known(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(alarms_without_listener)
    run = operate(deployment, deployment.stack.preview, RELIABILITY)
    assert not run.ok
    found = {(said.policy, said.resource) for said in run.said if said.level == "mandatory"}
    assert found == {
        ("alarm-topic-is-heard", "alarms"),
        ("alarm-topic-key-admits-cloudwatch", "alarms"),
    }


def test_all_four_tiers_at_once_pass_both_packs_at_preview_and_at_up(
    deploy: Callable[..., Deployment],
) -> None:
    tiers = [{**tier, "weight": 25} for tier in TIERS.values()]
    door = {"access": "internet", "plain_http": False, "certificate": {"arn": CERTIFICATE}}
    deployment = deploy(service_program, stack(*tiers, **door))
    preview = operate(deployment, deployment.stack.preview, SECURITY, RELIABILITY)
    assert preview.ok, preview.text
    told = [said for said in preview.said if "can't be known during preview" not in said.message]
    assert told == []
    up = operate(deployment, deployment.stack.up, SECURITY, RELIABILITY)
    assert up.ok, up.text
    assert up.said == ()
