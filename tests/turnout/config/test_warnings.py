"""What a tier will not do as the file may lead one to think is stated."""

from typing import Any

import pytest

from turnout.config import parse_service, tier_warnings

IMAGE = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/hate-speech-api@sha256:" + "a" * 64
ARN = "arn:aws:acm:ap-northeast-2:123456789012:certificate/1a2b"

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
        ({"target": "eks"}, "must run inside the VPC"),
        ({"target": "eks", "scaling": {"min": 1}}, "leaves no second pod"),
        (
            {"target": {"kind": "eks", "spot": 50}, "deregistration_delay": 300},
            "longer than a machine on Spot gives notice",
        ),
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


def test_a_cluster_that_can_be_reached_needs_no_word() -> None:
    target = {"kind": "eks", "public_access_cidrs": ["203.0.113.0/24"]}
    assert warnings(target=target) == ()
