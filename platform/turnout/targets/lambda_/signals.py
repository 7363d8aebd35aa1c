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
# AWS, "Log and monitor ... Lambda functions": the line that ends each call, word by word.
# REPORT RequestId: … Duration: 1.2 ms Billed Duration: 2 ms Memory Size: 2048 MB
# Max Memory Used: 512 MB …
_REPORT: Final = (
    '[report="REPORT", id_is="RequestId:", id, took_is="Duration:", took, took_unit, '
    'billed_is, billed_too="Duration:", billed, billed_unit, '
    'size_is="Memory", size_too="Size:", size, size_unit, '
    'used_is="Max", used_of="Memory", used_too="Used:", used, used_unit="MB", ...]'
)


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
        pattern=_REPORT,
        metric_transformation={
            "namespace": metric.namespace,
            "name": _MEMORY,
            "value": "$used",
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
    spilled = "ProvisionedConcurrencySpilloverInvocations"
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
        else _milliseconds("UrlRequestLatency", "Average", alias, alarms.response_time),
        errors=door.signals["errors"]
        if door is not None
        else Signal(
            metric=_metric("Url5xxCount", "Sum", alias),
            share_of=_metric("UrlRequestCount", "Sum", alias),
            unit="percent",
            bad_when="above",
            threshold=alarms.errors,
            missing="notBreaching",
        ),
        extra={
            "throttles": _none_of("Throttles", alias),
            # A call that ended without an answer: a crash, a timeout, out of memory.
            "failures": _none_of("Errors", alias),
            "longest-call": _milliseconds("Duration", "Maximum", alias, longest_request(tier)),
            **(
                {"calls-past-warm-copies": _none_of(spilled, alias)}
                if tier.provisioned_concurrency
                else {}
            ),
        },
    )


def _metric(name: str, statistic: str, dimensions: Mapping[str, pulumi.Input[str]]) -> Metric:
    return Metric(namespace=_NAMESPACE, name=name, dimensions=dimensions, statistic=statistic)


def _none_of(name: str, dimensions: Mapping[str, pulumi.Input[str]]) -> Signal:
    """One is too many; no figure means no calls."""
    return Signal(
        metric=_metric(name, "Sum", dimensions),
        unit="count",
        bad_when="above",
        threshold=0,
        missing="notBreaching",
    )


def _milliseconds(
    name: str, statistic: str, dimensions: Mapping[str, pulumi.Input[str]], seconds: float
) -> Signal:
    """A metric in milliseconds, bad above `seconds`; no figure means no calls."""
    return Signal(
        metric=_metric(name, statistic, dimensions),
        unit="seconds",
        bad_when="above",
        threshold=seconds,
        missing="notBreaching",
        scale=0.001,
    )
