"""The seam between what runs and where: `Workload` goes into a tier, `Deployment` comes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi

from turnout.config.target import Kind
from turnout.sizing import Architecture


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """A model that the server fetches at start: `uri` and the sha256 of its turnout.json."""

    uri: str
    sha256: str
    kms_key: str | None = None
    """ARN of the key of the account's own that encrypts it, if one does."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What every tier runs: one container, told by docs/container.md."""

    name: str
    image: pulumi.Input[str]
    """By digest: `<repository>@sha256:…`."""
    repository_arn: pulumi.Input[str] | None
    """The ECR repository that holds the image; None for another registry."""
    model: ModelSource | None
    port: int
    health_path: str
    environment: Mapping[str, pulumi.Input[str]]
    """The server's settings that do not differ between tiers."""
    api_keys_secret: str | None
    """ARN of the Secrets Manager secret that the server reads its API keys from."""
    api_keys_kms_key: str | None
    """ARN of the key of the account's own that encrypts the secret, if one does."""
    deregistration_delay: int
    """Seconds that the load balancer lets a leaving copy finish."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A CloudWatch metric: where it is found, and how its points are put together."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str


@dataclass(frozen=True, kw_only=True)
class Signal:
    """Something that can be watched, and when it is bad.

    `unit` is that of the threshold. `missing` says what no data means (CloudWatch's
    treat_missing_data), chosen for each signal on purpose.
    """

    metric: Metric
    unit: Literal["percent", "seconds", "days", "count"]
    bad_when: Literal["above", "below"]
    threshold: float
    missing: Literal["breaching", "notBreaching", "ignore", "missing"]
    scale: float = 1.0
    """What a point is multiplied with to have `unit`: 0.001 for milliseconds as seconds."""
    share_of: Metric | None = None
    """The whole that `metric` is a part of, where the sign is their ratio in percent."""
    every: int | None = None
    """Seconds between two points where AWS has so few that one is a period, and one is enough."""


@dataclass(frozen=True, kw_only=True)
class Absent:
    """A signal that the tier does not have, and why."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Signals:
    """What alarms and dashboard are built from: every tier says each, or why not."""

    cpu: Signal | Absent
    memory: Signal | Absent
    healthy_hosts: Signal | Absent
    response_time: Signal | Absent
    errors: Signal | Absent
    extra: Mapping[str, Signal]
    """Signals of one tier alone, such as Lambda's throttles, by a name in kebab case."""


@dataclass(frozen=True, kw_only=True)
class TargetGroup:
    """The tier's target group behind the front door."""

    arn: pulumi.Output[str]
    arn_suffix: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What every tier gives back."""

    kind: Kind
    architecture: Architecture | None
    target_group: TargetGroup | None
    """None where there is no load balancer: `local`, a function URL."""
    security_group_id: pulumi.Output[str] | None
    log_group: pulumi.Output[str]
    """CloudWatch log group, or the log file of a local server."""
    url: pulumi.Output[str] | None
    """The tier's own URL, where it has one: `local`, a function URL."""
    signals: Signals | None
    """None for `local`, which nothing watches but its supervisor."""
    ready: tuple[pulumi.Resource, ...] = ()
    """What must be up before the first request is sent to the tier."""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a service tells the stack, with the same names on every tier."""

    url: pulumi.Output[str]
    target_groups: Mapping[Kind, pulumi.Output[str]]
    """ARNs by tier; empty without a load balancer."""
    log_groups: Mapping[Kind, pulumi.Output[str]]
    dashboard_url: pulumi.Output[str] | None
    """None for `local`, as `topic_arn`."""
    alarm_names: Sequence[pulumi.Output[str]]
    topic_arn: pulumi.Output[str] | None
