"""What a short stack file means."""

import subprocess
import sys
from typing import Any

import pytest

from turnout.config import Ec2, Ecs, Eks, Lambda, Local, parse_service

IMAGE = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/hate-speech-api@sha256:" + "a" * 64


def service(**more: Any) -> Any:
    return parse_service({"name": "hate-speech-api", "image": IMAGE, "plain_http": True, **more})


@pytest.mark.parametrize(
    ("kind", "model"),
    [("local", Local), ("ec2", Ec2), ("ecs", Ecs), ("eks", Eks), ("lambda", Lambda)],
)
def test_a_tier_can_be_said_in_one_word(kind: str, model: type) -> None:
    assert service(target=kind).target == model()
    assert service(target={"kind": kind}) == service(target=kind)


def test_a_service_of_one_line_has_the_users_figures() -> None:
    config = service(target="ecs")
    assert (config.target.cpu, config.target.memory) == (2048, 4096)
    scaling = config.scaling
    assert (scaling.min, scaling.max, scaling.cpu) == (2, 10, 70)
    assert (scaling.scale_out_cooldown, scaling.scale_in_cooldown) == (60, 120)
    alarms = config.alarms
    assert (alarms.cpu, alarms.memory, alarms.response_time) == (80, 80, 5)
    assert (alarms.period, alarms.evaluation_periods) == (300, 2)
    check = config.health_check
    assert check.path == "/health"
    assert (check.healthy_threshold, check.unhealthy_threshold) == (2, 3)
    assert (check.timeout, check.interval) == (10, 30)
    assert config.firewall.limit("internet") == 2000
    assert config.firewall.limit("internal") == 100_000
    assert config.firewall.body_rules == "count"


def test_a_machine_is_a_t3_large_with_30_gib_unless_told() -> None:
    target = service(target="ec2").target
    assert (target.instance_type, target.disk, target.ssh, target.spot) == ("t3.large", 30, None, 0)


def test_everything_is_private_unless_told() -> None:
    config = service(target="ecs")
    assert config.access == "internal"
    assert config.environment == "prod"
    assert config.network.create.nat == "single"
    assert service(target="eks").target.public_access_cidrs == ()


def test_an_empty_network_is_one_of_our_own() -> None:
    assert service(target="ecs", network={}).network.create.cidr == "10.20.0.0/16"


def test_a_certificate_can_be_said_by_its_arn_alone() -> None:
    arn = "arn:aws:acm:ap-northeast-2:123456789012:certificate/1a2b"
    config = service(target="ecs", plain_http=False, certificate=arn)
    assert config.certificate.arn == arn


@pytest.mark.parametrize(("said", "share"), [(True, 100), (False, 0), (40, 40)])
def test_spot_is_yes_no_or_a_share(said: object, share: int) -> None:
    assert service(target={"kind": "ecs", "spot": said}).target.spot == share


def test_one_target_and_a_list_of_one_are_the_same_tiers() -> None:
    one = service(target={"kind": "ecs", "weight": 100})
    several = service(targets=[{"kind": "ecs", "weight": 100}])
    assert one.tiers == several.tiers


def test_only_what_stands_behind_a_load_balancer_has_a_front_door() -> None:
    assert service(target="ecs").has_front_door
    assert service(target="lambda").has_front_door
    assert not service(target="local").has_front_door
    assert not service(target={"kind": "lambda", "front": "function_url"}).has_front_door


def test_the_model_loads_without_pulumi() -> None:
    code = "import sys, turnout.config; print('pulumi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
