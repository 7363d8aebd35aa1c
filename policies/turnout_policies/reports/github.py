"""A report as the workflow commands that GitHub Actions shows beside the code."""

from __future__ import annotations

from turnout_policies.reports.places import Locate, short_name
from turnout_policies.rule import Level
from turnout_policies.runner import Report


def render(report: Report, locate: Locate) -> str:
    """One command a finding, and one line in all where there is none."""
    lines = []
    for item in report.violations:
        place = locate(item)
        command = "error" if item.level is Level.MANDATORY else "warning"
        text = f"{short_name(item.resource)}: {item.message}\nFix: {item.remediation}"
        lines.append(
            f"::{command} file={_property(place.file)},line={place.line},"
            f"title={_property(item.rule)}::{_data(text)}"
        )
    if report.unknown:
        rules = ", ".join(sorted({item.rule for item in report.unknown}))
        lines.append(f"::notice title=not known yet::{_data(f'Decided by pulumi up: {rules}')}")
    lines.append(f"{report.checked} resources checked, {len(report.violations)} findings.")
    return "\n".join(lines) + "\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
