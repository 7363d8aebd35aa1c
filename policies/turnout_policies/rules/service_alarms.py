"""Every service of a stack has the alarms that its tier can measure."""

from __future__ import annotations

from turnout_policies.facts import alarms
from turnout_policies.facts.alarms import Signal
from turnout_policies.facts.services import (
    SERVICE_TYPES,
    Service,
    measures,
    service_of,
    speaks_http,
    tells,
)
from turnout_policies.properties import Properties
from turnout_policies.rule import (
    Check,
    Context,
    Finding,
    Level,
    Outcomes,
    Rule,
    Severity,
    any_holds,
)

# How each tier measures a signal, for the message.
_METRIC: dict[tuple[str, Signal], str] = {
    ("ecs", "cpu"): "AWS/ECS CPUUtilization",
    ("ecs", "memory"): "AWS/ECS MemoryUtilization",
    ("ec2", "cpu"): "AWS/EC2 CPUUtilization",
    ("ec2", "memory"): "CWAgent mem_used_percent (needs the CloudWatch agent)",
    ("eks", "cpu"): "ContainerInsights pod_cpu_utilization",
    ("eks", "memory"): "ContainerInsights pod_memory_utilization",
    ("lambda", "cpu"): "AWS/Lambda Throttles or Duration (Lambda has no CPU metric)",
    ("lambda", "memory"): "LambdaInsights memory_utilization",
    ("lambda", "response time"): "AWS/Lambda Duration or AWS/ApplicationELB TargetResponseTime",
    ("lambda", "errors"): "AWS/Lambda Errors",
}
_CLASSIC_METRIC: dict[Signal, str] = {
    "healthy hosts": "AWS/ELB UnHealthyHostCount",
    "response time": "AWS/ELB Latency",
    "errors": "AWS/ELB HTTPCode_Backend_5XX",
}
# A network load balancer passes on what it does not read: it knows no answers, only hosts.
_NETWORK_METRIC: dict[Signal, str] = {"healthy hosts": "AWS/NetworkELB HealthyHostCount"}
_BALANCER_METRIC: dict[Signal, str] = {
    "healthy hosts": "AWS/ApplicationELB HealthyHostCount",
    "response time": "AWS/ApplicationELB TargetResponseTime",
    "errors": "AWS/ApplicationELB HTTPCode_Target_5XX_Count",
}


def _has_alarm(signal: Signal) -> Check:
    def check(subject: Properties, context: Context) -> Outcomes:
        service = service_of(subject, context.stack)
        if service is None or not measures(service, signal, context.stack):
            return
        if not _is_told(service, signal, context):
            yield Finding(f"no alarm tells people of its {signal}: {_metric(service, signal)}")

    return check


def _metric(service: Service, signal: Signal) -> str:
    return _METRIC.get((service.tier, signal)) or _balancer_metrics(service)[signal]


def _balancer_metrics(service: Service) -> dict[Signal, str]:
    if not service.target_groups:
        return _CLASSIC_METRIC
    if any_holds(service.target_groups, speaks_http):
        return _BALANCER_METRIC
    return _NETWORK_METRIC


def _is_told(service: Service, signal: Signal, context: Context) -> bool:
    stack = context.stack
    return any_holds(
        alarms.alarms(stack),
        lambda alarm: tells(alarm, signal, service, stack) and not alarms.only_scales(alarm, stack),
    )


def _rule(
    name: str, signal: Signal, why: str, remediation: str, severity: Severity = Severity.HIGH
) -> Rule:
    return Rule(
        id=f"service-has-{name}-alarm",
        title=f"A service has an alarm for its {signal}",
        why=why,
        concern="reliability",
        severity=severity,
        scope="stack",
        types=SERVICE_TYPES,
        check=_has_alarm(signal),
        remediation=remediation,
        level=Level.MANDATORY,
    )


RULES = (
    _rule(
        "cpu",
        "cpu",
        "A service at its limit slows down for everybody before it fails for anybody.",
        'aws.cloudwatch.MetricAlarm("cpu", namespace="AWS/ECS", metric_name="CPUUtilization", '
        'dimensions={"ClusterName": cluster.name, "ServiceName": service.name}, '
        'comparison_operator="GreaterThanThreshold", threshold=80, period=300, '
        'evaluation_periods=2, statistic="Average", treat_missing_data="breaching", '
        "alarm_actions=[topic.arn])",
    ),
    _rule(
        "memory",
        "memory",
        "Memory runs out at once: the process is killed, and its requests with it.",
        'aws.cloudwatch.MetricAlarm("memory", namespace="AWS/ECS", '
        'metric_name="MemoryUtilization", threshold=80, ...)',
    ),
    _rule(
        "healthy-hosts",
        "healthy hosts",
        "When half of the hosts are gone the rest may still answer, for a while.",
        'aws.cloudwatch.MetricAlarm("healthy-hosts", namespace="AWS/ApplicationELB", '
        'metric_name="HealthyHostCount", comparison_operator="LessThanThreshold", threshold=2, '
        'dimensions={"LoadBalancer": alb.arn_suffix, "TargetGroup": group.arn_suffix}, ...)',
    ),
    _rule(
        "response-time",
        "response time",
        "Slow is what users call down.",
        'aws.cloudwatch.MetricAlarm("response-time", namespace="AWS/ApplicationELB", '
        'metric_name="TargetResponseTime", threshold=5, ...)',
    ),
    _rule(
        "errors",
        "errors",
        "Errors that nobody is told of are found by users.",
        'aws.cloudwatch.MetricAlarm("errors", namespace="AWS/ApplicationELB", '
        'metric_name="HTTPCode_Target_5XX_Count", threshold=5, statistic="Sum", ...)',
        Severity.MEDIUM,
    ),
)
