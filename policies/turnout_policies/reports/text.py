"""A report for people: one heading a rule, one line a resource."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from turnout_policies.reports.places import Locate, short_name
from turnout_policies.rule import Level, Rule
from turnout_policies.runner import Report, Violation

_ORDER = (Level.MANDATORY, Level.REMEDIATE, Level.ADVISORY)


def render(report: Report, _: Locate) -> str:
    """The report as text, ending in a line break."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    rules = {rule.id: rule for rule in report.rules}
    found = sorted(report.violations, key=lambda item: (_ORDER.index(item.level), item.rule))
    for (level, name), items in groupby(found, key=lambda item: (item.level, item.rule)):
        yield from _rule_lines(level, rules[name], list(items))
        yield ""
    if report.unknown:
        yield "Not decided before the values are known (pulumi up decides):"
        for name in sorted({item.rule for item in report.unknown}):
            resources = [item for item in report.unknown if item.rule == name]
            shown = ", ".join(short_name(item.resource).split(" ")[0] for item in resources[:4])
            more = f" and {len(resources) - 4} more" if len(resources) > 4 else ""
            yield f"    {name}: {shown}{more}"
        yield ""
    for exempted in report.exempted:
        yield (
            f"Exempt until {exempted.expires}: {exempted.rule} at "
            f"{short_name(exempted.resource)}: {exempted.reason}"
        )
    yield _summary(report)


def _rule_lines(level: Level, rule: Rule, items: list[Violation]) -> Iterator[str]:
    yield f"{level.upper()}  {rule.id}  ({rule.severity})"
    yield f"    {rule.title}. {rule.why}"
    for item in items:
        yield f"    - {short_name(item.resource)}: {item.message}"
    yield f"    Fix: {rule.remediation}"


def _summary(report: Report) -> str:
    if not report.violations:
        return f"{report.checked} resources checked against {len(report.rules)} rules: no findings."
    broken = {item.rule for item in report.violations}
    blocking = {item.rule for item in report.violations if item.level is Level.MANDATORY}
    resources = {item.resource for item in report.violations}
    return (
        f"{report.checked} resources checked against {len(report.rules)} rules: "
        f"{len(broken)} broken ({len(blocking)} mandatory) by {len(resources)} resources."
    )
