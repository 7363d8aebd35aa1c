"""The service on machines of its own."""

import base64
from typing import Final

import pulumi
from pulumi_aws import ec2, iam

from turnout import contract, naming
from turnout.config.target import Ec2
from turnout.draining import Drain, told_at_once
from turnout.parts.identity import Role, RoleArgs
from turnout.parts.logs import LogGroup, LogGroupArgs
from turnout.parts.security_group import ServiceSecurityGroup, ServiceSecurityGroupArgs
from turnout.parts.statements import ecr_registry, trust
from turnout.parts.tags import named
from turnout.targets.ec2.group import GroupArgs, make_group
from turnout.targets.ec2.instances import image_id
from turnout.targets.ec2.permissions import statements
from turnout.targets.ec2.signals import signals
from turnout.targets.ec2.user_data import Machine, user_data
from turnout.targets.tier import Door, TierArgs, server_environment

# Where docs/container.md says that a host mounts the model.
MODEL_MOUNT: Final = "/app/models"
_ROOT_DEVICE: Final = "/dev/sda1"


class Ec2Target(pulumi.ComponentResource):
    """An auto scaling group of Ubuntu machines, each with one container."""

    deployment: contract.Deployment

    def __init__(
        self, name: str, args: TierArgs[Ec2], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:targets:Ec2", name, None, opts)
        if args.door is None:
            raise ValueError("the ec2 tier stands behind the load balancer")
        child = pulumi.ResourceOptions(parent=self)
        tier, workload = args.tier, args.workload
        # By name, since the machines are told it before the group exists.
        group_name = naming.fit(f"{workload.name}-{pulumi.get_stack()}", _GROUP_NAME)
        security_group = ServiceSecurityGroup(
            name,
            ServiceSecurityGroupArgs(
                vpc_id=args.place.vpc_id,
                balancer_group_id=args.door.security_group_id,
                port=workload.port,
                ssh_cidrs=tier.ssh.cidrs if tier.ssh is not None else (),
                tags=args.tags,
            ),
            child,
        )
        log_group = LogGroup(
            name,
            LogGroupArgs(log_group_name=f"/ec2/{workload.name}", logs=args.logs, tags=args.tags),
            child,
        )
        role = Role(
            name,
            RoleArgs(
                description=f"What the machines of {workload.name} may do",
                trust=trust("ec2.amazonaws.com"),
                statements=statements(args, args.door, group_name, log_group.arn),
                tags=args.tags,
            ),
            child,
        )
        drain = told_at_once(workload.deregistration_delay, args.requests.timeout)
        template = self._template(
            name,
            args,
            security_group,
            role,
            machine_user_data(args, args.door, drain, log_group.name, group_name),
        )
        group = make_group(
            name,
            GroupArgs(
                group_name=group_name,
                tier=tier,
                scaling=args.scaling,
                template=template,
                door=args.door,
                subnet_ids=args.place.subnet_ids,
                stop_seconds=drain.stop,
                wait=args.wait,
                keep=args.keep,
                tags=args.tags,
            ),
            child,
            [*args.place.routes, *role.permissions, *security_group.edges],
        )
        self.deployment = contract.Deployment(
            kind="ec2",
            architecture=tier.architecture,
            target_group=args.door.target_group,
            security_group_id=security_group.id,
            log_group=log_group.name,
            url=None,
            signals=signals(group.name, args.door, args.alarms, args.scaling),
            ready=(self,),
        )
        self.register_outputs({"group": group.name})

    def _template(
        self,
        name: str,
        args: TierArgs[Ec2],
        security_group: ServiceSecurityGroup,
        role: Role,
        text: pulumi.Output[str],
    ) -> ec2.LaunchTemplate:
        child = pulumi.ResourceOptions(parent=self)
        profile = iam.InstanceProfile(
            naming.logical(name, _PROFILE_NAME), role=role.name, tags=args.tags, opts=child
        )
        tier = args.tier
        return ec2.LaunchTemplate(
            name,
            image_id=image_id(tier),
            instance_type=tier.instance_type,
            iam_instance_profile={"arn": profile.arn},
            key_name=tier.ssh.key_name if tier.ssh is not None else None,
            ebs_optimized="true",
            update_default_version=True,
            instance_initiated_shutdown_behavior="terminate",
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                # One hop ends at the machine. The container is a second one, granted only where
                # the server itself must ask AWS: for its API keys.
                "http_put_response_hop_limit": 2 if args.workload.api_keys_secret else 1,
            },
            monitoring={"enabled": True},
            network_interfaces=[
                {
                    "device_index": 0,
                    "associate_public_ip_address": "false",
                    "delete_on_termination": "true",
                    "security_groups": [security_group.id],
                }
            ],
            block_device_mappings=[
                {
                    "device_name": _ROOT_DEVICE,
                    "ebs": {
                        "volume_size": tier.disk,
                        "volume_type": "gp3",
                        "encrypted": "true",
                        "delete_on_termination": "true",
                    },
                }
            ],
            tag_specifications=[
                {"resource_type": kind, "tags": named(args.tags, name)}
                for kind in ("instance", "network-interface", "volume")
            ],
            user_data=text.apply(lambda plain: base64.b64encode(plain.encode()).decode()),
            tags=args.tags,
            opts=child,
        )


def machine_user_data(
    args: TierArgs[Ec2],
    door: Door,
    drain: Drain,
    log_group: pulumi.Input[str],
    group_name: str,
) -> pulumi.Output[str]:
    """The machines' user data, once the values that only AWS knows are known."""
    workload = args.workload
    model = workload.model
    copied = model is not None and model.uri.startswith("s3://")
    environment = {**server_environment(workload), **drain.environment()}
    if copied:
        environment["TURNOUT_MODEL"] = MODEL_MOUNT

    def write(known: dict[str, object]) -> str:
        image = str(known["image"])
        registry = ecr_registry(image)
        told = known["environment"]
        machine = Machine(
            container=workload.name,
            image=image,
            ecr_registry=registry.host if registry else "",
            ecr_region=registry.region if registry else "",
            model_uri=model.uri if model is not None and copied else "",
            environment={k: str(v) for k, v in dict(told).items()},  # type: ignore[call-overload]
            port=workload.port,
            stop_seconds=drain.stop,
            log_group=str(known["log_group"]),
            region=str(known["region"]),
            dns_suffix=str(known["dns_suffix"]),
            architecture=args.tier.architecture,
            group=group_name,
            target_group=str(known["target_group"]),
        )
        try:
            return user_data(machine)
        except ValueError as problem:
            raise pulumi.RunError(str(problem)) from None

    return pulumi.Output.all(
        image=workload.image,
        environment=environment,
        log_group=log_group,
        region=args.account.region,
        dns_suffix=args.account.dns_suffix,
        target_group=door.target_group.arn,
    ).apply(write)


# Amazon EC2 Auto Scaling, "CreateAutoScalingGroup" (255); IAM, "CreateInstanceProfile" (128).
_GROUP_NAME: Final = 255
_PROFILE_NAME: Final = 128
