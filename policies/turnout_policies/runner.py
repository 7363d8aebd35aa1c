"""Running packs over resources, without an engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from turnout_policies.packs import PACKS, Pack
from turnout_policies.properties import OnRead, Properties
from turnout_policies.resources import Resource
from turnout_policies.rule import Context, Finding, Level, Rule, Severity, Verdict, judge
from turnout_policies.settings import Exemption, RuleSettings, read_settings
from turnout_policies.stack import Stack


@dataclass(frozen=True, slots=True)
class Violation:
    """What one rule finds wrong with one resource: one message, however many places."""

    rule: str
    level: Level
    severity: Severity
    resource: str
    message: str
    remediation: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecided:
    """A rule that cannot be decided for a resource before these values are known."""

    rule: str
    level: Level
    resource: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exempted:
    """A finding that an exemption sets aside."""

    rule: str
    resource: str
    reason: str
    expires: date


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a run. `checked` counts resources, not rules."""

    violations: tuple[Violation, ...]
    unknown: tuple[Undecided, ...]
    exempted: tuple[Exempted, ...]
    checked: int
    rules: tuple[Rule, ...] = field(repr=False, default=())

    @property
    def blocking(self) -> bool:
        """Whether a mandatory rule was broken."""
        return any(item.level is Level.MANDATORY for item in self.violations)


@dataclass(frozen=True, slots=True)
class _Judged:
    rule: Rule
    subject: Properties
    verdict: Verdict
    settings: RuleSettings


def run(
    resources: Iterable[Resource],
    packs: Iterable[Pack] = PACKS,
    config: Mapping[str, Any] | None = None,
    *,
    today: date | None = None,
    on_read: OnRead | None = None,
) -> Report:
    """Check resources against the rules of the packs.

    `config` has the form of a policy pack's configuration file; a wrong one
    raises `SettingsError`. `on_read` is told each property that a rule reads.
    """
    stack = Stack(resources, on_read)
    rules = tuple({rule.id: rule for pack in packs for rule in pack.rules}.values())
    others = [rule.id for pack in PACKS for rule in pack.rules]
    settings = read_settings(rules, config or {}, others)
    day = today or utc_today()
    judged = [
        _Judged(rule, subject, judge(rule, subject, context), settings[rule.id])
        for rule in rules
        if settings[rule.id].level is not Level.DISABLED
        for context in [Context(stack, settings[rule.id].values, day)]
        for subject in stack.of(*rule.types)
        if not subject.resource.external
    ]
    return _report(_each_place_once(judged), stack, rules, day)


def utc_today() -> date:
    return datetime.now(UTC).date()


def _each_place_once(judged: list[_Judged]) -> list[_Judged]:
    """Drop a finding where a rule that its own yields to speaks of the same place."""
    spoken: dict[tuple[str, str], set[str]] = defaultdict(set)
    for item in judged:
        for finding in item.verdict.findings:
            spoken[item.subject.resource.urn, finding.path].add(item.rule.id)

    def is_new(item: _Judged, finding: Finding) -> bool:
        others = spoken[item.subject.resource.urn, finding.path]
        return others.isdisjoint(item.rule.yields_to)

    return [
        replace(
            item,
            verdict=replace(
                item.verdict,
                findings=tuple(found for found in item.verdict.findings if is_new(item, found)),
            ),
        )
        for item in judged
    ]


def _report(judged: list[_Judged], stack: Stack, rules: tuple[Rule, ...], today: date) -> Report:
    violations, unknown, exempted = [], [], []
    for item in judged:
        rule, resource, settings = item.rule, item.subject.resource, item.settings
        findings, exemption = item.verdict.findings, settings.exemption_of(resource)
        holds = exemption is not None and today <= exemption.expires
        if findings and exemption is not None and holds:
            exempted.append(Exempted(rule.id, resource.urn, exemption.reason, exemption.expires))
        elif findings:
            violations.append(
                Violation(
                    rule.id,
                    settings.level,
                    rule.severity,
                    resource.urn,
                    worded(findings, exemption),
                    rule.remediation,
                    tuple(finding.path for finding in findings if finding.path),
                )
            )
        if item.verdict.unknown and not holds:
            unknown.append(Undecided(rule.id, settings.level, resource.urn, item.verdict.unknown))
    return Report(tuple(violations), tuple(unknown), tuple(exempted), len(stack.resources), rules)


def worded(findings: Iterable[Finding], lapsed: Exemption | None = None) -> str:
    """All that one rule has to say of one resource, as one message."""
    said = "; ".join(dict.fromkeys(finding.message for finding in findings))
    return f"{said} (its exemption ended on {lapsed.expires})" if lapsed else said
