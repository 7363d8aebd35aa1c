"""A valid service, what is changed in it, and what is said of that."""

from typing import Any

from turnout.config import ConfigError, parse_service

DIGEST = "sha256:" + "a" * 64
IMAGE = f"123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/hate-speech-api@{DIGEST}"
ARN = "arn:aws:acm:ap-northeast-2:123456789012:certificate/1a2b"
SECRET = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:keys-AbCdEf"
VPC = {"vpc": "vpc-0a1b2c3d", "subnets": ["subnet-0a1b2c3d", "subnet-0a1b2c3e"]}
NIGHTS = {"name": "nights", "cron": "0 20 * * *", "min": 0, "max": 1}
REMOVED = object()


def baseline(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "name": "hate-speech-api",
        "image": IMAGE,
        "model": {"uri": "s3://models/hate-speech", "sha256": "b" * 64},
        "target": {"kind": "ecs", "cpu": 2048, "memory": 4096, "spot": False},
        "scaling": {"min": 2, "max": 10, "cpu": 70},
        "network": {"create": {"cidr": "10.20.0.0/16", "zones": 2, "nat": "single"}},
        "access": "internal",
        "certificate": {"domain": "api.example.com", "zone": "Z0123456789"},
        "firewall": {"rate_limit": 2000, "body_rules": "count"},
        "alarms": {"cpu": 80, "memory": 80, "response_time": 5, "notify": ["ops@example.com"]},
    }
    whole |= changes
    return {key: value for key, value in whole.items() if value is not REMOVED}


def problems(**changes: Any) -> list[str]:
    try:
        parse_service(baseline(**changes))
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


def lambda_(**more: Any) -> dict[str, Any]:
    return {"target": {"kind": "lambda", **more}, "scaling": REMOVED}


def ecs(**more: Any) -> dict[str, Any]:
    return {"target": {"kind": "ecs", **more}}


def weighted(*pairs: tuple[str, object]) -> dict[str, Any]:
    tiers = [{"kind": kind, "weight": weight} for kind, weight in pairs]
    return {"target": REMOVED, "targets": tiers}


def refused(changes: dict[str, Any]) -> tuple[str, str]:
    """The place and the words of the one problem that there is."""
    said = problems(**changes)
    assert len(said) == 1, said
    assert said[0].startswith("turnout:service.")
    path, message = said[0].removeprefix("turnout:service.").split(": ", 1)
    return path, message
