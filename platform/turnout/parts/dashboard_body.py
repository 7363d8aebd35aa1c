"""What a service's dashboard shows, as CloudWatch's own JSON. Pure: values may be outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from turnout import contract
from turnout.config.target import Kind
from turnout.parts.alarms import present_signals
from turnout.parts.door_signals import NAMESPACE

_COLUMNS: Final = 24
_HEIGHT: Final = 6
_PERIOD_SECONDS: Final = 60
# The server's lines are JSON; inside Container Insights' own JSON their quotes are escaped.
_TROUBLE: Final = r"@message like /level\W+(warning|error|critical)/"
_LINES: Final = 50


@dataclass(frozen=True, kw_only=True)
class TierView:
    """What the dashboard knows of a tier."""

    kind: Kind
    signals: contract.Signals
    target_group: contract.TargetGroup | None
    log_group: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class DashboardView:
    """A service: its tiers, its load balancer where it has one, its alarms."""

    service: str
    region: pulumi.Input[str]
    balancer_arn_suffix: pulumi.Input[str] | None
    tiers: Sequence[TierView]
    alarm_arns: Sequence[pulumi.Input[str]]


def dashboard_body(view: DashboardView) -> dict[str, Any]:
    """The dashboard: alarms, traffic, latency, errors, saturation and copies, logs last."""
    widgets = [
        {
            "type": "alarm",
            "width": _COLUMNS,
            "height": 3,
            "properties": {"title": f"{view.service}: alarms", "alarms": list(view.alarm_arns)},
        },
        *(_door(view) if view.balancer_arn_suffix is not None else ()),
        *(widget for tier in view.tiers for widget in _tier(view, tier)),
        *(_log(view, tier) for tier in view.tiers),
    ]
    return {"widgets": _placed(widgets)}


def _door(view: DashboardView) -> list[dict[str, Any]]:
    tiers = [tier for tier in view.tiers if tier.target_group is not None]

    def of_tier(name: str, tier: TierView, statistic: str, label: str) -> list[Any]:
        assert tier.target_group is not None  # noqa: S101 - chosen above
        return [
            NAMESPACE,
            name,
            "LoadBalancer",
            view.balancer_arn_suffix,
            "TargetGroup",
            tier.target_group.arn_suffix,
            {"stat": statistic, "label": f"{tier.kind} {label}"},
        ]

    def of_door(name: str, label: str) -> list[Any]:
        dimension = ["LoadBalancer", view.balancer_arn_suffix]
        return [NAMESPACE, name, *dimension, {"stat": "Sum", "label": label}]

    latency = [
        of_tier("TargetResponseTime", tier, statistic, statistic)
        for tier in tiers
        for statistic in ("p50", "p90", "p99")
    ]
    errors = [
        of_tier(f"HTTPCode_Target_{code}_Count", tier, "Sum", code)
        for tier in tiers
        for code in ("4XX", "5XX")
    ]
    hosts = [
        of_tier(name, tier, "Average", label)
        for tier in tiers
        if tier.kind != "lambda"
        for name, label in (("HealthyHostCount", "healthy"), ("UnHealthyHostCount", "unhealthy"))
    ]
    charts = [
        _chart(
            view,
            "Traffic: requests a minute",
            [of_tier("RequestCount", tier, "Sum", "requests") for tier in tiers],
        ),
        _chart(view, "Latency: seconds", latency),
        _chart(
            view,
            "Errors: answers a minute",
            [*errors, of_door("HTTPCode_ELB_5XX_Count", "load balancer 5XX")],
        ),
    ]
    return [*charts, *([_chart(view, "Scaling: copies", hosts)] if hosts else [])]


def _tier(view: DashboardView, tier: TierView) -> list[dict[str, Any]]:
    door = {"healthy-hosts", "response-time", "errors"} if tier.target_group is not None else set()
    return [
        _chart(
            view,
            f"{tier.kind}: {name.replace('-', ' ')}",
            [_line(signal.metric, tier.kind)],
            # CloudWatch draws what it stores: the threshold in the metric's own unit.
            threshold=None if signal.share_of is not None else signal.threshold / signal.scale,
        )
        for name, signal in present_signals(tier.signals).items()
        if name not in door or signal.metric.namespace != NAMESPACE
    ]


def _log(view: DashboardView, tier: TierView) -> dict[str, Any]:
    """The newest lines that tell of trouble. CloudWatch reads the log only when somebody looks."""
    asked = f"fields @timestamp, @message | filter {_TROUBLE} | sort @timestamp desc"
    return {
        "type": "log",
        "width": _COLUMNS,
        "height": _HEIGHT,
        "properties": {
            "title": f"{tier.kind}: warnings and errors in the log",
            "view": "table",
            "region": view.region,
            "query": pulumi.Output.concat(
                "SOURCE '", tier.log_group, f"' | {asked} | limit {_LINES}"
            ),
        },
    }


def _line(metric: contract.Metric, label: str) -> list[Any]:
    dimensions = [part for pair in metric.dimensions.items() for part in pair]
    return [
        metric.namespace,
        metric.name,
        *dimensions,
        {"stat": metric.statistic, "label": f"{label} {metric.name}"},
    ]


def _chart(
    view: DashboardView, title: str, metrics: Sequence[Any], threshold: float | None = None
) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "title": title,
        "view": "timeSeries",
        "region": view.region,
        "period": _PERIOD_SECONDS,
        "metrics": list(metrics),
        "yAxis": {"left": {"min": 0}},
    }
    if threshold is not None:
        annotation: Mapping[str, Any] = {"label": "alarm", "value": threshold}
        properties["annotations"] = {"horizontal": [annotation]}
    return {"type": "metric", "width": _COLUMNS // 2, "height": _HEIGHT, "properties": properties}


def _placed(widgets: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The widgets from left to right, line by line: CloudWatch wants each one's place."""
    placed, x, y, line = [], 0, 0, 0
    for widget in widgets:
        if x + widget["width"] > _COLUMNS:
            x, y = 0, y + line
        line = widget["height"]
        placed.append({**widget, "x": x, "y": y})
        x += widget["width"]
    return placed
