"""What stands around the tier: each rule of it, and one mutation a case with its words."""

import zoneinfo
from typing import Any

import pytest
from tests.turnout.config.changed import (
    ARN,
    NIGHTS,
    REMOVED,
    SECRET,
    VPC,
    ecs,
    lambda_,
    problems,
    refused,
)

from turnout.config import timezones

# What was changed, the place that is named, words that must be in the message.
CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"scaling": {"min": 5, "max": 2}}, "scaling.max", "2 is below min 5"),
    ({"scaling": {"cpu": 101}}, "scaling.cpu", "use 100 or less"),
    ({"scaling": {"min": 2.5}}, "scaling.min", "is not a whole number"),
    (
        {"scaling": {"schedules": [{"name": "n", "cron": "0 20 * *", "min": 0, "max": 1}]}},
        "scaling.schedules[0].cron",
        "five cron fields",
    ),
    (
        {"scaling": {"schedules": [{"name": "n", "cron": "0 24 * * *", "min": 0, "max": 1}]}},
        "scaling.schedules[0].cron",
        "'24' as hour; use 0 to 23",
    ),
    (
        {"scaling": {"schedules": [{"name": "n", "cron": "0 9 1 * MON", "min": 0, "max": 1}]}},
        "scaling.schedules[0].cron",
        "sets both day-of-month and day-of-week",
    ),
    (
        {"scaling": {"schedules": [{"name": "n", "cron": "0 9 31 2,4 *", "min": 0, "max": 1}]}},
        "scaling.schedules[0].cron",
        "never comes: month 2,4 has no day 31",
    ),
    (
        {"scaling": {"schedules": [NIGHTS | {"timezone": "Asia/Seoull"}]}},
        "scaling.schedules[0].timezone",
        "is no IANA time zone; did you mean Asia/Seoul?",
    ),
    (
        {"target": "ec2", "network": {"create": {"nat": "none"}}},
        "target",
        "installs Docker from the internet",
    ),
    (
        {"image": "ghcr.io/a/b@sha256:" + "a" * 64, "network": {"create": {"nat": "none"}}},
        "image",
        "the one registry that nat: none leaves",
    ),
    (
        {
            "model": {"uri": "https://models.example.com/v1", "sha256": "b" * 64},
            "network": {"create": {"nat": "none"}},
        },
        "model.uri",
        "out of reach with nat: none",
    ),
    (
        {"scaling": {"schedules": [{"name": "n", "cron": "0 20 * * *", "min": 2, "max": 1}]}},
        "scaling.schedules[0].max",
        "is below min 2",
    ),
    (
        {"scaling": {"schedules": [{"name": "n", "cron": "0 2 * * *", "min": 1, "max": 1}] * 2}},
        "scaling",
        "has n twice",
    ),
    ({"network": {"create": {}, "existing": VPC}}, "network", "either create or existing"),
    ({"network": {"create": {"cidr": "10.20.0.1/16"}}}, "network.create.cidr", "10.20.0.0/16?"),
    ({"network": {"create": {"cidr": "10.0.0.0/8"}}}, "network.create.cidr", "from /16 to /24"),
    ({"network": {"create": {"cidr": "ten"}}}, "network.create.cidr", "prefix length"),
    ({"network": {"create": {"zones": 1}}}, "network.create.zones", "use 2 or more"),
    ({"network": {"existing": VPC | {"vpc": "main"}}}, "network.existing.vpc", "a VPC's id"),
    (
        {"network": {"existing": VPC | {"subnets": ["subnet-0a1b2c3d"]}}},
        "network.existing.subnets",
        "has 1; give 2 or more",
    ),
    (
        {"network": {"existing": VPC | {"subnets": ["subnet-0a1b2c3d"] * 2}}},
        "network.existing",
        "lists subnet-0a1b2c3d twice",
    ),
    (
        {"network": {"existing": VPC}, "access": "internet"},
        "network.existing.public_subnets",
        "needs two or more",
    ),
    ({"access": "public"}, "access", "use internal, internet"),
    ({"certificate": REMOVED}, "certificate", "or say plain_http: true"),
    ({"certificate": REMOVED, "access": "internet"}, "certificate", "access: internet takes"),
    ({"certificate": {"domain": "api.example.com"}}, "certificate", "domain and zone together"),
    (
        {"certificate": {"domain": f"{'a' * 60}.example.com", "zone": "Z0123456789"}},
        "certificate",
        "domain has 72 characters; ACM makes certificates for at most 64",
    ),
    ({"certificate": {"arn": "mine"}}, "certificate.arn", "the ARN of an ACM certificate"),
    ({"certificate": {"arn": ARN, "domain": "a.example.com"}}, "certificate", "or neither"),
    ({"certificate": {}}, "certificate", "takes arn, or domain and zone"),
    ({"plain_http": True}, "plain_http", "cannot stand beside certificate"),
    (
        {"plain_http": True, "certificate": REMOVED, "access": "internet"},
        "plain_http",
        "cannot be used with access: internet",
    ),
    ({"firewall": {"rate_limit": 9}}, "firewall.rate_limit", "use 10 or more"),
    ({"firewall": {"body_rules": "off"}}, "firewall.body_rules", "use count, block"),
    ({"alarms": {"notify": ["ops"]}}, "alarms.notify[0]", "an e-mail address"),
    ({"alarms": {"notify": "ops@example.com"}}, "alarms.notify", "write [ops@example.com]"),
    (
        {"alarms": {"notify": ["ops@example.com", "x@example.com", "ops@example.com"]}},
        "alarms.notify",
        "lists ops@example.com twice; name each once",
    ),
    ({"alarms": {"period": 45}}, "alarms.period", "the nearest is 60"),
    ({"alarms": {"response_time": 0}}, "alarms.response_time", "use more than 0"),
    ({"health_check": {"timeout": 30}}, "health_check.timeout", "is not shorter than interval 30"),
    ({"health_check": {"path": "/nothing-here"}}, "health_check.path", "use /health, /readyz,"),
    (
        ecs(spot=20) | {"deregistration_delay": 120},
        "deregistration_delay",
        "use at most 100 (seconds), or spot: 0",
    ),
    ({"logs": {"retention": 31}}, "logs.retention", "the nearest is 30"),
    ({"api_keys_secret": "s3cr3t"}, "api_keys_secret", "the whole ARN of a Secrets Manager secret"),
    ({"api_keys_secret": SECRET[:-7]}, "api_keys_secret", "secret:<name>-<six characters>"),
    (
        {"api_keys_kms_key": "arn:aws:kms:us-east-1:123456789012:key/1a"},
        "api_keys_kms_key",
        "is of no use without api_keys_secret",
    ),
    (
        {
            "api_keys_secret": SECRET,
            "api_keys_kms_key": "arn:aws:kms:us-east-1:123456789012:key/1a",
        },
        "api_keys_kms_key",
        "is of another region than api_keys_secret",
    ),
    (
        {
            "model": {
                "uri": "https://models.example.com/v1",
                "sha256": "b" * 64,
                "kms_key": "arn:aws:kms:us-east-1:123456789012:key/1a",
            }
        },
        "model",
        "kms_key is about a bucket",
    ),
    ({"settings": {"TURNOUT_PORT": "9"}}, "settings.TURNOUT_PORT", "is set by target.port"),
    (
        {"target": "local", "scaling": REMOVED, "settings": {"TURNOUT_WORKERS": "2"}},
        "settings.TURNOUT_WORKERS",
        "is set by target.workers; remove it here",
    ),
    (
        lambda_() | {"settings": {"TURNOUT_CORS_ORIGINS": "https://" + "x" * 5000}},
        "settings",
        "Lambda has 4096 for all of its environment",
    ),
    (
        {"target": "ec2", "settings": {"TURNOUT_CORS_ORIGINS": "https://" + "x" * 5000}},
        "settings",
        "the user data of a machine has room for 4096 beside its scripts",
    ),
    (
        {"requests": {"max_body": 100_000_000}},
        "requests.max_body",
        "the server holds of all bodies at once, 67108864",
    ),
    ({"tags": {f"tag-{n}": "x" for n in range(60)}}, "tags", "give 45 or fewer"),
    ({"settings": {"PORT": "9"}}, "settings.PORT", "such as TURNOUT_LOG_LEVEL"),
    ({"settings": {"TURNOUT_THREADS": 2}}, "settings.TURNOUT_THREADS", "put it in quotes"),
    ({"tags": {"aws:x": "y"}}, "tags.aws:x", "a tag's key"),
    ({"tags": {"AWS:x": "y"}}, "tags.AWS:x", "a tag's key"),
    ({"tags": {"team": "a\nb"}}, "tags.team", "a tag's value"),
]


@pytest.mark.parametrize(
    ("changes", "place", "words"), CASES, ids=[f"{case[1]}: {case[2]}" for case in CASES]
)
def test_a_broken_rule_names_its_place_and_its_fix(
    changes: dict[str, Any], place: str, words: str
) -> None:
    path, message = refused(changes)
    assert path == place
    assert words in message


def test_tasks_on_demand_may_leave_as_slowly_as_the_load_balancer_lets_them() -> None:
    assert problems(deregistration_delay=300) == []


def test_a_large_body_is_taken_where_the_server_may_hold_it() -> None:
    held = {"TURNOUT_MAX_WAITING_BYTES": "100000000"}
    assert problems(requests={"max_body": 100_000_000}, settings=held) == []


def test_a_long_name_that_a_certificate_of_yours_has_is_taken() -> None:
    name = {"domain": f"{'a' * 60}.example.com", "zone": "Z0123456789"}
    assert problems(certificate={"arn": ARN, **name}) == []


def test_a_machine_without_time_zone_data_takes_each_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", nothing)
    monkeypatch.setattr(timezones, "_zones", frozenset)
    assert problems(scaling={"schedules": [NIGHTS | {"timezone": "Asia/Seoul"}]}) == []
