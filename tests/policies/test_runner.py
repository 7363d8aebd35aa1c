"""Running packs: levels, settings, exemptions, one mistake as one message, time."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from turnout_policies.examples import Example, examples, resources_of
from turnout_policies.packs import PACKS, RELIABILITY, SECURITY
from turnout_policies.resources import UNKNOWN, Resource
from turnout_policies.rule import Level, any_holds
from turnout_policies.rules import ALL
from turnout_policies.runner import Report, run
from turnout_policies.settings import SettingsError

TODAY = date(2026, 6, 1)
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
GROUP = "aws:ec2/securityGroup:SecurityGroup"


def logs(name: str = "logs", **properties: Any) -> Resource:
    return Resource(
        f"urn:pulumi:prod::shop::{LOG_GROUP}::{name}", LOG_GROUP, name, None, properties
    )


def group(*ingress: dict[str, Any]) -> Resource:
    properties = {"description": "for tests", "ingress": list(ingress)}
    return Resource(f"urn:pulumi:prod::shop::{GROUP}::group", GROUP, "group", None, properties)


def check(*resources: Resource, **config: Any) -> Report:
    named = {name.replace("_", "-"): value for name, value in config.items()}
    return run(resources, config=named, today=TODAY)


def test_the_two_packs_share_all_rules_among_them() -> None:
    assert {rule.id for pack in PACKS for rule in pack.rules} == {rule.id for rule in ALL}
    assert not {rule.id for rule in SECURITY.rules} & {rule.id for rule in RELIABILITY.rules}


def test_a_mandatory_finding_blocks_and_an_advisory_one_does_not() -> None:
    assert check(logs()).blocking
    report = check(logs(), log_group_retention="advisory")
    assert [item.level for item in report.violations] == [Level.ADVISORY]
    assert not report.blocking


def test_what_would_be_remedied_does_not_block() -> None:
    assert not check(logs(), log_group_retention="remediate").blocking


def test_a_disabled_rule_says_nothing() -> None:
    assert check(logs(), log_group_retention="disabled").violations == ()


def test_a_level_for_all_yields_to_the_level_of_one() -> None:
    report = check(logs(), all="disabled", log_group_retention={"enforcementLevel": "mandatory"})
    assert {item.rule for item in report.violations} == {"log-group-retention"}
    assert check(logs(), all="disabled").violations == ()
    assert check(logs(), all={"enforcementLevel": "advisory"}).violations[0].level == "advisory"


def test_a_setting_is_laid_over_its_default() -> None:
    assert check(logs(retentionInDays=7)).violations == ()
    (found,) = check(logs(retentionInDays=7), log_group_retention={"minDays": 30}).violations
    assert "7 days, less than 30" in found.message


def test_half_of_a_bound_keeps_the_other_half() -> None:
    alarm = Resource("urn:a", "aws:cloudwatch/metricAlarm:MetricAlarm", "a", None, {
        "namespace": "AWS/ECS", "metricName": "CPUUtilization", "threshold": 5,
        "comparisonOperator": "GreaterThanThreshold",
    })  # fmt: skip
    report = check(alarm, alarm_threshold_in_bounds={"cpu": {"max": 50}})
    found = next(item for item in report.violations if item.rule == "alarm-threshold-in-bounds")
    assert found.message == "its threshold for cpu, 5, is below 20"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"log-group-retentoin": "advisory"}, "did you mean log-group-retention?"),
        ({"nothing-like-it": "advisory"}, "nothing-like-it: there is no such rule"),
        ({"log-group-retention": "strict"}, "use one of disabled, advisory, remediate, mandatory"),
        ({"all": "strict"}, "all: 'strict' is not a level"),
        ({"log-group-retention": 3}, "3 is neither a level nor an object"),
        ({"log-group-retention": {"days": 3}}, "'days' was unexpected"),
        ({"log-group-retention": {"minDays": "3"}}, "log-group-retention.minDays: '3'"),
        ({"log-group-retention": {"exemptions": [{"resource": "a"}]}}, "'reason' is a required"),
        (
            {"log-group-retention": {"exemptions": [
                {"resource": "a", "reason": "kept by law", "expires": "2026-02-30"}]}},
            "'2026-02-30' is not a day",
        ),
        (
            {"log-group-retention": {"exemptions": [
                {"resource": "a", "reason": "why", "expires": "2026-02-28"}]}},
            "exemptions.0.reason",
        ),
    ],
)  # fmt: skip
def test_a_wrong_configuration_is_refused_with_place_and_remedy(
    config: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError, match=words.replace("?", "[?]")):
        run([logs()], config=config)


def test_a_pack_alone_takes_the_configuration_of_both() -> None:
    assert run([logs()], [SECURITY], {"log-group-retention": "disabled"}).violations == ()


def exempt(resource: str, expires: str) -> dict[str, Any]:
    entry = {"resource": resource, "reason": "kept by law", "expires": expires}
    return {"log_group_retention": {"exemptions": [entry]}}


@pytest.mark.parametrize("resource", ["logs", "lo*", "urn:pulumi:prod::*::logs"])
def test_an_exemption_holds_through_its_last_day(resource: str) -> None:
    report = check(logs(), **exempt(resource, "2026-06-01"))
    assert report.violations == ()
    (exempted,) = report.exempted
    assert (exempted.rule, exempted.reason) == ("log-group-retention", "kept by law")


def test_an_exemption_of_another_resource_helps_nobody() -> None:
    assert check(logs(), **exempt("other", "2027-01-01")).blocking


def test_after_its_last_day_the_finding_is_back_and_says_why() -> None:
    report = check(logs(), **exempt("logs", "2026-05-31"))
    (found,) = report.violations
    assert found.message.endswith("(its exemption ended on 2026-05-31)")
    assert report.exempted == ()


def test_the_exemption_that_holds_longest_counts() -> None:
    config = exempt("logs", "2020-01-01")
    config["log_group_retention"]["exemptions"] += exempt("*", "2030-01-01")["log_group_retention"][
        "exemptions"
    ]
    assert check(logs(), **config).violations == ()


def test_an_unknown_is_told_apart_from_a_finding() -> None:
    report = check(logs(retentionInDays=UNKNOWN))
    assert report.violations == ()
    (unknown,) = report.unknown
    assert (unknown.rule, unknown.paths) == ("log-group-retention", ("retentionInDays",))
    assert unknown.level is Level.MANDATORY


def test_ten_open_rules_of_a_group_are_one_message() -> None:
    rules = [
        {"description": "x", "protocol": "tcp", "fromPort": 9000 + number, "toPort": 9000 + number,
         "cidrBlocks": ["0.0.0.0/0"]}
        for number in range(10)
    ]  # fmt: skip
    (found,) = check(group(*rules)).violations
    assert found.message.count("only 80 and 443") == 10
    assert len(found.paths) == 10


def test_all_ports_from_everywhere_is_one_mistake_and_not_four() -> None:
    everything = {
        "description": "x", "protocol": "-1", "fromPort": 0, "toPort": 0,
        "cidrBlocks": ["0.0.0.0/0"],
    }  # fmt: skip
    report = check(group(everything))
    assert [item.rule for item in report.violations] == ["security-group-public-ports-only"]


def test_a_known_mistake_is_told_beside_an_unknown_one() -> None:
    ssh = {"description": "x", "protocol": "tcp", "fromPort": 22, "toPort": 22}
    report = check(group({**ssh, "cidrBlocks": UNKNOWN}, {**ssh, "cidrBlocks": ["0.0.0.0/0"]}))
    rule = "security-group-admin-port-closed"
    assert [item.paths for item in report.violations if item.rule == rule] == [("ingress[1]",)]
    assert [item.paths for item in report.unknown if item.rule == rule] == [
        ("ingress[0].cidrBlocks",)
    ]


def test_what_is_only_read_is_not_judged() -> None:
    assert check(replace(logs(), external=True)).violations == ()


def test_any_holds_prefers_a_sure_yes_to_an_unknown() -> None:
    report = check(
        Resource(
            "urn:c",
            "aws:eks/cluster:Cluster",
            "c",
            None,
            {
                "version": "1.35",
                "vpcConfig": {"endpointPublicAccess": False},
                "encryptionConfig": {"resources": [UNKNOWN, "secrets"]},
                "enabledClusterLogTypes": ["api", "audit", "authenticator"],
            },
        )
    )
    assert (report.violations, report.unknown) == ((), ())
    assert not any_holds([], bool)


def many(example: Example, number: int) -> list[Resource]:
    """A stack's resources under names of their own, as in a larger stack."""
    ending = f"-{number}"
    return [
        replace(
            item,
            urn=item.urn + ending,
            dependencies={
                key: tuple(urn + ending for urn in urns) for key, urns in item.dependencies.items()
            },
        )
        for item in resources_of(example.program, known=True)
    ]


def test_five_hundred_resources_are_checked_in_two_seconds() -> None:
    resources: list[Resource] = []
    number = 0
    while len(resources) < 500:
        for example in examples():
            resources += many(example, number)
            number += 1
    started = time.process_time()
    report = run(resources[:500])
    assert time.process_time() - started < 2
    assert report.checked == 500
