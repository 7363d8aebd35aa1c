"""The rules under Pulumi's own engine: a pack as a `PolicyPack`, a rule as a policy.

Resource rules are decided before their resource exists. Stack rules see the
whole stack; they judge what the program asked for (the inputs that the
engine showed before), not what the provider filled in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi_policy
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from turnout_policies.packs import Pack
from turnout_policies.properties import Properties
from turnout_policies.resources import UNKNOWN, Resource, canonical_type, decode
from turnout_policies.rule import Context, Level, Remedy, Rule, Severity, Verdict, judge
from turnout_policies.runner import utc_today, worded
from turnout_policies.settings import RuleSettings, schema_of, settings_of
from turnout_policies.stack import Stack

Report = Callable[[str, str | None], None]

_LEVELS = {
    Level.DISABLED: pulumi_policy.EnforcementLevel.DISABLED,
    Level.ADVISORY: pulumi_policy.EnforcementLevel.ADVISORY,
    Level.REMEDIATE: pulumi_policy.EnforcementLevel.REMEDIATE,
    Level.MANDATORY: pulumi_policy.EnforcementLevel.MANDATORY,
}
_SEVERITIES = {
    Severity.LOW: pulumi_policy.Severity.LOW,
    Severity.MEDIUM: pulumi_policy.Severity.MEDIUM,
    Severity.HIGH: pulumi_policy.Severity.HIGH,
    Severity.CRITICAL: pulumi_policy.Severity.CRITICAL,
}


def serve(pack: Pack) -> None:
    """Offer a pack to the engine that started this process; does not return."""
    pulumi_policy.PolicyPack(
        name=f"turnout-{pack.name}", description=pack.description, policies=policies(pack)
    )


def policies(pack: Pack) -> list[pulumi_policy.Policy]:
    """A pack's rules as policies that share what they have seen of the stack."""
    seen = Seen()
    return [_policy(rule, seen) for rule in pack.rules]


def plain(value: Any) -> Any:
    """A property out of the framework's proxies, with unknowns as `UnknownValue`s."""
    if isinstance(value, Mapping):
        # The provider's note of which values are its own defaults is no property.
        return {str(key): _item(value, key) for key in value if key != "__defaults"}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_item(value, index) for index in range(len(value))]
    return decode(value)


def _item(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


class Seen:
    """What the engine has shown of a stack so far: the inputs of each resource."""

    def __init__(self) -> None:
        self._inputs: dict[str, Mapping[str, Any]] = {}
        self._stack: tuple[Any, Stack] | None = None

    def note(self, args: pulumi_policy.ResourceValidationArgs) -> None:
        self._inputs[args.urn] = args.props
        self._stack = None

    def stack(self, shown: list[pulumi_policy.PolicyResource]) -> Stack:
        """The stack, made once for all stack rules of a run."""
        key = tuple(resource.urn for resource in shown)
        if self._stack is None or self._stack[0] != key or not self._inputs:
            self._stack = (key, Stack(self._resource(resource) for resource in shown))
        return self._stack[1]

    def _resource(self, shown: pulumi_policy.PolicyResource) -> Resource:
        outputs = plain(shown.props)
        inputs = self._inputs.get(shown.urn)
        return Resource(
            urn=shown.urn,
            type=shown.resource_type,
            name=shown.name,
            parent=shown.parent.urn if shown.parent else None,
            properties=outputs if inputs is None else plain(inputs),
            dependencies={
                name: tuple(resource.urn for resource in resources)
                for name, resources in shown.property_dependencies.items()
            },
            outputs=outputs,
            # The engine shows every resource that it makes; what it only reads it does not.
            external=bool(self._inputs) and inputs is None,
        )


def _policy(rule: Rule, seen: Seen) -> pulumi_policy.Policy:
    common: dict[str, Any] = {
        "name": rule.id,
        "description": f"{rule.title}. {rule.why}",
        "display_name": rule.title,
        "enforcement_level": _LEVELS[rule.level],
        "severity": _SEVERITIES[rule.severity],
        "remediation_steps": rule.remediation,
        "tags": list(rule.elsewhere),
        "config_schema": pulumi_policy.PolicyConfigSchema(
            properties={name: dict(schema) for name, schema in schema_of(rule).items()}
        ),
    }
    if rule.scope == "stack":
        return pulumi_policy.StackValidationPolicy(validate=_stack_validation(rule, seen), **common)
    if rule.remedy is not None:
        common["remediate"] = _remediation(rule, rule.remedy)
    return pulumi_policy.ResourceValidationPolicy(
        validate=_resource_validation(rule, seen), **common
    )


def _resource_validation(
    rule: Rule, seen: Seen
) -> Callable[[pulumi_policy.ResourceValidationArgs, Report], None]:
    configured = _Settings(rule)

    def validate(args: pulumi_policy.ResourceValidationArgs, report: Report) -> None:
        seen.note(args)
        if canonical_type(args.resource_type) not in rule.types:
            return
        resource = Resource(
            args.urn, args.resource_type, args.name, args.opts.parent, plain(args.props)
        )
        stack = Stack([resource])
        _tell(rule, stack, [stack.view(resource)], configured.of(args.get_config()), report)

    return validate


def _stack_validation(
    rule: Rule, seen: Seen
) -> Callable[[pulumi_policy.StackValidationArgs, Report], None]:
    configured = _Settings(rule)

    def validate(args: pulumi_policy.StackValidationArgs, report: Report) -> None:
        stack = seen.stack(args.resources)
        subjects = [item for item in stack.of(*rule.types) if not item.resource.external]
        _tell(rule, stack, subjects, configured.of(args.get_config()), report)

    return validate


def _tell(
    rule: Rule,
    stack: Stack,
    subjects: list[Properties],
    settings: RuleSettings,
    report: Report,
) -> None:
    """Report what a rule finds; what it cannot know yet is raised as the framework wants it."""
    context = Context(stack, settings.values, utc_today())
    missing: list[str] = []
    for subject in subjects:
        exemption = settings.exemption_of(subject.resource)
        if exemption is not None and context.today <= exemption.expires:
            continue
        verdict = judge(rule, subject, context)
        if verdict.findings:
            report(worded(verdict.findings, exemption), subject.resource.urn)
        missing += _missing(verdict, subject, alone=len(subjects) == 1)
    if missing:
        raise UnknownValueError(UNKNOWN_STRING_VALUE, [", ".join(missing)])


def _missing(verdict: Verdict, subject: Properties, *, alone: bool) -> list[str]:
    prefix = "" if alone else f"{subject.resource.name}."
    return [f"{prefix}{place}" for place in verdict.unknown]


def _remediation(
    rule: Rule, remedy: Remedy
) -> Callable[[pulumi_policy.ResourceValidationArgs], Mapping[str, Any] | None]:
    configured = _Settings(rule)

    def remediate(args: pulumi_policy.ResourceValidationArgs) -> Mapping[str, Any] | None:
        if canonical_type(args.resource_type) not in rule.types:
            return None
        resource = Resource(args.urn, args.resource_type, args.name, args.opts.parent, {})
        exemption = configured.of(args.get_config()).exemption_of(resource)
        if exemption is not None and utc_today() <= exemption.expires:
            return None
        changes = remedy(args.props)
        if not changes:
            return None
        # Set in place: the framework's own map keeps secrets secret and unknowns unknown.
        properties: Any = args.props
        for name, value in changes.items():
            properties[name] = value
        return args.props

    return remediate


class _Settings:
    """A rule's settings, read once for each configuration that the engine hands over."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._read: dict[str, RuleSettings] = {}

    def of(self, config: Mapping[str, Any]) -> RuleSettings:
        key = json.dumps(config, sort_keys=True, default=str)
        if key not in self._read:
            self._read[key] = settings_of(self._rule, dict(config))
        return self._read[key]
