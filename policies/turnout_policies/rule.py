"""A rule's frozen form, and what a check is given and gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Literal, TypeVar

from turnout_policies.properties import NotKnownYet, Properties, render_path
from turnout_policies.resources import Resource
from turnout_policies.stack import Stack


class Severity(StrEnum):
    """How bad it is when the rule does not hold."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Level(StrEnum):
    """What happens when the rule does not hold (Pulumi's enforcement levels)."""

    DISABLED = "disabled"
    ADVISORY = "advisory"
    REMEDIATE = "remediate"
    MANDATORY = "mandatory"


T = TypeVar("T")

Concern = Literal["security", "reliability"]
Scope = Literal["resource", "stack"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a resource does wrong, in words that name the value."""

    message: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class NotKnown:
    """A value that the rule needs and that is not known yet."""

    path: str


Outcome = Finding | NotKnown
Outcomes = Iterator[Outcome]


@dataclass(frozen=True, slots=True)
class Context:
    """What a check may look at beside its resource."""

    stack: Stack
    settings: Mapping[str, Any] = field(default_factory=dict)
    today: date = date.min


Check = Callable[[Properties, Context], Iterable[Outcome]]
# Given the properties, the ones to set anew; None where there is nothing to mend.
Remedy = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that a rule lets its users choose, as a JSON schema with a default."""

    schema: Mapping[str, Any]
    default: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What must hold, why, how to mend it, and the pure check that finds out.

    A rule of scope `resource` reads one resource and is decided before that
    resource exists. A rule of scope `stack` follows references between
    resources. `elsewhere` names the same check in other catalogues. A
    finding at a place where a rule of `yields_to` speaks too is not repeated.
    """

    id: str
    title: str
    why: str
    concern: Concern
    severity: Severity
    types: tuple[str, ...]
    check: Check
    remediation: str
    elsewhere: tuple[str, ...] = ()
    level: Level = Level.MANDATORY
    scope: Scope = "resource"
    settings: Mapping[str, Setting] = field(default_factory=dict)
    remedy: Remedy | None = None
    yields_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one resource."""

    findings: tuple[Finding, ...] = ()
    unknown: tuple[str, ...] = ()


def judge(rule: Rule, subject: Properties, context: Context) -> Verdict:
    """Run a rule's check over one resource; no input makes it raise."""
    findings: dict[Finding, None] = {}
    unknown: dict[str, None] = {}
    try:
        for outcome in rule.check(subject, context):
            if isinstance(outcome, NotKnown):
                unknown[outcome.path] = None
            else:
                findings[outcome] = None
    except NotKnownYet as missing:
        unknown[_place(missing, subject.resource)] = None
    return Verdict(tuple(findings), tuple(unknown))


def _place(missing: NotKnownYet, subject: Resource) -> str:
    place = render_path(missing.path)
    if missing.resource.urn == subject.urn:
        return place
    return f"{missing.resource.name}.{place}"


def each(items: Iterable[Properties], check: Callable[[Properties], Iterable[Outcome]]) -> Outcomes:
    """Check items apart from each other: an unknown in one hides nothing in the next."""
    for item in items:
        try:
            yield from check(item)
        except NotKnownYet as missing:
            yield NotKnown(_place(missing, item.resource))


def any_holds(items: Iterable[T], holds: Callable[[T], bool]) -> bool:
    """Whether it holds for one item; unknown only where no known item decides it."""
    missing: NotKnownYet | None = None
    for item in items:
        try:
            if holds(item):
                return True
        except NotKnownYet as error:
            missing = missing or error
    if missing is not None:
        raise missing
    return False


def setting_defaults(rule: Rule) -> dict[str, Any]:
    return {name: setting.default for name, setting in rule.settings.items()}
