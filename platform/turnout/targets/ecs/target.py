"""The service as tasks on Fargate."""

from collections.abc import Sequence
from typing import Final

import pulumi
from pulumi_aws import ecs

from turnout import contract
from turnout.config.target import Ecs
from turnout.draining import FARGATE_MOST_STOP, Drain, told_after_deregistration, told_at_once
from turnout.parts.identity import Role, RoleArgs
from turnout.parts.logs import LogGroup, LogGroupArgs
from turnout.parts.security_group import ServiceSecurityGroup, ServiceSecurityGroupArgs
from turnout.parts.statements import (
    Statement,
    read_at_start,
    trust,
    use_image,
    write_logs,
)
from turnout.targets.ecs.scaling import ScalingArgs, scale
from turnout.targets.ecs.signals import signals
from turnout.targets.ecs.task import SCRATCH, ContainerArgs, container_definition
from turnout.targets.tier import Door, TierArgs, server_environment

_TASKS: Final = "ecs-tasks.amazonaws.com"
# A model may have to be fetched before the first check is answered.
_GRACE_SECONDS: Final = 180
_ARCHITECTURE: Final = {"x86_64": "X86_64", "arm64": "ARM64"}


class EcsTarget(pulumi.ComponentResource):
    """An ECS service on Fargate, scaled by its CPU, its bad deployments undone."""

    deployment: contract.Deployment

    def __init__(
        self,
        name: str,
        args: TierArgs[Ecs],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("turnout:targets:Ecs", name, None, opts)
        if args.door is None:
            raise ValueError("the ecs tier stands behind the load balancer")
        child = pulumi.ResourceOptions(parent=self)
        group = ServiceSecurityGroup(
            name,
            ServiceSecurityGroupArgs(
                vpc_id=args.place.vpc_id,
                balancer_group_id=args.door.security_group_id,
                port=args.workload.port,
                tags=args.tags,
            ),
            child,
        )
        log_group = LogGroup(
            name,
            LogGroupArgs(
                log_group_name=f"/ecs/{args.workload.name}", logs=args.logs, tags=args.tags
            ),
            child,
        )
        start = self._role(f"{name}-start", "Starts the tasks", _start(args, log_group), args)
        run = self._role(f"{name}-run", "What the tasks may do", _run(args), args)
        cluster = ecs.Cluster(
            name,
            settings=[{"name": "containerInsights", "value": "enabled"}],
            tags=args.tags,
            opts=child,
        )
        # ECS would make the group itself at the first task, and keep it for ever.
        insights = LogGroup(
            f"{name}-insights",
            LogGroupArgs(
                log_group_name=pulumi.Output.concat(
                    "/aws/ecs/containerinsights/", cluster.name, "/performance"
                ),
                logs=args.logs,
                tags=args.tags,
            ),
            child,
        )
        service = self._service(
            name,
            args,
            args.door,
            cluster,
            self._task(name, args, start, run, log_group),
            group,
            [insights, *start.permissions, *run.permissions, *group.edges],
        )
        scale(
            name,
            ScalingArgs(
                resource_id=pulumi.Output.concat("service/", cluster.name, "/", service.name),
                scaling=args.scaling,
                door=args.door,
                tags=dict(args.tags),
            ),
            child,
        )
        self.deployment = contract.Deployment(
            kind="ecs",
            architecture=args.tier.architecture,
            target_group=args.door.target_group,
            security_group_id=group.id,
            log_group=log_group.name,
            url=None,
            signals=signals(cluster.name, service.name, args.door, args.alarms),
            ready=(self,),
        )
        self.register_outputs({"cluster": cluster.name, "service": service.name})

    def _role(
        self, name: str, description: str, statements: Sequence[Statement], args: TierArgs[Ecs]
    ) -> Role:
        return Role(
            name,
            RoleArgs(
                description=description,
                trust=trust(
                    _TASKS,
                    {
                        "StringEquals": {"aws:SourceAccount": args.account.account_id},
                        "ArnLike": {"aws:SourceArn": args.account.arn("ecs", "*")},
                    },
                ),
                statements=statements,
                tags=args.tags,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _task(
        self, name: str, args: TierArgs[Ecs], start: Role, run: Role, log_group: LogGroup
    ) -> ecs.TaskDefinition:
        drain = draining(args)
        container = container_definition(
            ContainerArgs(
                workload=args.workload,
                environment={**server_environment(args.workload), **drain.environment()},
                log_group=log_group.name,
                region=args.account.region,
                stop_timeout=drain.stop,
            )
        )
        return ecs.TaskDefinition(
            name,
            family=args.workload.name,
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(args.tier.cpu),
            memory=str(args.tier.memory),
            runtime_platform={
                "cpu_architecture": _ARCHITECTURE[args.tier.architecture],
                "operating_system_family": "LINUX",
            },
            execution_role_arn=start.arn,
            task_role_arn=run.arn,
            volumes=[{"name": SCRATCH}],
            container_definitions=pulumi.Output.json_dumps([container], sort_keys=True),
            # A revision that is deregistered takes no new task: a rollback needs the former one.
            skip_destroy=True,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _service(
        self,
        name: str,
        args: TierArgs[Ecs],
        door: Door,
        cluster: ecs.Cluster,
        task: ecs.TaskDefinition,
        group: ServiceSecurityGroup,
        before: Sequence[pulumi.Resource],
    ) -> ecs.Service:
        spot = args.tier.spot
        providers = (
            [
                ecs.ClusterCapacityProviders(
                    name,
                    cluster_name=cluster.name,
                    capacity_providers=["FARGATE", "FARGATE_SPOT"],
                    opts=pulumi.ResourceOptions(parent=self),
                )
            ]
            if spot
            else []
        )
        return ecs.Service(
            name,
            cluster=cluster.arn,
            task_definition=task.arn,
            # The first count only: from then on the autoscaler's.
            desired_count=args.scaling.min,
            launch_type=None if spot else "FARGATE",
            capacity_provider_strategies=capacity(spot) if spot else None,
            platform_version="LATEST",
            network_configuration={
                "subnets": list(args.place.subnet_ids),
                "security_groups": [group.id],
                "assign_public_ip": False,
            },
            load_balancers=[
                {
                    "target_group_arn": door.target_group.arn,
                    "container_name": args.workload.name,
                    "container_port": args.workload.port,
                }
            ],
            health_check_grace_period_seconds=_GRACE_SECONDS,
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            deployment_circuit_breaker={"enable": True, "rollback": True},
            alarms={"enable": True, "rollback": True, "alarm_names": list(door.alarm_names)},
            propagate_tags="SERVICE",
            # Without it a new share of Spot would replace the service.
            force_new_deployment=bool(spot),
            wait_for_steady_state=args.wait,
            tags=args.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[door.route, *providers, *args.place.routes, *before],
                ignore_changes=["desiredCount"],
            ),
        )


def draining(args: TierArgs[Ecs]) -> Drain:
    """ECS stops a task after the balancer let go of it; Spot takes it back while it serves."""
    if args.tier.spot:
        return told_at_once(
            args.workload.deregistration_delay, args.requests.timeout, FARGATE_MOST_STOP
        )
    return told_after_deregistration(args.requests.timeout, FARGATE_MOST_STOP)


def capacity(
    spot: int,
) -> list[ecs.ServiceCapacityProviderStrategyArgsDict]:
    """Shares of on demand and Spot, in percent."""
    shares = {"FARGATE": 100 - spot, "FARGATE_SPOT": spot}
    return [
        {"capacity_provider": provider, "weight": weight}
        for provider, weight in shares.items()
        if weight
    ]


def _start(args: TierArgs[Ecs], log_group: LogGroup) -> list[Statement]:
    return [*use_image(args.workload.repository_arn), write_logs(log_group.arn)]


def _run(args: TierArgs[Ecs]) -> list[Statement]:
    return read_at_start(args.workload, args.account)
