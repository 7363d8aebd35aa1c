"""A report as SARIF 2.1.0, in the part of it that GitHub code scanning reads."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import Any

from turnout_policies.reports.places import Locate, short_name
from turnout_policies.rule import Level, Rule, Severity
from turnout_policies.runner import Report, Undecided, Violation

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {
    Level.MANDATORY: "error",
    Level.REMEDIATE: "warning",
    Level.ADVISORY: "warning",
    Level.DISABLED: "none",
}
# GitHub's scale ("SARIF support for code scanning", `security-severity`): over 9.0 is critical,
# 7.0 to 8.9 high, 4.0 to 6.9 medium.
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
}


def render(report: Report, locate: Locate) -> str:
    """The report as one SARIF log, ending in a line break."""
    indexes = {rule.id: index for index, rule in enumerate(report.rules)}
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "turnout-policies",
                "semanticVersion": version("turnout-policies"),
                "rules": [_rule(rule) for rule in report.rules],
            }
        },
        "columnKind": "utf16CodeUnits",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [_notification(item) for item in report.unknown],
            }
        ],
        "results": [_result(item, indexes[item.rule], locate) for item in report.violations],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "tags": [rule.concern, *rule.elsewhere],
        "precision": "high",
        "problem.severity": "error" if rule.level is Level.MANDATORY else "warning",
    }
    if rule.concern == "security":
        properties["security-severity"] = _SCORES[rule.severity]
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": f"{rule.title}. {rule.why}"},
        "help": {
            "text": f"{rule.why}\n\n{rule.remediation}",
            "markdown": f"{rule.why}\n\n```python\n{rule.remediation}\n```",
        },
        "defaultConfiguration": {
            "enabled": rule.level is not Level.DISABLED,
            "level": _LEVELS[rule.level],
        },
        "properties": properties,
    }


def _result(item: Violation, index: int, locate: Locate) -> dict[str, Any]:
    place = locate(item)
    name = short_name(item.resource)
    fingerprint = hashlib.sha256(f"{item.rule}\n{item.resource}".encode()).hexdigest()
    return {
        "ruleId": item.rule,
        "ruleIndex": index,
        "level": _LEVELS[item.level],
        "message": {"text": f"{name}: {item.message}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": place.file, "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": place.line},
                },
                "logicalLocations": [{"fullyQualifiedName": item.resource, "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"resource/v1": fingerprint},
    }


def _notification(item: Undecided) -> dict[str, Any]:
    values = ", ".join(item.paths)
    return {
        "level": "note",
        "message": {"text": f"{short_name(item.resource)}: not known yet: {values}"},
        "associatedRule": {"id": item.rule},
    }
