"""What an alarm watches, and what happens when it goes off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from turnout_policies.facts.tokens import (
    ALARM,
    AUTOSCALING_POLICY,
    COMPOSITE_ALARM,
    SCALING_POLICY,
)
from turnout_policies.properties import Properties
from turnout_policies.rule import any_holds
from turnout_policies.stack import Stack

Signal = Literal["cpu", "memory", "healthy hosts", "response time", "errors"]

# Metric names by signal and namespace: the services' own CloudWatch references.
METRICS: dict[Signal, dict[str, frozenset[str]]] = {
    "cpu": {
        "AWS/ECS": frozenset({"CPUUtilization"}),
        "ECS/ContainerInsights": frozenset(
            {"CpuUtilized", "TaskCpuUtilization", "ContainerCpuUtilization"}
        ),
        "AWS/EC2": frozenset({"CPUUtilization"}),
        "CWAgent": frozenset({"cpu_usage_active", "cpu_usage_idle", "cpu_usage_user"}),
        "ContainerInsights": frozenset(
            {
                "pod_cpu_utilization",
                "pod_cpu_utilization_over_pod_limit",
                "container_cpu_utilization",
                "container_cpu_utilization_over_container_limit",
                "node_cpu_utilization",
                "pod_cpu_usage_total",
            }
        ),
        # Lambda has no CPU metric: work that takes too long, or is refused, is the sign.
        "AWS/Lambda": frozenset(
            {
                "Duration",
                "Throttles",
                "ConcurrentExecutions",
                "ProvisionedConcurrencyUtilization",
                "ProvisionedConcurrencySpilloverInvocations",
            }
        ),
        "LambdaInsights": frozenset({"cpu_total_time"}),
    },
    "memory": {
        "AWS/ECS": frozenset({"MemoryUtilization"}),
        "ECS/ContainerInsights": frozenset(
            {"MemoryUtilized", "TaskMemoryUtilization", "ContainerMemoryUtilization"}
        ),
        # EC2 itself measures no memory: the CloudWatch agent does.
        "CWAgent": frozenset({"mem_used_percent", "mem_used", "mem_available_percent"}),
        "ContainerInsights": frozenset(
            {
                "pod_memory_utilization",
                "pod_memory_utilization_over_pod_limit",
                "container_memory_utilization",
                "container_memory_utilization_over_container_limit",
                "node_memory_utilization",
                "pod_memory_working_set",
            }
        ),
        "LambdaInsights": frozenset({"memory_utilization", "used_memory_max"}),
    },
    "healthy hosts": {
        "AWS/ApplicationELB": frozenset(
            {"HealthyHostCount", "UnHealthyHostCount", "HealthyStateRouting"}
        ),
        "AWS/NetworkELB": frozenset({"HealthyHostCount", "UnHealthyHostCount"}),
        "AWS/ELB": frozenset({"HealthyHostCount", "UnHealthyHostCount"}),
        "ECS/ContainerInsights": frozenset({"RunningTaskCount"}),
        "ContainerInsights": frozenset(
            {"service_number_of_running_pods", "replicas_ready", "status_replicas_available"}
        ),
    },
    "response time": {
        "AWS/ApplicationELB": frozenset({"TargetResponseTime"}),
        "AWS/ELB": frozenset({"Latency"}),
        "AWS/Lambda": frozenset({"Duration"}),
    },
    "errors": {
        "AWS/ApplicationELB": frozenset(
            {"HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count", "TargetConnectionErrorCount"}
        ),
        "AWS/ELB": frozenset({"HTTPCode_Backend_5XX", "HTTPCode_ELB_5XX"}),
        "AWS/Lambda": frozenset({"Errors"}),
    },
}
# Metrics of which less is worse.
_LESS_IS_WORSE = frozenset(
    {
        "HealthyHostCount",
        "HealthyStateRouting",
        "RunningTaskCount",
        "cpu_usage_idle",
        "mem_available_percent",
        "service_number_of_running_pods",
        "replicas_ready",
        "status_replicas_available",
    }
)


# Metrics that come a few times a day at most, by the services' own references: no alarm on them
# can be quick, and none needs to be.
_DAILY: dict[str, frozenset[str]] = {
    "AWS/CertificateManager": frozenset({"DaysToExpiry"}),
    "AWS/S3": frozenset({"BucketSizeBytes", "NumberOfObjects"}),
    "AWS/Billing": frozenset({"EstimatedCharges"}),
}
# A composite alarm names others bare, quoted or by ARN: `ALARM(name)`.
_IN_RULE = r"""\(\s*["']?(?:arn:[^"')]*:alarm:)?{name}["']?\s*\)"""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric that an alarm reads. `block` holds its name, namespace and dimensions."""

    block: Properties

    @property
    def namespace(self) -> str:
        return self.block.text("namespace")

    @property
    def name(self) -> str:
        return self.block.text("metricName") or self.block.text("name")

    def tells(self, signal: Signal) -> bool:
        return self.name in METRICS[signal].get(self.namespace, frozenset())

    @property
    def less_is_worse(self) -> bool:
        return self.name in _LESS_IS_WORSE

    @property
    def comes_daily(self) -> bool:
        return self.name in _DAILY.get(self.namespace, frozenset())

    @property
    def dimensions(self) -> Properties:
        return self.block.at("dimensions")


def metrics(alarm: Properties) -> list[Metric]:
    """All metrics of an alarm: its own, or those that its metric math is made of."""
    queries = alarm.each("metricQueries")
    if not queries:
        return [Metric(alarm)]
    found = []
    for query in queries:
        metric = query.at("metric")
        if not metric.known or metric.value is not None:
            found.append(Metric(metric))
    return found


def uses_math(alarm: Properties) -> bool:
    return any_holds(alarm.each("metricQueries"), lambda query: query.has("expression"))


def direction(alarm: Properties) -> Literal["above", "below", "either"]:
    """On which side of its threshold an alarm goes off."""
    operator = alarm.text("comparisonOperator")
    if operator.startswith("Greater"):
        return "above"
    if operator.startswith("LessThan") and "Or" not in operator.replace("OrEqualTo", ""):
        return "below"
    return "either"


def watches(alarm: Properties, signal: Signal) -> bool:
    """Whether an alarm goes off when this signal turns bad (not when it turns good)."""

    def tells(metric: Metric) -> bool:
        if not metric.tells(signal):
            return False
        side = direction(alarm)
        bad = "below" if metric.less_is_worse else "above"
        # Metric math may turn a metric round (100 - idle): its side cannot be told.
        return side in (bad, "either") or uses_math(alarm)

    return any_holds(metrics(alarm), tells)


def action_targets(alarm: Properties, stack: Stack, *types: str) -> list[Properties]:
    return stack.targets(alarm.at("alarmActions"), *types)


def only_scales(alarm: Properties, stack: Stack) -> bool:
    """Whether an alarm's actions are the autoscaler's alone, so that nobody hears of it."""
    actions = alarm.each("alarmActions")
    scaling = action_targets(alarm, stack, AUTOSCALING_POLICY, SCALING_POLICY)
    return bool(actions) and len(scaling) >= len(actions)


def composites_over(alarm: Properties, stack: Stack) -> list[Properties]:
    """The composite alarms whose expression names this alarm."""
    found = stack.referrers(alarm, "alarmRule", COMPOSITE_ALARM)
    composites = stack.of(COMPOSITE_ALARM)
    name = alarm.at("name")
    if found or not composites or not name.value:
        return found
    named = re.compile(_IN_RULE.format(name=re.escape(name.text())))
    return [composite for composite in composites if named.search(composite.text("alarmRule"))]


def alarms(stack: Stack) -> list[Properties]:
    return stack.of(ALARM)
