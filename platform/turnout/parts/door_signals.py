"""What the load balancer sees of a tier: the signals that every tier behind it shares."""

from collections.abc import Mapping
from typing import Final

import pulumi

from turnout import contract
from turnout.config.surroundings import Access, Alarms, Scaling
from turnout.parts.firewall_rules import rate_limit_metric

NAMESPACE: Final = "AWS/ApplicationELB"
# ACM, "Managed certificate renewal": it starts 60 days before; half of that gone, it has failed.
_EXPIRY_DAYS: Final = 30
_DAY_SECONDS: Final = 86_400


def door_dimensions(
    balancer_arn_suffix: pulumi.Input[str], target_group: contract.TargetGroup
) -> dict[str, pulumi.Input[str]]:
    """The dimensions of a metric about one target group behind the load balancer."""
    return {"LoadBalancer": balancer_arn_suffix, "TargetGroup": target_group.arn_suffix}


def healthy_hosts(dimensions: Mapping[str, pulumi.Input[str]], scaling: Scaling) -> contract.Signal:
    """Fewer healthy copies than two, or than the fewest that may run.

    Where a schedule goes down to none, no copies is as it should be; then the sign is a copy that
    fails its checks.
    """
    fewest = scaling.fewest
    if fewest == 0:
        return contract.Signal(
            metric=contract.Metric(
                namespace=NAMESPACE,
                name="UnHealthyHostCount",
                dimensions=dimensions,
                statistic="Average",
            ),
            unit="count",
            bad_when="above",
            threshold=0,
            missing="notBreaching",
        )
    return contract.Signal(
        metric=contract.Metric(
            namespace=NAMESPACE,
            name="HealthyHostCount",
            dimensions=dimensions,
            statistic="Average",
        ),
        unit="count",
        bad_when="below",
        threshold=min(fewest, 2),
        # No figure means that the load balancer has nobody to ask.
        missing="breaching",
    )


def response_time(dimensions: Mapping[str, pulumi.Input[str]], alarms: Alarms) -> contract.Signal:
    """Seconds from the load balancer's request to the answer's first byte."""
    return contract.Signal(
        metric=contract.Metric(
            namespace=NAMESPACE,
            name="TargetResponseTime",
            dimensions=dimensions,
            statistic="Average",
        ),
        unit="seconds",
        bad_when="above",
        threshold=alarms.response_time,
        # No figure means no requests.
        missing="notBreaching",
    )


def errors(dimensions: Mapping[str, pulumi.Input[str]], alarms: Alarms) -> contract.Signal:
    """Share of the requests that the tier answered with a 5xx."""

    def count(name: str) -> contract.Metric:
        return contract.Metric(
            namespace=NAMESPACE, name=name, dimensions=dimensions, statistic="Sum"
        )

    return contract.Signal(
        metric=count("HTTPCode_Target_5XX_Count"),
        share_of=count("RequestCount"),
        unit="percent",
        bad_when="above",
        threshold=alarms.errors,
        # No figure means no requests.
        missing="notBreaching",
    )


def blocked(firewall: str, region: pulumi.Input[str], access: Access) -> contract.Signal:
    """Requests that the firewall, a web ACL of this metric's name, turned away.

    Inside a network each of them is likely a caller's own; from the internet only the rate limit
    can be: what the other rules block there is the day's noise.
    """
    rule = "ALL" if access == "internal" else rate_limit_metric(firewall)
    return contract.Signal(
        metric=contract.Metric(
            namespace="AWS/WAFV2",
            name="BlockedRequests",
            dimensions={"WebACL": firewall, "Region": region, "Rule": rule},
            statistic="Sum",
        ),
        unit="count",
        bad_when="above",
        threshold=0,
        # No figure means that nothing was blocked.
        missing="notBreaching",
    )


def expiry(certificate_arn: pulumi.Input[str]) -> contract.Signal:
    """Days until the certificate ends: ACM renews its own well before, an imported one never."""
    return contract.Signal(
        metric=contract.Metric(
            namespace="AWS/CertificateManager",
            name="DaysToExpiry",
            dimensions={"CertificateArn": certificate_arn},
            statistic="Minimum",
        ),
        unit="days",
        bad_when="below",
        threshold=_EXPIRY_DAYS,
        every=_DAY_SECONDS,
        # A new certificate has no figure yet, and an expired one none any more: neither is news.
        missing="ignore",
    )


def unanswered(balancer_arn_suffix: pulumi.Input[str]) -> contract.Signal:
    """Requests that the load balancer had to answer itself with a 5xx."""
    return contract.Signal(
        metric=contract.Metric(
            namespace=NAMESPACE,
            name="HTTPCode_ELB_5XX_Count",
            dimensions={"LoadBalancer": balancer_arn_suffix},
            statistic="Sum",
        ),
        unit="count",
        bad_when="above",
        threshold=0,
        # No figure means that every request found a copy.
        missing="notBreaching",
    )
