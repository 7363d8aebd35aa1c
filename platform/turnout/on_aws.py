"""A service on AWS: the network, the one door, a tier or several behind it, and who is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

import pulumi

from turnout import contract
from turnout.config import Ec2, Ecs, Eks, Lambda, Local, ServiceConfig, Tiers
from turnout.config.fields import is_doorless
from turnout.parts import door_signals
from turnout.parts.account import Account
from turnout.parts.alarms import Alarms, AlarmsArgs, present_signals
from turnout.parts.dashboard import Dashboard, DashboardArgs
from turnout.parts.dashboard_body import DashboardView, TierView
from turnout.parts.firewall import Firewall, FirewallArgs
from turnout.parts.front_door import FrontDoor, FrontDoorArgs, keep_alive
from turnout.parts.image import Images
from turnout.parts.network import Network, NetworkArgs
from turnout.parts.notifications import Notifications, NotificationsArgs
from turnout.parts.tags import ENVIRONMENT, service_tags
from turnout.parts.target_group import (
    Share,
    SplitArgs,
    TierTargetGroup,
    TierTargetGroupArgs,
    split_requests,
)
from turnout.targets.tier import Door, Place, T, TierArgs

# A deployment that sets one of these off is undone.
_UNDO = ("response-time", "errors")


def labels(config: ServiceConfig) -> dict[str, str]:
    """The tags that the stack file asks for: its environment, and its own."""
    return {ENVIRONMENT: config.environment, **config.tags}


@dataclass(frozen=True, kw_only=True)
class _Surroundings:
    """What outlives a switch of tiers."""

    config: ServiceConfig
    workload: contract.Workload
    images: Images
    account: Account
    network: Network
    front_door: FrontDoor | None
    ready: Sequence[pulumi.Resource]
    """What must be up before the first request is let in, whatever the tier."""
    topic_arn: pulumi.Output[str]
    opts: pulumi.ResourceOptions

    def tags(self, tier: Tiers) -> dict[str, str]:
        return service_tags(self.config.name, pulumi.get_stack(), tier.kind, labels(self.config))


@dataclass(frozen=True, kw_only=True)
class _Deployed:
    deployment: contract.Deployment
    weight: int
    alarms: tuple[Alarms, ...]


def deploy(
    config: ServiceConfig,
    workload: contract.Workload,
    images: Images,
    account: Account,
    opts: pulumi.ResourceOptions,
) -> contract.Outputs:
    """Every resource of the service, each a child of `opts.parent`."""
    name = config.name
    if config.has_front_door:
        workload = replace(
            workload, environment={**workload.environment, **keep_alive(config.requests.timeout)}
        )
    around = _surroundings(config, workload, images, account, opts)
    deployed = [_deploy_tier(around, tier) for tier in config.tiers]
    door = around.front_door
    tags = service_tags(config.name, pulumi.get_stack(), "shared", labels(config))
    alarms = [alarms for tier in deployed for alarms in tier.alarms]
    if door is not None:
        split_requests(
            name,
            SplitArgs(
                listener_arn=door.listener_arn,
                shares=[
                    Share(target_group=group, weight=tier.weight)
                    for tier in deployed
                    if (group := tier.deployment.target_group) is not None
                ],
                ready=[
                    *around.ready,
                    *(resource for tier in deployed for resource in tier.deployment.ready),
                ],
                keep=config.environment != "dev",
                tags=tags,
            ),
            opts,
        )
        alarms.append(_watch_door(around, door, tags))
    dashboard = Dashboard(
        name,
        DashboardArgs(view=_view(around, deployed, alarms), account=around.account),
        opts,
    )
    return contract.Outputs(
        url=_url(door, deployed),
        target_groups={
            tier.deployment.kind: group.arn
            for tier in deployed
            if (group := tier.deployment.target_group) is not None
        },
        log_groups={tier.deployment.kind: tier.deployment.log_group for tier in deployed},
        dashboard_url=dashboard.url,
        alarm_names=[alarm for group in alarms for alarm in group.names.values()],
        topic_arn=around.topic_arn,
    )


def _surroundings(
    config: ServiceConfig,
    workload: contract.Workload,
    images: Images,
    account: Account,
    opts: pulumi.ResourceOptions,
) -> _Surroundings:
    name = config.name
    tags = service_tags(config.name, pulumi.get_stack(), "shared", labels(config))
    outside = config.has_front_door and config.access == "internet"
    network = Network(
        f"{name}-network",
        NetworkArgs(
            config=config.network,
            public=outside,
            kinds=[tier.kind for tier in config.tiers],
            secrets=config.api_keys_secret is not None,
            model_uri=None if config.model is None else config.model.uri,
            keep=config.environment != "dev",
            account=account,
            logs=config.logs,
            tags=tags,
        ),
        opts,
    )
    notifications = Notifications(
        f"{name}-alarms",
        NotificationsArgs(subscribers=config.alarms.notify, account=account, tags=tags),
        opts,
    )
    front_door = None
    ready: list[pulumi.Resource] = [network, notifications]
    if config.has_front_door:
        front_door = FrontDoor(
            f"{name}-alb",
            FrontDoorArgs(
                service=config.name,
                access=config.access,
                vpc_id=network.vpc_id,
                vpc_cidr=network.cidr,
                more_cidrs=sorted({*network.more_cidrs, *config.callers}),
                subnet_ids=network.public_subnet_ids if outside else network.private_subnet_ids,
                way_in=network.way_in if outside else [],
                certificate=config.certificate,
                request_timeout=config.requests.timeout,
                access_logs_days=config.logs.access_logs_days,
                keep=config.environment != "dev",
                account=account,
                tags=tags,
            ),
            opts,
        )
        firewall = Firewall(
            _firewall(config),
            FirewallArgs(
                config=config.firewall,
                access=config.access,
                load_balancer_arn=front_door.arn,
                logs=config.logs,
                tags=tags,
            ),
            opts,
        )
        ready += [front_door, firewall]
    return _Surroundings(
        config=config,
        workload=workload,
        images=images,
        account=account,
        network=network,
        front_door=front_door,
        ready=ready,
        topic_arn=notifications.topic_arn,
        opts=opts,
    )


def _firewall(config: ServiceConfig) -> str:
    return f"{config.name}-firewall"


def _deploy_tier(around: _Surroundings, tier: Tiers) -> _Deployed:
    config, tags = around.config, around.tags(tier)
    full = f"{around.workload.name}-{tier.kind}"

    def alarms(component: str, signals: Mapping[str, contract.Signal]) -> Alarms:
        return Alarms(
            component,
            AlarmsArgs(
                prefix=full,
                what=f"{config.name} on {tier.kind}",
                signals=signals,
                config=config.alarms,
                topic_arn=around.topic_arn,
                tags=tags,
            ),
            around.opts,
        )

    door, early = None, None
    if around.front_door is not None and not is_doorless(tier):
        group = _target_group(full, around, around.front_door, tier, tags)
        dimensions = door_signals.door_dimensions(around.front_door.arn_suffix, group.group)
        seen = {
            "healthy_hosts": door_signals.healthy_hosts(dimensions, config.scaling),
            "response_time": door_signals.response_time(dimensions, config.alarms),
            "errors": door_signals.errors(dimensions, config.alarms),
        }
        # Before the copies: ECS wants the alarms that undo a deployment to be there already.
        if not isinstance(tier, Lambda):
            early = alarms(
                f"{full}-door", {key.replace("_", "-"): signal for key, signal in seen.items()}
            )
        door = Door(
            security_group_id=around.front_door.security_group_id,
            balancer_arn_suffix=around.front_door.arn_suffix,
            target_group=group.group,
            route=group.route,
            signals=seen,
            alarm_names=[early.names[signal] for signal in _UNDO] if early else [],
        )
    deployment = _run(full, around, tier, door, tags)
    own = present_signals(deployment.signals) if deployment.signals is not None else {}
    told = early.names if early is not None else {}
    late = alarms(full, {key: signal for key, signal in own.items() if key not in told})
    return _Deployed(
        deployment=deployment,
        weight=100 if tier.weight is None else tier.weight,
        alarms=(late,) if early is None else (early, late),
    )


def _target_group(
    full: str, around: _Surroundings, door: FrontDoor, tier: Tiers, tags: Mapping[str, str]
) -> TierTargetGroup:
    more: dict[str, str] = {}
    if isinstance(tier, Eks):
        from turnout.targets.eks.physical import target_group_tags

        more = target_group_tags(tier, around.workload.name, pulumi.get_stack())
    return TierTargetGroup(
        full,
        TierTargetGroupArgs(
            kind=tier.kind,
            vpc_id=around.network.vpc_id,
            port=around.workload.port,
            health_check=around.config.health_check,
            deregistration_delay=around.config.deregistration_delay,
            balancer=door.balancer,
            listener_arn=door.listener_arn,
            tags={**tags, **more},
        ),
        around.opts,
    )


def _run(
    full: str, around: _Surroundings, tier: Tiers, door: Door | None, tags: Mapping[str, str]
) -> contract.Deployment:
    config, network = around.config, around.network
    workload = around.workload
    if not isinstance(tier, Local):
        workload = replace(workload, image=around.images.references[tier.architecture])
    place = Place(
        vpc_id=network.vpc_id,
        cidr=network.cidr,
        more_cidrs=network.more_cidrs,
        balancer_cidrs=network.public_cidrs
        if config.access == "internet"
        else network.private_cidrs,
        subnet_ids=network.private_subnet_ids,
        routes=network.routes,
    )

    def args(tier: T) -> TierArgs[T]:
        return TierArgs(
            tier=tier,
            workload=workload,
            scaling=config.scaling,
            requests=config.requests,
            alarms=config.alarms,
            health_check=config.health_check,
            logs=config.logs,
            place=place,
            door=door,
            account=around.account,
            keep=config.environment != "dev" and not tier.retire,
            wait=config.wait_until_healthy,
            tags=tags,
        )

    # Imported where they are chosen: each brings a part of the AWS SDK that costs a second.
    match tier:
        case Ec2():
            from turnout.targets.ec2 import Ec2Target

            return Ec2Target(full, args(tier), around.opts).deployment
        case Ecs():
            from turnout.targets.ecs import EcsTarget

            return EcsTarget(full, args(tier), around.opts).deployment
        case Eks():
            from turnout.targets.eks.target import EksTarget

            return EksTarget(full, args(tier), around.opts).deployment
        case Lambda():
            from turnout.targets.lambda_.function import LambdaTarget

            return LambdaTarget(full, args(tier), around.opts).deployment
        case Local():
            raise pulumi.RunError("turnout:service.targets: local runs on this machine, alone")
        case _:
            assert_never(tier)


def _watch_door(around: _Surroundings, door: FrontDoor, tags: Mapping[str, str]) -> Alarms:
    """What no tier counts: the balancer's own errors, what was blocked, the certificate's end."""
    config = around.config
    expiring = (
        {}
        if door.certificate_arn is None
        else {"certificate": door_signals.expiry(door.certificate_arn)}
    )
    return Alarms(
        f"{around.workload.name}-alb",
        AlarmsArgs(
            prefix=f"{around.workload.name}-alb",
            what=f"{config.name} at the load balancer",
            signals={
                "errors": door_signals.unanswered(door.arn_suffix),
                "blocked-requests": door_signals.blocked(
                    _firewall(config), around.account.region, config.access
                ),
                **expiring,
            },
            config=config.alarms,
            topic_arn=around.topic_arn,
            tags=tags,
        ),
        around.opts,
    )


def _view(around: _Surroundings, deployed: list[_Deployed], alarms: list[Alarms]) -> DashboardView:
    return DashboardView(
        service=around.config.name,
        region=around.account.region,
        balancer_arn_suffix=around.front_door.arn_suffix if around.front_door else None,
        tiers=[
            TierView(
                kind=tier.deployment.kind,
                signals=tier.deployment.signals,
                target_group=tier.deployment.target_group,
                log_group=tier.deployment.log_group,
            )
            for tier in deployed
            if tier.deployment.signals is not None
        ],
        alarm_arns=[arn for group in alarms for arn in group.arns.values()],
    )


def _url(door: FrontDoor | None, deployed: list[_Deployed]) -> pulumi.Output[str]:
    if door is not None:
        return door.url
    (url,) = [tier.deployment.url for tier in deployed if tier.deployment.url is not None]
    return url
