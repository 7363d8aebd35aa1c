"""What a web ACL does: its rules' statements, whichever way they are written and nested."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from turnout_policies.facts.tokens import (
    CLASSIC_WEB_ACL_ASSOCIATION,
    RULE_GROUP,
    WEB_ACL_ASSOCIATION,
    WEB_ACL_RULE,
    WEB_ACL_RULE_GROUP,
)
from turnout_policies.properties import Properties
from turnout_policies.rule import any_holds
from turnout_policies.stack import Stack

_NESTED = ("andStatement", "orStatement", "notStatement", "scopeDownStatement")
# AWS WAF's managed groups (AWS managed rules reference) that hold each protection.
_SQL_INJECTION_GROUPS = frozenset({"AWSManagedRulesSQLiRuleSet"})
_XSS_GROUPS = frozenset({"AWSManagedRulesCommonRuleSet"})


@dataclass(frozen=True, slots=True)
class FirewallRule:
    """One rule of a web ACL, with the JSON form read as the other."""

    block: Properties

    @property
    def acts(self) -> bool:
        """Whether it does more than count."""
        for key in ("action", "overrideAction"):
            found = self.block.at(key)
            if not found.known or isinstance(found.value, dict):
                kinds = [kind.lower() for kind, _ in found.entries()]
                if kinds:
                    return "count" not in kinds
            elif found.text().lower() == "count":
                return False
        return True

    def has(self, *names: str) -> bool:
        """Whether its statement, at any depth, is one of these."""
        return any(name in names for name, _ in _walk(self.block.at("statement")))

    @property
    def managed_groups(self) -> list[str]:
        found = [
            block.text("name")
            for name, block in _walk(self.block.at("statement"))
            if name == "managedRuleGroupStatement"
        ]
        return [*found, self.block.text("managedRuleGroup", "name")]


def _walk(statement: Properties) -> Iterator[tuple[str, Properties]]:
    for name, block in statement.entries():
        yield name, block
        if name in _NESTED or name == "rateBasedStatement":
            for inner in block.each("statements"):
                yield from _walk(inner)
            for key in ("statement", "scopeDownStatement"):
                yield from _walk(block.at(key))


def inline_rules(acl: Properties) -> list[FirewallRule]:
    """The rules that a web ACL itself holds, in `rules` or in `ruleJson`."""
    if acl.has("ruleJson"):
        document = acl.document("ruleJson")
        inner = Properties(acl.resource, _camel(document.value), document.path)
        return [FirewallRule(block) for block in inner.each()]
    return [FirewallRule(block) for block in acl.each("rules")]


def rules(acl: Properties, stack: Stack) -> list[FirewallRule]:
    """The rules of a web ACL, with those that are resources of their own."""
    apart = stack.referrers(acl, "webAclArn", WEB_ACL_RULE, WEB_ACL_RULE_GROUP)
    return [*inline_rules(acl), *(FirewallRule(block) for block in apart)]


def _camel(value: object) -> object:
    """AWS's own spelling (`RateBasedStatement`) as the provider writes it."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _camel(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_camel(item) for item in value]
    return value


def blocks_by_default(acl: Properties) -> bool:
    """Whether it lets through only what it knows."""
    return any(kind == "block" for kind, _ in acl.at("defaultAction").entries())


def has_rate_limit(acl: Properties, stack: Stack) -> bool:
    return _stops(acl, stack, "rateBasedStatement", frozenset())


def has_sql_injection_rules(acl: Properties, stack: Stack) -> bool:
    return _stops(acl, stack, "sqliMatchStatement", _SQL_INJECTION_GROUPS)


def has_xss_rules(acl: Properties, stack: Stack) -> bool:
    return _stops(acl, stack, "xssMatchStatement", _XSS_GROUPS)


def _stops(acl: Properties, stack: Stack, statement: str, groups: frozenset[str]) -> bool:
    """Whether a rule that does more than count has this statement or one of these groups."""
    return any_holds(
        _with_own_groups(rules(acl, stack), stack),
        lambda rule: (
            rule.acts and (rule.has(statement) or not groups.isdisjoint(rule.managed_groups))
        ),
    )


def _with_own_groups(found: list[FirewallRule], stack: Stack) -> list[FirewallRule]:
    """These rules, and those inside the rule groups of this stack that they refer to."""
    inside = [
        FirewallRule(block)
        for rule in found
        for group in stack.targets(rule.block.at("statement"), RULE_GROUP)
        for block in group.each("rules")
    ]
    return [*found, *inside]


def has_foreign_groups(acl: Properties, stack: Stack) -> bool:
    """Whether rules come from a rule group that this stack does not spell out."""
    return any_holds(
        rules(acl, stack),
        lambda rule: (
            (
                rule.has("ruleGroupReferenceStatement")
                and not stack.targets(rule.block.at("statement"), RULE_GROUP)
            )
            or rule.block.has("ruleGroupReference")
        ),
    )


def associations_of(balancer: Properties, stack: Stack) -> list[Properties]:
    types = (WEB_ACL_ASSOCIATION, CLASSIC_WEB_ACL_ASSOCIATION)
    return stack.referrers(balancer, "resourceArn", *types)
