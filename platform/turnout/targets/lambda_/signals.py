"""What can be watched on Lambda, and what cannot."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_aws import cloudwatch

from turnout.config.surroundings import Alarms
from turnout.config.target import Lambda
from turnout.contract import Absent, Metric, Signal, Signals
from turnout.targets.lambda_.runtime import ALIAS, longest_request
from turnout.targets.tier import Door

_NAMESPACE: Final = "AWS/Lambda"
_MEMORY: Final = "MaxMemoryUsed"


@dataclass(frozen=True, kw_only=True)
class MemoryMetric:
    """A metric of our own from the platform's report of each call.

    Lambda itself has none, and Lambda Insights is an extension: an image function takes no layer.
    """

    namespace: str
    size_mb: int


def record_memory(
    name: str,
    log_group_name: pulumi.Input[str],
    metric: MemoryMetric,
    opts: pulumi.ResourceOptions,
) -> None:
    """Take the memory that each call used at most out of the log."""
    cloudwatch.LogMetricFilter(
        f"{name}-memory",
        log_group_name=log_group_name,
        # AWS, "Lambda Telemetry API Event schema reference", platform.report.
        pattern='{ $.type = "platform.report" }',
        metric_transformation={
            "namespace": metric.namespace,
            "name": _MEMORY,
            "value": "$.record.metrics.maxMemoryUsedMB",
            "unit": "Megabytes",
        },
        opts=opts,
    )


def signals(
    function_name: pulumi.Output[str],
    tier: Lambda,
    alarms: Alarms,
    door: Door | None,
    memory: MemoryMetric,
) -> Signals:
    """Lambda's signals: duration, errors, throttles, and memory from the log."""
    # The alias has points of its own; the function's would count calls past the alias as well.
    alias = {
        "FunctionName": function_name,
        "Resource": pulumi.Output.concat(function_name, f":{ALIAS}"),
    }

    def count(name: str, dimensions: Mapping[str, pulumi.Input[str]]) -> Signal:
        return Signal(
            metric=Metric(namespace=_NAMESPACE, name=name, dimensions=dimensions, statistic="Sum"),
            unit="count",
            bad_when="above",
            threshold=0,
            missing="notBreaching",
        )

    return Signals(
        cpu=Absent(
            reason="Lambda has no CPU metric; memory sets the CPU, and duration shows its lack"
        ),
        memory=Signal(
            metric=Metric(
                namespace=memory.namespace, name=_MEMORY, dimensions={}, statistic="Maximum"
            ),
            unit="percent",
            bad_when="above",
            threshold=alarms.memory,
            missing="notBreaching",
            scale=100 / memory.size_mb,
        ),
        healthy_hosts=Absent(
            reason="Lambda starts a copy for each request; a health check would keep it awake"
        ),
        response_time=door.signals["response_time"]
        if door is not None
        else Signal(
            metric=Metric(
                namespace=_NAMESPACE, name="Duration", dimensions=alias, statistic="Average"
            ),
            unit="seconds",
            bad_when="above",
            threshold=alarms.response_time,
            missing="notBreaching",
            scale=0.001,
        ),
        errors=door.signals["errors"] if door is not None else count("Errors", alias),
        extra={
            "throttles": count("Throttles", alias),
            "failures": count("Errors", alias),
            "longest-call": Signal(
                metric=Metric(
                    namespace=_NAMESPACE, name="Duration", dimensions=alias, statistic="Maximum"
                ),
                unit="seconds",
                bad_when="above",
                threshold=longest_request(tier),
                missing="notBreaching",
                scale=0.001,
            ),
        }
        | (
            {
                "cold-starts-despite-warm-copies": count(
                    "ProvisionedConcurrencySpilloverInvocations", alias
                )
            }
            if tier.provisioned_concurrency
            else {}
        ),
    )
