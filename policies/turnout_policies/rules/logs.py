"""CloudWatch log groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turnout_policies.facts.tokens import LOG_GROUP
from turnout_policies.properties import Properties
from turnout_policies.rule import Context, Finding, Level, Outcomes, Rule, Setting, Severity

_REMEDIED_DAYS = 30


def _keeps_for_a_time(group: Properties, context: Context) -> Outcomes:
    if group.text("logGroupClass") == "DELIVERY":
        return  # AWS fixes the retention of this class
    least, days = context.settings["minDays"], group.number("retentionInDays")
    if not days:
        yield Finding("its logs are kept, and paid for, for ever", "retentionInDays")
    elif days < least:
        yield Finding(f"its logs are kept {days:g} days, less than {least:g}", "retentionInDays")


def _keep_for_a_month(properties: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if properties.get("retentionInDays") or properties.get("logGroupClass") == "DELIVERY":
        return None
    return {"retentionInDays": _REMEDIED_DAYS}


def _own_key(group: Properties, _: Context) -> Outcomes:
    if not group.has("kmsKeyId"):
        yield Finding("its logs are encrypted with AWS's key, not with yours", "kmsKeyId")


RULES = (
    Rule(
        id="log-group-retention",
        title="Log groups keep their logs for a time that was chosen",
        why="Logs without an end cost more every month and keep what the law wants deleted.",
        concern="reliability",
        severity=Severity.MEDIUM,
        types=(LOG_GROUP,),
        check=_keeps_for_a_time,
        elsewhere=(
            "FSBP CloudWatch.16",
            "cdk-nag CloudWatchLogGroupRetentionPeriod",
            "CT.CLOUDWATCH.PR.2",
        ),
        settings={"minDays": Setting({"type": "integer", "minimum": 1}, 1)},
        remedy=_keep_for_a_month,
        remediation="retention_in_days=30",
    ),
    Rule(
        id="log-group-own-key",
        title="Log groups are encrypted with a key of yours",
        why="A key of yours can be taken away from whoever should no longer read.",
        concern="security",
        severity=Severity.LOW,
        level=Level.DISABLED,
        scope="stack",
        types=(LOG_GROUP,),
        check=_own_key,
        elsewhere=("cdk-nag CloudWatchLogGroupEncrypted", "CT.CLOUDWATCH.PR.3"),
        remediation="kms_key_id=key.arn",
    ),
)
