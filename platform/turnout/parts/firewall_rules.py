"""The firewall's rules: what is blocked, and what is only counted because it reads comments."""

from dataclasses import dataclass, field
from typing import Any, Final

from turnout.config.surroundings import Access, Firewall

RATE_WINDOW_SECONDS: Final = 300


@dataclass(frozen=True, kw_only=True)
class ManagedGroup:
    """One of AWS's rule groups, with its rules that read bodies.

    AWS WAF, "AWS Managed Rules rule groups list".
    """

    name: str
    metric: str
    body_rules: tuple[str, ...] = ()
    counted: dict[str, str] = field(default_factory=dict)
    """Rules that never block here, with the reason."""


GROUPS: Final = (
    ManagedGroup(name="AWSManagedRulesAmazonIpReputationList", metric="ip-reputation"),
    ManagedGroup(
        name="AWSManagedRulesKnownBadInputsRuleSet",
        metric="known-bad-inputs",
        body_rules=("JavaDeserializationRCE_BODY", "Log4JRCE_BODY", "ReactJSRCE_BODY"),
    ),
    ManagedGroup(
        name="AWSManagedRulesSQLiRuleSet",
        metric="sql-injection",
        body_rules=("SQLi_BODY", "SQLiExtendedPatterns_BODY"),
    ),
    # Cross-site scripting, file inclusion and the rest of the common attacks.
    ManagedGroup(
        name="AWSManagedRulesCommonRuleSet",
        metric="common",
        body_rules=(
            "CrossSiteScripting_BODY",
            "EC2MetaDataSSRF_BODY",
            "GenericLFI_BODY",
            "GenericRFI_BODY",
        ),
        counted={
            "SizeRestrictions_BODY": "it blocks bodies over 8 KB; requests.max_body is the bound"
        },
    ),
)


def web_acl_rules(name: str, firewall: Firewall, access: Access) -> list[dict[str, Any]]:
    """The rules of the web ACL `name` in order of priority: the rate limit first."""
    rules: list[dict[str, Any]] = [
        {
            "name": "rate-limit",
            "priority": 0,
            "action": {"block": {}},
            "statement": {
                "rate_based_statement": {
                    "limit": firewall.limit(access),
                    "aggregate_key_type": "IP",
                    "evaluation_window_sec": RATE_WINDOW_SECONDS,
                }
            },
            "visibility_config": visibility(rate_limit_metric(name)),
        }
    ]
    for priority, group in enumerate(GROUPS, 1):
        counted = {*group.counted, *(group.body_rules if firewall.body_rules == "count" else ())}
        statement: dict[str, Any] = {"vendor_name": "AWS", "name": group.name}
        if counted:
            statement["rule_action_overrides"] = [
                {"name": rule, "action_to_use": {"count": {}}} for rule in sorted(counted)
            ]
        rules.append(
            {
                "name": group.metric,
                "priority": priority,
                "override_action": {"none": {}},
                "statement": {"managed_rule_group_statement": statement},
                "visibility_config": visibility(f"{name}-{group.metric}"),
            }
        )
    return rules


def rate_limit_metric(name: str) -> str:
    """What CloudWatch calls the rate limit of the web ACL `name`."""
    return f"{name}-rate-limit"


def visibility(metric: str) -> dict[str, Any]:
    """Count what a rule does; sampled requests would hold headers, so none are kept."""
    return {
        "cloudwatch_metrics_enabled": True,
        "metric_name": metric,
        "sampled_requests_enabled": False,
    }
