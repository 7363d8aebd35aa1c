"""The auto scaling group: how many machines, how they are replaced, how they leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_aws import autoscaling, ec2

from turnout.config.surroundings import Scaling
from turnout.config.target import Ec2
from turnout.targets.ec2.instances import alternatives
from turnout.targets.ec2.user_data import HOOK
from turnout.targets.tier import Door

# From a machine's start to its first answer: packages, image and model.
WARM_UP_SECONDS: Final = 240
_GRACE_SECONDS: Final = 420
# Amazon EC2 Auto Scaling, "PutLifecycleHook": heartbeatTimeout.
_HEARTBEAT: Final = range(30, 7200 + 1)
_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, kw_only=True)
class GroupArgs:
    """`stop_seconds` is how long the container may take to leave."""

    group_name: str
    tier: Ec2
    scaling: Scaling
    template: ec2.LaunchTemplate
    door: Door
    subnet_ids: Sequence[pulumi.Input[str]]
    stop_seconds: int
    wait: bool
    keep: bool
    tags: Mapping[str, str]


def make_group(
    name: str, args: GroupArgs, opts: pulumi.ResourceOptions, before: Sequence[pulumi.Resource]
) -> autoscaling.Group:
    """The group, with its hook, its schedules and what scales it."""
    tier, scaling = args.tier, args.scaling
    group = autoscaling.Group(
        name,
        name=args.group_name,
        min_size=scaling.min,
        max_size=scaling.max,
        vpc_zone_identifiers=list(args.subnet_ids),
        target_group_arns=[args.door.target_group.arn],
        health_check_type="ELB",
        health_check_grace_period=_GRACE_SECONDS,
        capacity_rebalance=bool(tier.spot),
        max_instance_lifetime=None if tier.max_age is None else tier.max_age * _DAY_SECONDS,
        termination_policies=["OldestLaunchTemplate", "OldestInstance"],
        metrics_granularity="1Minute",
        enabled_metrics=[
            autoscaling.Metric.GROUP_DESIRED_CAPACITY,
            autoscaling.Metric.GROUP_IN_SERVICE_INSTANCES,
        ],
        instance_refresh=_refresh(tier),
        wait_for_capacity_timeout="15m" if args.wait else "0",
        min_elb_capacity=scaling.min if args.wait else None,
        force_delete=not args.keep,
        tags=_tags({**args.tags, "Name": name}),
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                depends_on=[args.door.route, *before],
                # The first bounds only: from then on the schedules'.
                ignore_changes=["minSize", "maxSize"] if scaling.schedules else [],
            ),
        ),
        **_machines(args),
    )
    autoscaling.LifecycleHook(
        name,
        name=HOOK,
        autoscaling_group_name=group.name,
        lifecycle_transition="autoscaling:EC2_INSTANCE_TERMINATING",
        heartbeat_timeout=min(max(args.stop_seconds + 60, _HEARTBEAT[0]), _HEARTBEAT[-1]),
        # A machine that never says that it is done must go all the same.
        default_result="CONTINUE",
        opts=opts,
    )
    _scale(name, group, args, opts)
    return group


def _refresh(tier: Ec2) -> autoscaling.GroupInstanceRefreshArgsDict:
    """A change of the template rolls the machines: a new one serves before an old one goes."""
    return {
        "strategy": "Rolling",
        "preferences": {
            "min_healthy_percentage": 100,
            "max_healthy_percentage": 110,
            "instance_warmup": str(WARM_UP_SECONDS),
            # Auto Scaling goes back only to an image that is named, not looked up.
            "auto_rollback": tier.ami is not None,
        },
    }


def _tags(tags: Mapping[str, str]) -> list[autoscaling.GroupTagArgsDict]:
    return [
        {"key": key, "value": value, "propagate_at_launch": True}
        for key, value in sorted(tags.items())
    ]


def _machines(args: GroupArgs) -> dict[str, Any]:
    """One type on demand, or where Spot has a share, several types to choose from."""
    tier = args.tier
    # A version by number, so that a change of the template is a change of the group: that is
    # what starts the refresh.
    version = args.template.latest_version.apply(str)
    if not tier.spot:
        return {"launch_template": {"id": args.template.id, "version": version}}
    return {
        "mixed_instances_policy": {
            "instances_distribution": {
                "on_demand_base_capacity": 0,
                "on_demand_percentage_above_base_capacity": 100 - tier.spot,
                "spot_allocation_strategy": "price-capacity-optimized",
            },
            "launch_template": {
                "launch_template_specification": {
                    "launch_template_id": args.template.id,
                    "version": version,
                },
                "overrides": [
                    {"instance_type": instance_type}
                    for instance_type in alternatives(tier.instance_type)
                ],
            },
        }
    }


def _scale(
    name: str, group: autoscaling.Group, args: GroupArgs, opts: pulumi.ResourceOptions
) -> None:
    scaling = args.scaling
    warm_up = max(WARM_UP_SECONDS, scaling.scale_out_cooldown)
    autoscaling.Policy(
        f"{name}-cpu",
        autoscaling_group_name=group.name,
        policy_type="TargetTrackingScaling",
        estimated_instance_warmup=warm_up,
        target_tracking_configuration={
            "predefined_metric_specification": {
                "predefined_metric_type": "ASGAverageCPUUtilization"
            },
            "target_value": scaling.cpu,
        },
        opts=opts,
    )
    if scaling.requests_per_target is not None:
        autoscaling.Policy(
            f"{name}-requests",
            autoscaling_group_name=group.name,
            policy_type="TargetTrackingScaling",
            estimated_instance_warmup=warm_up,
            target_tracking_configuration={
                "predefined_metric_specification": {
                    "predefined_metric_type": "ALBRequestCountPerTarget",
                    "resource_label": pulumi.Output.concat(
                        args.door.balancer_arn_suffix, "/", args.door.target_group.arn_suffix
                    ),
                },
                "target_value": scaling.requests_per_target,
            },
            opts=opts,
        )
    for schedule in scaling.schedules:
        autoscaling.Schedule(
            f"{name}-{schedule.name}",
            scheduled_action_name=schedule.name,
            autoscaling_group_name=group.name,
            recurrence=schedule.cron,
            time_zone=schedule.timezone,
            min_size=schedule.min,
            max_size=schedule.max,
            # Left as it is, within the new bounds.
            desired_capacity=-1,
            opts=opts,
        )
