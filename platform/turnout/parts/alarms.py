"""Alarms made from signals: one for each, with an action."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_aws import cloudwatch

from turnout import contract, naming
from turnout.config.surroundings import Alarms as AlarmsConfig

_COMPARISON: Final = {"above": "GreaterThanThreshold", "below": "LessThanThreshold"}


def present_signals(signals: contract.Signals) -> dict[str, contract.Signal]:
    """The signals that a tier has, by name in kebab case."""
    every: dict[str, contract.Signal | contract.Absent] = {
        "cpu": signals.cpu,
        "memory": signals.memory,
        "healthy-hosts": signals.healthy_hosts,
        "response-time": signals.response_time,
        "errors": signals.errors,
        **signals.extra,
    }
    return {name: s for name, s in every.items() if isinstance(s, contract.Signal)}


def absent_signals(signals: contract.Signals) -> dict[str, str]:
    """The reasons of the signals that a tier does not have, by name in kebab case."""
    every = {
        "cpu": signals.cpu,
        "memory": signals.memory,
        "healthy-hosts": signals.healthy_hosts,
        "response-time": signals.response_time,
        "errors": signals.errors,
    }
    return {name: s.reason for name, s in every.items() if isinstance(s, contract.Absent)}


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    """`what` is said in each alarm's description: the service and its tier."""

    prefix: str
    what: str
    signals: Mapping[str, contract.Signal]
    config: AlarmsConfig
    topic_arn: pulumi.Input[str]
    tags: Mapping[str, str]


class Alarms(pulumi.ComponentResource):
    """One CloudWatch alarm for each signal, named `<prefix>-<signal>`."""

    names: Mapping[str, pulumi.Output[str]]
    """The alarms' names, by signal."""
    arns: Mapping[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:parts:Alarms", name, None, opts)
        alarms = {
            signal_name: self._alarm(f"{args.prefix}-{signal_name}", signal_name, signal, args)
            for signal_name, signal in args.signals.items()
        }
        self.names = {signal: alarm.name for signal, alarm in alarms.items()}
        self.arns = {signal: alarm.arn for signal, alarm in alarms.items()}
        self.register_outputs({"names": self.names})

    def _alarm(
        self, name: str, signal_name: str, signal: contract.Signal, args: AlarmsArgs
    ) -> cloudwatch.MetricAlarm:
        config = args.config
        periods = config.evaluation_periods if signal.every is None else 1
        return cloudwatch.MetricAlarm(
            name,
            name=naming.fit(name, naming.ALARM),
            alarm_description=describe(args.what, signal_name, signal),
            comparison_operator=_COMPARISON[signal.bad_when],
            threshold=signal.threshold / signal.scale,
            evaluation_periods=periods,
            datapoints_to_alarm=periods,
            treat_missing_data=signal.missing,
            actions_enabled=True,
            alarm_actions=[args.topic_arn],
            ok_actions=[args.topic_arn],
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
            **_measured(signal, signal.every or config.period),
        )


def describe(what: str, signal_name: str, signal: contract.Signal) -> str:
    """One sentence that tells whoever is woken what is wrong."""
    unit = {"percent": " %", "seconds": " s", "days": " days", "count": ""}[signal.unit]
    return f"{what}: {signal_name.replace('-', ' ')} {signal.bad_when} {signal.threshold:g}{unit}"


def _measured(signal: contract.Signal, period: int) -> dict[str, Any]:
    """What the alarm looks at: a metric, or where it is a share, an expression over two."""
    metric = signal.metric
    if signal.share_of is None:
        return {
            "namespace": metric.namespace,
            "metric_name": metric.name,
            "dimensions": dict(metric.dimensions),
            "statistic": metric.statistic,
            "period": period,
        }

    def query(id_: str, of: contract.Metric) -> dict[str, Any]:
        return {
            "id": id_,
            "return_data": False,
            "metric": {
                "namespace": of.namespace,
                "metric_name": of.name,
                "dimensions": dict(of.dimensions),
                "stat": of.statistic,
                "period": period,
            },
        }

    return {
        "metric_queries": [
            {
                "id": "share",
                "label": "share, percent",
                # No point of the part is none of it; no point of the whole is no requests.
                "expression": "IF(whole > 0, 100 * FILL(part, 0) / whole, 0)",
                "return_data": True,
            },
            query("part", metric),
            query("whole", signal.share_of),
        ]
    }
