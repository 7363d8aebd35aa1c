"""Who may talk to a tier: edges between groups, each a rule of its own that says what it is for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, vpc

from turnout.parts.tags import named

HTTPS = 443
SSH = 22


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    """From the load balancer's group to the service's, on the service's port."""

    balancer_group_id: pulumi.Input[str]
    service_group_id: pulumi.Input[str]
    port: int
    tags: Mapping[str, str]


def admit_balancer(name: str, args: EdgeArgs, opts: pulumi.ResourceOptions) -> None:
    """Let the load balancer reach the service, told on both sides."""
    vpc.SecurityGroupEgressRule(
        f"{name}-from-balancer",
        security_group_id=args.balancer_group_id,
        description="Load balancer to service",
        referenced_security_group_id=args.service_group_id,
        ip_protocol="tcp",
        from_port=args.port,
        to_port=args.port,
        tags=args.tags,
        opts=opts,
    )
    vpc.SecurityGroupIngressRule(
        f"{name}-from-balancer",
        security_group_id=args.service_group_id,
        description="Service from load balancer",
        referenced_security_group_id=args.balancer_group_id,
        ip_protocol="tcp",
        from_port=args.port,
        to_port=args.port,
        tags=args.tags,
        opts=opts,
    )


@dataclass(frozen=True, kw_only=True)
class ServiceSecurityGroupArgs:
    """`balancer_group_id` None: nobody comes in. `ssh_cidrs` may reach port 22."""

    vpc_id: pulumi.Input[str]
    balancer_group_id: pulumi.Input[str] | None
    port: int
    ssh_cidrs: Sequence[str] = ()
    tags: Mapping[str, str]


class ServiceSecurityGroup(pulumi.ComponentResource):
    """The group of one tier: in from the load balancer on the service's port, out to HTTPS."""

    id: pulumi.Output[str]
    edges: Sequence[pulumi.Resource]

    def __init__(
        self,
        name: str,
        args: ServiceSecurityGroupArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("turnout:parts:ServiceSecurityGroup", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = ec2.SecurityGroup(
            name,
            description="Service copies",
            vpc_id=args.vpc_id,
            tags=named(args.tags, name),
            opts=child,
        )
        if args.balancer_group_id is not None:
            admit_balancer(
                name,
                EdgeArgs(
                    balancer_group_id=args.balancer_group_id,
                    service_group_id=group.id,
                    port=args.port,
                    tags=args.tags,
                ),
                child,
            )
        out = vpc.SecurityGroupEgressRule(
            f"{name}-https",
            security_group_id=group.id,
            description="HTTPS out: registry, S3, CloudWatch",
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            tags=args.tags,
            opts=child,
        )
        for cidr in sorted(args.ssh_cidrs):
            v6 = ":" in cidr
            vpc.SecurityGroupIngressRule(
                f"{name}-ssh-{cidr.replace('/', '-').replace(':', '-')}",
                security_group_id=group.id,
                description="SSH from an administrator",
                cidr_ipv4=None if v6 else cidr,
                cidr_ipv6=cidr if v6 else None,
                ip_protocol="tcp",
                from_port=SSH,
                to_port=SSH,
                tags=args.tags,
                opts=child,
            )
        self.id = group.id
        self.edges = [out]
        self.register_outputs({"id": self.id})
