"""The target group of a tier, and the rules that send requests to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

import pulumi
from pulumi_aws import lb

from turnout import contract, naming
from turnout.config.surroundings import HealthCheck
from turnout.config.target import Kind

# A request with this header goes to the tier that it names, whatever the weights: the way to try
# a tier before it gets any share.
TARGET_HEADER: Final = "x-turnout-target"
_PRIORITY: Final[dict[Kind, int]] = {"ec2": 11, "ecs": 12, "eks": 13, "lambda": 14}
_LAST: Final = 1000


@dataclass(frozen=True, kw_only=True)
class TierTargetGroupArgs:
    """`listener_arn` is the listener that clients reach, one of `balancer`."""

    kind: Kind
    vpc_id: pulumi.Input[str]
    port: int
    health_check: HealthCheck
    deregistration_delay: int
    """Seconds that a leaving copy may finish its requests."""
    balancer: pulumi.Resource
    listener_arn: pulumi.Input[str]
    tags: Mapping[str, str]


class TierTargetGroup(pulumi.ComponentResource):
    """A target group, tied to the load balancer by the rule on `x-turnout-target`."""

    group: contract.TargetGroup
    route: pulumi.Resource
    """The tie: ECS refuses a target group that no load balancer knows."""

    def __init__(
        self, name: str, args: TierTargetGroupArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:parts:TierTargetGroup", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = _target_group(
            naming.logical(name, naming.TARGET_GROUP),
            args,
            # A target group serves one balancer: a new one cannot take it over from the old one.
            pulumi.ResourceOptions(parent=self, replace_with=[args.balancer]),
        )
        self.group = contract.TargetGroup(arn=group.arn, arn_suffix=group.arn_suffix)
        self.route = lb.ListenerRule(
            name,
            listener_arn=args.listener_arn,
            priority=_PRIORITY[args.kind],
            conditions=[
                {"http_header": {"http_header_name": TARGET_HEADER, "values": [args.kind]}}
            ],
            actions=[{"type": "forward", "target_group_arn": group.arn}],
            tags=args.tags,
            opts=child,
        )
        self.register_outputs({"arn": group.arn})


def _target_group(
    logical: str, args: TierTargetGroupArgs, opts: pulumi.ResourceOptions
) -> lb.TargetGroup:
    check = args.health_check
    match args.kind:
        case "lambda":
            # Without a word of health checks it has none, as AWS makes such groups: they would be
            # invocations, keep it awake, and cost. Saying `enabled: false` lets the provider add a
            # protocol, of which it then warns that a Lambda group takes none.
            return lb.TargetGroup(
                logical,
                target_type="lambda",
                # Otherwise a repeated header or query parameter reaches the server as its last.
                lambda_multi_value_headers_enabled=True,
                tags=args.tags,
                opts=opts,
            )
        case "ec2" | "ecs" | "eks":
            return lb.TargetGroup(
                logical,
                target_type="instance" if args.kind == "ec2" else "ip",
                vpc_id=args.vpc_id,
                port=args.port,
                protocol="HTTP",
                deregistration_delay=args.deregistration_delay,
                # Classifying is work for a CPU: the copy with the fewest requests is the freest.
                load_balancing_algorithm_type="least_outstanding_requests",
                health_check={
                    "enabled": True,
                    "path": check.path,
                    "port": "traffic-port",
                    "protocol": "HTTP",
                    "matcher": "200",
                    "healthy_threshold": check.healthy_threshold,
                    "unhealthy_threshold": check.unhealthy_threshold,
                    "interval": check.interval,
                    "timeout": check.timeout,
                },
                tags=args.tags,
                opts=opts,
            )
        case "local":
            raise ValueError("the local tier has no target group")
        case _:
            assert_never(args.kind)


@dataclass(frozen=True, kw_only=True)
class Share:
    """A tier's percent of the requests."""

    target_group: contract.TargetGroup
    weight: int


@dataclass(frozen=True, kw_only=True)
class SplitArgs:
    """Who gets which share; `ready` must stand before any request is sent."""

    listener_arn: pulumi.Input[str]
    shares: Sequence[Share]
    ready: Sequence[pulumi.Resource]
    keep: bool
    """Outside dev: what serves goes after this rule, so who protects it protects that."""
    tags: Mapping[str, str]


def split_requests(name: str, args: SplitArgs, opts: pulumi.ResourceOptions) -> lb.ListenerRule:
    """The rule for every request: changed only after the tiers that it names are up.

    The listener's own action cannot wait so: it must exist before a tier does.
    """
    return lb.ListenerRule(
        name,
        listener_arn=args.listener_arn,
        priority=_LAST,
        conditions=[{"path_pattern": {"values": ["/*"]}}],
        actions=[
            {
                "type": "forward",
                "forward": {
                    "target_groups": [
                        {"arn": share.target_group.arn, "weight": share.weight}
                        for share in args.shares
                    ]
                },
            }
        ],
        tags=args.tags,
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(depends_on=list(args.ready), protect=args.keep)
        ),
    )
