"""How many tasks run: bounds, what moves the number between them, other bounds at set times."""

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_aws import appautoscaling

from turnout.config.surroundings import Scaling
from turnout.schedule import six_fields
from turnout.targets.tier import Door

_DIMENSION: Final = "ecs:service:DesiredCount"
_NAMESPACE: Final = "ecs"


@dataclass(frozen=True, kw_only=True)
class ScalingArgs:
    """`resource_id` is `service/<cluster>/<service>`."""

    resource_id: pulumi.Input[str]
    scaling: Scaling
    door: Door
    tags: dict[str, str]


def scale(name: str, args: ScalingArgs, opts: pulumi.ResourceOptions) -> None:
    """Let Application Auto Scaling set the number of tasks."""
    scaling = args.scaling
    target = appautoscaling.Target(
        name,
        service_namespace=_NAMESPACE,
        scalable_dimension=_DIMENSION,
        resource_id=args.resource_id,
        min_capacity=scaling.min,
        max_capacity=scaling.max,
        tags=args.tags,
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                ignore_changes=[
                    # Told once: AWS's emulations do not give these back: each plan would differ.
                    "tags",
                    # The first bounds only: from then on the schedules'.
                    *(("minCapacity", "maxCapacity") if scaling.schedules else ()),
                ]
            ),
        ),
    )

    def follow(
        what: str, value: float, metric: str, label: pulumi.Output[str] | None = None
    ) -> None:
        appautoscaling.Policy(
            f"{name}-{what}",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration={
                "predefined_metric_specification": (
                    {"predefined_metric_type": metric}
                    if label is None
                    else {"predefined_metric_type": metric, "resource_label": label}
                ),
                "target_value": value,
                "scale_out_cooldown": scaling.scale_out_cooldown,
                "scale_in_cooldown": scaling.scale_in_cooldown,
            },
            opts=opts,
        )

    follow("cpu", scaling.cpu, "ECSServiceAverageCPUUtilization")
    if scaling.requests_per_target is not None:
        label = pulumi.Output.concat(
            args.door.balancer_arn_suffix, "/", args.door.target_group.arn_suffix
        )
        follow("requests", scaling.requests_per_target, "ALBRequestCountPerTarget", label)
    for schedule in scaling.schedules:
        appautoscaling.ScheduledAction(
            f"{name}-{schedule.name}",
            name=schedule.name,
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            schedule=six_fields(schedule.cron),
            timezone=schedule.timezone,
            scalable_target_action={"min_capacity": schedule.min, "max_capacity": schedule.max},
            opts=opts,
        )
