"""CloudWatch alarms: that they can go off, and that somebody hears it."""

from __future__ import annotations

from collections.abc import Mapping

from turnout_policies.facts import alarms, topics
from turnout_policies.facts.alarms import Metric, Signal
from turnout_policies.facts.tokens import ALARM, COMPOSITE_ALARM, TOPIC
from turnout_policies.properties import Properties
from turnout_policies.resources import canonical_type
from turnout_policies.rule import (
    Context,
    Finding,
    Level,
    NotKnown,
    Outcomes,
    Rule,
    Setting,
    Severity,
    any_holds,
)

_BOUND = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"min": {"type": "number"}, "max": {"type": "number"}},
}
# Bounds outside of which an alarm is noise or silence. Percent for CPU and memory, seconds for
# the response time (milliseconds are turned into seconds), hosts for healthy hosts.
_BOUNDS: dict[str, tuple[Signal, dict[str, float]]] = {
    "cpu": ("cpu", {"min": 20, "max": 95}),
    "memory": ("memory", {"min": 20, "max": 95}),
    "healthyHosts": ("healthy hosts", {"min": 1, "max": 1000}),
    "responseTime": ("response time", {"min": 0.01, "max": 60}),
}
_ACTIONS = ("alarmActions", "okActions", "insufficientDataActions")
_PERCENT = ("CPUUtilization", "MemoryUtilization", "mem_used_percent", "cpu_usage_active")
_PERCENT_ENDINGS = (
    "_utilization",
    "_utilization_over_pod_limit",
    "_utilization_over_container_limit",
)


def _has_action(alarm: Properties, context: Context) -> Outcomes:
    if alarm.has("alarmActions"):
        return
    if canonical_type(alarm.resource.type) == ALARM:
        # An alarm that only feeds a composite one is silent on purpose.
        composites = alarms.composites_over(alarm, context.stack)
        if any_holds(composites, lambda composite: composite.has("alarmActions")):
            return
    yield Finding("nobody is told when it goes off", "alarmActions")


def _actions_enabled(alarm: Properties, _: Context) -> Outcomes:
    # An alarm with no action at all has none to switch off: alarm-has-action speaks of it.
    if alarm.flag("actionsEnabled", default=True):
        return
    if any_holds(_ACTIONS, alarm.has):
        yield Finding("its actions are switched off", "actionsEnabled")


def _topic_is_heard(topic: Properties, context: Context) -> Outcomes:
    stack = context.stack
    users = stack.referrers(topic, "alarmActions", ALARM, COMPOSITE_ALARM)
    if users and not topics.listeners_of(topic, stack):
        names = ", ".join(item.resource.name for item in users)
        yield Finding(f"nobody listens to it, and these notify it: {names}")


def _topic_takes_alarms(topic: Properties, context: Context) -> Outcomes:
    stack = context.stack
    users = stack.referrers(topic, "alarmActions", ALARM, COMPOSITE_ALARM)
    if not users or not topic.has("kmsMasterKeyId"):
        return
    key = topic.at("kmsMasterKeyId")
    if key.known and key.text().endswith("alias/aws/sns"):
        yield Finding(
            "it is encrypted with alias/aws/sns, which CloudWatch may not use: alarms are lost",
            "kmsMasterKeyId",
        )
        return
    keys = topics.keys_of(topic, stack)
    if not keys:
        # The key is another stack's: its policy cannot be read here.
        yield NotKnown("kmsMasterKeyId")
    for item in keys:
        if not topics.key_admits_cloudwatch(item, stack):
            yield Finding(
                f"the policy of its key {item.resource.name} does not let "
                "cloudwatch.amazonaws.com use it: alarms are lost",
                "kmsMasterKeyId",
            )


def _missing_data_decided(alarm: Properties, _: Context) -> Outcomes:
    treatment = alarm.text("treatMissingData")
    if not treatment:
        yield Finding("what no data means is left to the default (missing)", "treatMissingData")
    elif (
        treatment in ("notBreaching", "ignore")
        and alarms.watches(alarm, "healthy hosts")
        # Where a schedule stops every copy, there is nobody who could be unhealthy.
        and any(metric.name != "UnHealthyHostCount" for metric in alarms.metrics(alarm))
    ):
        yield Finding(
            f"no report of hosts at all is taken for good news ({treatment})", "treatMissingData"
        )


def _threshold_in_bounds(alarm: Properties, context: Context) -> Outcomes:
    if alarms.uses_math(alarm) or alarm.has("thresholdMetricId"):
        return
    for metric in alarms.metrics(alarm):
        for name, (signal, _) in _BOUNDS.items():
            if not metric.tells(signal) or not alarms.watches(alarm, signal):
                continue
            value = _comparable(metric, signal, alarm)
            if value is not None:
                yield from _outside(value, signal, context.settings[name])


def _comparable(metric: Metric, signal: Signal, alarm: Properties) -> float | None:
    """The threshold in the signal's unit; None where the metric is measured in another."""
    threshold = alarm.number("threshold")
    if threshold is None:
        return None
    if signal in ("cpu", "memory"):
        name = metric.name
        return threshold if name in _PERCENT or name.endswith(_PERCENT_ENDINGS) else None
    if metric.namespace == "AWS/Lambda":
        return threshold / 1000
    if metric.name == "UnHealthyHostCount":
        return None
    if signal == "healthy hosts" and alarm.text("comparisonOperator") == (
        "LessThanOrEqualToThreshold"
    ):
        return threshold + 1
    return threshold


def _outside(value: float, signal: Signal, bounds: Mapping[str, float]) -> Outcomes:
    low, high = bounds.get("min"), bounds.get("max")
    if low is not None and value < low:
        yield Finding(f"its threshold for {signal}, {value:g}, is below {low:g}", "threshold")
    if high is not None and value > high:
        yield Finding(f"its threshold for {signal}, {value:g}, is above {high:g}", "threshold")


def _speaks_in_time(alarm: Properties, context: Context) -> Outcomes:
    limit = context.settings["maxSeconds"]
    period, count = alarm.number("period"), alarm.number("evaluationPeriods")
    if period is None:
        periods = [query.number("metric", "period") for query in alarm.each("metricQueries")]
        period = max((item for item in periods if item is not None), default=None)
    if period is None or count is None or period * count <= limit:
        return
    if not any_holds(alarms.metrics(alarm), lambda metric: metric.comes_daily):
        yield Finding(
            f"it speaks {period * count:g} s after the trouble begins ({count:g} periods of "
            f"{period:g} s)",
            "evaluationPeriods",
        )


def _can_reach_datapoints(alarm: Properties, _: Context) -> Outcomes:
    wanted, count = alarm.number("datapointsToAlarm"), alarm.number("evaluationPeriods")
    if wanted is not None and count is not None and wanted > count:
        yield Finding(f"it needs {wanted:g} bad data points of {count:g}", "datapointsToAlarm")


RULES = (
    Rule(
        id="alarm-has-action",
        title="An alarm has an action",
        why="An alarm without one turns red where nobody looks.",
        concern="reliability",
        severity=Severity.HIGH,
        scope="stack",
        types=(ALARM, COMPOSITE_ALARM),
        check=_has_action,
        elsewhere=("FSBP CloudWatch.15", "cdk-nag CloudWatchAlarmAction", "CT.CLOUDWATCH.PR.1"),
        remediation="alarm_actions=[topic.arn]",
    ),
    Rule(
        id="alarm-actions-enabled",
        title="An alarm's actions are enabled",
        why="Actions that were switched off for a night are found off a year later.",
        concern="reliability",
        severity=Severity.HIGH,
        types=(ALARM, COMPOSITE_ALARM),
        check=_actions_enabled,
        elsewhere=("FSBP CloudWatch.17", "CT.CLOUDWATCH.PR.4"),
        remediation="actions_enabled=True",
    ),
    Rule(
        id="alarm-topic-is-heard",
        title="The topic that an alarm notifies has a subscriber",
        why="A topic without subscribers swallows every alarm.",
        concern="reliability",
        severity=Severity.HIGH,
        scope="stack",
        types=(TOPIC,),
        check=_topic_is_heard,
        remediation='aws.sns.TopicSubscription("mail", topic=topic.arn, protocol="email", '
        'endpoint="team@example.com")',
    ),
    Rule(
        id="alarm-topic-key-admits-cloudwatch",
        title="CloudWatch may use the key of the topic that it notifies",
        why="Alarms to a topic whose key CloudWatch may not use are dropped without a word.",
        concern="reliability",
        severity=Severity.HIGH,
        scope="stack",
        types=(TOPIC,),
        check=_topic_takes_alarms,
        remediation='{"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, '
        '"Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*"}  # in the key policy',
    ),
    Rule(
        id="alarm-missing-data-decided",
        title="An alarm says what no data means",
        why="A dead service often sends no data at all, and no data is not good news.",
        concern="reliability",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        types=(ALARM,),
        check=_missing_data_decided,
        remediation='treat_missing_data="breaching"',
    ),
    Rule(
        id="alarm-threshold-in-bounds",
        title="An alarm's threshold is within the bounds",
        why="Too low a threshold teaches people to ignore it; too high a one never speaks.",
        concern="reliability",
        severity=Severity.MEDIUM,
        types=(ALARM,),
        check=_threshold_in_bounds,
        settings={
            name: Setting({**_BOUND, "description": f"Bounds for {signal}."}, bounds)
            for name, (signal, bounds) in _BOUNDS.items()
        },
        remediation="threshold=80",
    ),
    Rule(
        id="alarm-speaks-in-time",
        title="An alarm speaks within the bound",
        why="An alarm that waits for an hour of trouble reports what customers already did.",
        concern="reliability",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        types=(ALARM,),
        check=_speaks_in_time,
        settings={"maxSeconds": Setting({"type": "integer", "minimum": 10}, 1800)},
        remediation="period=300, evaluation_periods=2",
    ),
    Rule(
        id="alarm-datapoints-reachable",
        title="An alarm can get the data points that it needs",
        why="CloudWatch refuses three bad points out of two.",
        concern="reliability",
        severity=Severity.MEDIUM,
        types=(ALARM,),
        check=_can_reach_datapoints,
        remediation="datapoints_to_alarm=2, evaluation_periods=3",
    ),
)
