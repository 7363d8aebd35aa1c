"""Web ACLs, and the load balancers that need one."""

from __future__ import annotations

from turnout_policies.facts import firewalls
from turnout_policies.facts.tokens import LOAD_BALANCER, WEB_ACL, WEB_ACL_LOGGING
from turnout_policies.properties import Properties
from turnout_policies.rule import Context, Finding, Level, NotKnown, Outcomes, Rule, Severity
from turnout_policies.rules.load_balancers import is_application, is_internet_facing


def _has_firewall(balancer: Properties, context: Context) -> Outcomes:
    if not is_application(balancer) or not is_internet_facing(balancer):
        return
    if not firewalls.associations_of(balancer, context.stack):
        yield Finding("the internet reaches it, and no web ACL stands in front")


def _guards_a_public_balancer(acl: Properties, context: Context) -> bool:
    return any(
        is_application(balancer) and is_internet_facing(balancer)
        for association in context.stack.referrers(
            acl, "webAclArn", "aws:wafv2/webAclAssociation:WebAclAssociation"
        )
        for balancer in context.stack.targets(association.at("resourceArn"), LOAD_BALANCER)
    )


def _protection(acl: Properties, context: Context, held: bool, what: str) -> Outcomes:
    if held:
        return
    if firewalls.has_foreign_groups(acl, context.stack):
        # What a rule group of another stack holds cannot be read here.
        yield NotKnown("rules.ruleGroupReferenceStatement")
    else:
        yield Finding(f"no rule of it {what}")


def _needs(acl: Properties, context: Context) -> bool:
    return _guards_a_public_balancer(acl, context) and not firewalls.blocks_by_default(acl)


def _rate_limit(acl: Properties, context: Context) -> Outcomes:
    if _needs(acl, context):
        held = firewalls.has_rate_limit(acl, context.stack)
        yield from _protection(acl, context, held, "limits the requests of one address")


def _sql_injection(acl: Properties, context: Context) -> Outcomes:
    if _needs(acl, context):
        held = firewalls.has_sql_injection_rules(acl, context.stack)
        yield from _protection(acl, context, held, "stops SQL injection")


def _xss(acl: Properties, context: Context) -> Outcomes:
    if _needs(acl, context):
        held = firewalls.has_xss_rules(acl, context.stack)
        yield from _protection(acl, context, held, "stops cross-site scripting")


def _has_rules(acl: Properties, context: Context) -> Outcomes:
    if not firewalls.rules(acl, context.stack) and not firewalls.blocks_by_default(acl):
        yield Finding("it lets everything through: it has no rule", "rules")


def _logs(acl: Properties, context: Context) -> Outcomes:
    if not context.stack.referrers(acl, "resourceArn", WEB_ACL_LOGGING):
        yield Finding("what it blocks is not logged")


def _has_metrics(acl: Properties, _: Context) -> Outcomes:
    places = [acl, *(rule.block for rule in firewalls.inline_rules(acl))]
    for place in places:
        if not place.flag("visibilityConfig", "cloudwatchMetricsEnabled") and not place.flag(
            "visibilityConfig", "cloudWatchMetricsEnabled"
        ):
            name = place.text("name") if place.path else "the ACL"
            yield Finding(f"{name or place.place} sends no metrics", place.place)


RULES = (
    Rule(
        id="public-alb-has-firewall",
        title="A load balancer on the internet has a firewall",
        why="The first scan of a new public address comes within minutes.",
        concern="security",
        severity=Severity.HIGH,
        scope="stack",
        types=(LOAD_BALANCER,),
        check=_has_firewall,
        elsewhere=("FSBP ELB.16", "cdk-nag ALBWAFEnabled"),
        remediation='aws.wafv2.WebAclAssociation("api", resource_arn=alb.arn, web_acl_arn=acl.arn)',
    ),
    Rule(
        id="firewall-rate-limit",
        title="The firewall of a public load balancer limits rates",
        why="One client must not be able to use up what all of them share.",
        concern="security",
        severity=Severity.HIGH,
        scope="stack",
        types=(WEB_ACL,),
        check=_rate_limit,
        remediation='{"statement": {"rate_based_statement": {"limit": 2000, '
        '"aggregate_key_type": "IP"}}, "action": {"block": {}}, ...}',
    ),
    Rule(
        id="firewall-sql-injection",
        title="The firewall of a public load balancer stops SQL injection",
        why="It is the oldest attack there is, and scanners try it on every address.",
        concern="security",
        severity=Severity.MEDIUM,
        scope="stack",
        types=(WEB_ACL,),
        check=_sql_injection,
        remediation='{"statement": {"managed_rule_group_statement": {"vendor_name": "AWS", '
        '"name": "AWSManagedRulesSQLiRuleSet"}}, "override_action": {"none": {}}, ...}',
    ),
    Rule(
        id="firewall-xss",
        title="The firewall of a public load balancer stops cross-site scripting",
        why="What is stored today is shown to somebody's browser tomorrow.",
        concern="security",
        severity=Severity.MEDIUM,
        scope="stack",
        types=(WEB_ACL,),
        check=_xss,
        remediation='{"statement": {"managed_rule_group_statement": {"vendor_name": "AWS", '
        '"name": "AWSManagedRulesCommonRuleSet"}}, "override_action": {"none": {}}, ...}',
    ),
    Rule(
        id="firewall-has-rules",
        title="A web ACL has rules",
        why="An empty one costs money and stops nothing.",
        concern="security",
        severity=Severity.MEDIUM,
        scope="stack",
        types=(WEB_ACL,),
        check=_has_rules,
        elsewhere=("FSBP WAF.10",),
        yields_to=("firewall-rate-limit",),
        remediation='rules=[{"name": "rate", "priority": 0, ...}]',
    ),
    Rule(
        id="firewall-logs",
        title="A web ACL logs what it does",
        why="Without the log a blocked customer and a blocked attacker look the same.",
        concern="security",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        scope="stack",
        types=(WEB_ACL,),
        check=_logs,
        elsewhere=("FSBP WAF.11", "cdk-nag WAFv2LoggingEnabled"),
        remediation='aws.wafv2.WebAclLoggingConfiguration("log", resource_arn=acl.arn, '
        "log_destination_configs=[group.arn])",
    ),
    Rule(
        id="firewall-metrics",
        title="A web ACL and its rules send metrics",
        why="A rule that starts to block everybody should be seen before they call.",
        concern="security",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        types=(WEB_ACL,),
        check=_has_metrics,
        elsewhere=("FSBP WAF.12",),
        remediation='visibility_config={"cloudwatch_metrics_enabled": True, "metric_name": "api", '
        '"sampled_requests_enabled": True}',
    ),
)
