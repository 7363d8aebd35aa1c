"""A report as JSON, for programs."""

from __future__ import annotations

import json

from turnout_policies.reports.places import Locate
from turnout_policies.runner import Report


def render(report: Report, _: Locate) -> str:
    """The report as one JSON object, ending in a line break."""
    document = {
        "violations": [
            {
                "rule": item.rule,
                "level": item.level,
                "severity": item.severity,
                "resource": item.resource,
                "message": item.message,
                "remediation": item.remediation,
            }
            for item in report.violations
        ],
        "unknown": [
            {
                "rule": item.rule,
                "level": item.level,
                "resource": item.resource,
                "values": list(item.paths),
            }
            for item in report.unknown
        ],
        "exempted": [
            {
                "rule": item.rule,
                "resource": item.resource,
                "reason": item.reason,
                "expires": item.expires.isoformat(),
            }
            for item in report.exempted
        ],
        "checked": report.checked,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
