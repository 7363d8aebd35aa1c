"""What a tier will not do as the file may lead one to think is stated."""

import ipaddress
from typing import Any

import pytest

from turnout.config import parse_service, tier_warnings
from turnout.parts.addressing import private_block

IMAGE = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/hate-speech-api@sha256:" + "a" * 64
ARN = "arn:aws:acm:ap-northeast-2:123456789012:certificate/1a2b"

VPC = {"vpc": "vpc-0a1b2c3d", "subnets": ["subnet-0a1b2c3d", "subnet-0a1b2c3e"]}
SECRET = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:keys-AbCdEf"


def warnings(**changes: Any) -> tuple[str, ...]:
    whole = {
        "name": "hate-speech-api",
        "image": IMAGE,
        "target": "ecs",
        "certificate": ARN,
        "alarms": {"notify": ["ops@example.com"]},
    }
    return tier_warnings(parse_service(whole | changes))


def test_a_plain_ecs_service_has_nothing_to_say() -> None:
    assert warnings() == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"alarms": {}}, "nobody hears an alarm"),
        ({"certificate": None, "plain_http": True}, "cross the VPC unencrypted"),
        ({"image": {"build": True}}, "needs a Docker engine"),
        ({"scaling": {"min": 1}}, "healthy hosts is set to fewer than 1"),
        ({"scaling": {"min": 0}}, "watches for unhealthy ones instead"),
        (
            {
                "scaling": {
                    "schedules": [{"name": "nights", "cron": "0 20 * * *", "min": 0, "max": 0}]
                }
            },
            "watches for unhealthy ones instead",
        ),
        (
            {"target": "ec2", "scaling": {"scale_in_cooldown": 60}},
            "scaling.scale_in_cooldown: not used by ec2",
        ),
        ({"target": {"kind": "ecs", "spot": 100}}, "two minutes' notice"),
        (
            {"target": "eks"},
            "must run inside the VPC, which is not there before the first; list public_access",
        ),
        ({"target": "eks", "network": {"existing": VPC}}, "inside the VPC; or list public_access"),
        ({"target": "eks", "scaling": {"min": 1}}, "leaves no second pod"),
        (
            {"target": {"kind": "eks", "spot": 50}, "deregistration_delay": 300},
            "longer than Spot gives notice; requests on eks can be cut off",
        ),
        (
            {"target": {"kind": "ec2", "spot": 100}, "deregistration_delay": 600},
            "longer than Spot gives notice; requests on ec2 can be cut off",
        ),
        (
            {"target": {"kind": "ecs", "spot": 10}, "deregistration_delay": 90},
            "longer than Spot gives notice; requests on ecs can be cut off",
        ),
        (
            {"requests": {"timeout": 900}},
            "deregistration_delay: 30 is shorter than requests.timeout 900",
        ),
        (
            {"network": {"create": {"cidr": "10.0.0.0/24"}}, "scaling": {"max": 20}},
            "scaling.max: 20 copies on ecs can need 40 addresses, and the private subnets of "
            "10.0.0.0/24 have about 38",
        ),
        (
            {
                "target": "eks",
                "network": {"create": {"cidr": "10.0.0.0/24"}},
                "scaling": {"max": 1000},
            },
            "scaling.max: 1000 copies on eks can need 1000 addresses",
        ),
        ({"target": "lambda", "health_check": {}}, "health_check: not used by lambda"),
        (
            {"target": "lambda", "deregistration_delay": 60},
            "deregistration_delay: not used by lambda",
        ),
        (
            {"target": "lambda", "wait_until_healthy": True},
            "wait_until_healthy: not used by lambda",
        ),
        (
            {
                "target": {"kind": "lambda", "front": "function_url"},
                "logs": {"access_logs_days": 9},
            },
            "logs.access_logs_days: a function URL",
        ),
        ({"target": "local", "api_keys_secret": SECRET}, "api_keys_secret, certificate, image:"),
        ({"target": "lambda"}, "has no CPU metric"),
        (
            {"target": {"kind": "lambda", "front": "function_url"}},
            "certificate: not used with a function URL",
        ),
        (
            {"target": {"kind": "lambda", "front": "function_url"}, "api_keys_secret": SECRET},
            "clients send their key as X-API-Key",
        ),
        ({"target": "local"}, "alarms, certificate, image: not used by the local tier"),
    ],
)
def test_what_a_tier_will_not_do_is_said(changes: dict[str, Any], words: str) -> None:
    assert any(words in line for line in warnings(**changes)), warnings(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"requests": {"timeout": 30}},
        {"network": {"create": {"cidr": "10.0.0.0/24"}}, "scaling": {"max": 19}},
        {"network": {"create": {"cidr": "10.0.0.0/16"}}, "scaling": {"max": 1000}},
        {"deregistration_delay": 300},
        {
            "target": None,
            "targets": [{"kind": "ecs", "weight": 100}, {"kind": "lambda", "weight": 0}],
            "health_check": {"interval": 20},
            "deregistration_delay": 60,
            "wait_until_healthy": True,
        },
    ],
)
def test_what_fits_is_not_warned_of(changes: dict[str, Any]) -> None:
    said = [line for line in warnings(**changes) if not line.startswith("target lambda")]
    assert said == []


def test_addresses_are_counted_in_the_subnets_that_are_made() -> None:
    block = ipaddress.ip_network(private_block("10.0.0.0/24", 0))
    # Less AWS's five and the load balancer's eight, in two zones.
    free = 2 * (block.num_addresses - 13)
    network = {"create": {"cidr": "10.0.0.0/24"}}
    assert warnings(target="ec2", network=network, scaling={"max": free}) == ()
    assert warnings(target="ec2", network=network, scaling={"max": free + 1}) != ()


def test_a_cluster_that_can_be_reached_needs_no_word() -> None:
    target = {"kind": "eks", "public_access_cidrs": ["203.0.113.0/24"]}
    assert warnings(target=target) == ()
