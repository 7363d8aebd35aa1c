"""The network that a service lives in: a VPC of the stack's own, or one that exists."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi_aws import ec2

from turnout.config.surroundings import CreateNetwork, ExistingNetwork, Logs
from turnout.config.surroundings import Network as NetworkConfig
from turnout.config.target import Kind
from turnout.parts.account import Account
from turnout.parts.addressing import (
    ZONES_WITHOUT_EKS,
    interface_endpoints,
    private_block,
    public_block,
    zone_number,
)
from turnout.parts.flow_logs import FlowLogs, FlowLogsArgs
from turnout.parts.storage_policy import storage_policy
from turnout.parts.tags import named


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """`public` asks for public subnets; `kinds` and `secrets` decide the endpoints without NAT."""

    config: NetworkConfig
    public: bool
    kinds: Collection[Kind]
    secrets: bool
    model_uri: str | None
    keep: bool
    """Outside dev: no `destroy` and no other block takes the VPC from under what runs in it."""
    account: Account
    logs: Logs
    tags: Mapping[str, str]


class Network(pulumi.ComponentResource):
    """A VPC, its private subnets, and public ones where something needs them."""

    vpc_id: pulumi.Output[str]
    cidr: pulumi.Output[str]
    """The VPC's IPv4 block."""
    more_cidrs: Sequence[str]
    """Its other blocks: a VPC that exists may have got some since."""
    private_subnet_ids: Sequence[pulumi.Output[str]]
    public_subnet_ids: Sequence[pulumi.Output[str]]
    """Empty where nothing asked for them."""
    private_cidrs: Sequence[pulumi.Output[str]]
    public_cidrs: Sequence[pulumi.Output[str]]
    """The subnets' own blocks, in the same order."""
    way_in: Sequence[pulumi.Resource]
    """What must stand before a load balancer can face the internet."""
    routes: Sequence[pulumi.Resource]
    """What must stand before a machine in a private subnet can reach AWS."""

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:parts:Network", name, None, opts)
        if args.config.existing is not None:
            self._use(args.config.existing)
        else:
            self._create(name, args.config.create or CreateNetwork(), args)
        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "cidr": self.cidr,
                "privateSubnetIds": self.private_subnet_ids,
                "publicSubnetIds": self.public_subnet_ids,
            }
        )

    def _use(self, existing: ExistingNetwork) -> None:
        asked = pulumi.InvokeOptions(parent=self)
        # At once, not as an output: how many blocks there are decides how many rules there are.
        vpc = ec2.get_vpc(id=existing.vpc, opts=asked)
        subnets = [
            ec2.get_subnet_output(id=subnet, opts=asked)
            for subnet in (*existing.subnets, *existing.public_subnets)
        ]
        facts = pulumi.Output.all(
            *(
                pulumi.Output.all(s.id, s.vpc_id, s.availability_zone, s.map_public_ip_on_launch)
                for s in subnets
            )
        ).apply(lambda found: check_subnets(existing, found))
        # Whatever uses the VPC waits for the check, and fails with its words.
        self.vpc_id = pulumi.Output.all(vpc.id, facts).apply(lambda both: str(both[0]))
        self.cidr = pulumi.Output.from_input(vpc.cidr_block)
        self.more_cidrs = sorted(
            block.cidr_block
            for block in vpc.cidr_block_associations or ()
            if block.state == "associated" and block.cidr_block != vpc.cidr_block
        )
        ids = [facts[number] for number in range(len(subnets))]
        private = len(existing.subnets)
        self.private_subnet_ids, self.public_subnet_ids = ids[:private], ids[private:]
        cidrs = [subnet.cidr_block for subnet in subnets]
        self.private_cidrs, self.public_cidrs = cidrs[:private], cidrs[private:]
        self.routes, self.way_in = [], []

    def _create(self, name: str, config: CreateNetwork, args: NetworkArgs) -> None:
        child = pulumi.ResourceOptions(parent=self)
        vpc = ec2.Vpc(
            name,
            cidr_block=config.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=named(args.tags, name),
            opts=pulumi.ResourceOptions(parent=self, protect=args.keep),
        )
        # The group that a forgotten one falls back to: it lets nothing in or out.
        ec2.DefaultSecurityGroup(
            name, vpc_id=vpc.id, tags=named(args.tags, f"{name}-closed"), opts=child
        )
        zones = aws.get_availability_zones_output(
            state="available",
            # Local and wavelength zones have no load balancers to speak of.
            filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
            # On every tier, so that a service may move to EKS in the network that it has.
            exclude_zone_ids=list(ZONES_WITHOUT_EKS),
            opts=pulumi.InvokeOptions(parent=self),
        ).names

        def subnet(kind: str, zone: int, block: str, where: pulumi.Output[str]) -> ec2.Subnet:
            full = f"{name}-{kind}-{zone}"
            return ec2.Subnet(
                full,
                vpc_id=vpc.id,
                cidr_block=block,
                availability_zone=where,
                map_public_ip_on_launch=False,
                tags=named(args.tags, full),
                # Chosen once: a zone that AWS opens or closes moves no subnet.
                opts=pulumi.ResourceOptions(parent=self, ignore_changes=["availabilityZone"]),
            )

        zone_numbers = range(config.zones)

        def zone_of(number: int) -> pulumi.Output[str]:
            return zones.apply(lambda names: zone_number(names, number))

        private = [
            subnet("private", z, private_block(config.cidr, z), zone_of(z)) for z in zone_numbers
        ]
        public = (
            # A balancer sends requests only to copies in the zones that it stands in itself.
            [
                subnet("public", z, public_block(config.cidr, z), private[z].availability_zone)
                for z in zone_numbers
            ]
            if args.public or config.nat != "none"
            else []
        )
        gateway = self._internet(name, vpc, public, args) if public else None
        tables = [self._table(f"{name}-private-{z}", vpc, private[z], args) for z in zone_numbers]
        self.way_in = [gateway] if gateway is not None and args.public else []
        self.vpc_id = vpc.id
        self.cidr, self.more_cidrs = vpc.cidr_block, []
        self.private_subnet_ids = [s.id for s in private]
        self.private_cidrs = [s.cidr_block for s in private]
        self.public_subnet_ids = [s.id for s in public] if args.public else []
        self.public_cidrs = [s.cidr_block for s in public] if args.public else []
        self.routes = [
            *(self._nat(name, config, public, tables, gateway, args) if gateway else []),
            *self._endpoints(name, config, vpc, tables, args),
        ]
        if config.flow_logs:
            FlowLogs(
                f"{name}-flow-logs",
                FlowLogsArgs(vpc_id=vpc.id, account=args.account, logs=args.logs, tags=args.tags),
                child,
            )

    def _internet(
        self, name: str, vpc: ec2.Vpc, public: Sequence[ec2.Subnet], args: NetworkArgs
    ) -> ec2.InternetGateway:
        child = pulumi.ResourceOptions(parent=self)
        gateway = ec2.InternetGateway(name, vpc_id=vpc.id, tags=named(args.tags, name), opts=child)
        full = f"{name}-public"
        table = ec2.RouteTable(full, vpc_id=vpc.id, tags=named(args.tags, full), opts=child)
        ec2.Route(
            full,
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=child,
        )
        for zone, subnet in enumerate(public):
            ec2.RouteTableAssociation(
                f"{full}-{zone}", route_table_id=table.id, subnet_id=subnet.id, opts=child
            )
        return gateway

    def _table(
        self, full: str, vpc: ec2.Vpc, subnet: ec2.Subnet, args: NetworkArgs
    ) -> ec2.RouteTable:
        child = pulumi.ResourceOptions(parent=self)
        table = ec2.RouteTable(full, vpc_id=vpc.id, tags=named(args.tags, full), opts=child)
        ec2.RouteTableAssociation(full, route_table_id=table.id, subnet_id=subnet.id, opts=child)
        return table

    def _nat(
        self,
        name: str,
        config: CreateNetwork,
        public: Sequence[ec2.Subnet],
        tables: Sequence[ec2.RouteTable],
        gateway: ec2.InternetGateway,
        args: NetworkArgs,
    ) -> list[pulumi.Resource]:
        count = {"none": 0, "single": 1, "per_zone": config.zones}[config.nat]
        child = pulumi.ResourceOptions(parent=self)
        # An address can be given back, and a NAT gateway removed, only while the gateway stands.
        after = pulumi.ResourceOptions(parent=self, depends_on=[gateway])
        gateways = []
        for zone in range(count):
            full = f"{name}-nat-{zone}"
            address = ec2.Eip(full, domain="vpc", tags=named(args.tags, full), opts=after)
            gateways.append(
                ec2.NatGateway(
                    full,
                    allocation_id=address.id,
                    subnet_id=public[zone].id,
                    tags=named(args.tags, full),
                    opts=after,
                )
            )
        return [
            ec2.Route(
                f"{name}-private-{zone}",
                route_table_id=table.id,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=gateways[zone % count].id,
                opts=child,
            )
            for zone, table in enumerate(tables)
            if count
        ]

    def _endpoints(
        self,
        name: str,
        config: CreateNetwork,
        vpc: ec2.Vpc,
        tables: Sequence[ec2.RouteTable],
        args: NetworkArgs,
    ) -> list[pulumi.Resource]:
        child = pulumi.ResourceOptions(parent=self)

        def service(short: str) -> pulumi.Output[str]:
            return pulumi.Output.concat("com.amazonaws.", args.account.region, f".{short}")

        # Free, and keeps models and image layers off the NAT gateway's bill.
        storage = ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=vpc.id,
            service_name=service("s3"),
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            # Beside a NAT gateway it would close nothing.
            policy=storage_policy(args.model_uri, args.kinds, args.account)
            if config.nat == "none"
            else None,
            tags=named(args.tags, f"{name}-s3"),
            opts=child,
        )
        if config.nat != "none":
            return [storage]
        group = ec2.SecurityGroup(
            f"{name}-endpoints",
            description="AWS services inside the VPC",
            vpc_id=vpc.id,
            tags=named(args.tags, f"{name}-endpoints"),
            opts=child,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-endpoints-https",
            security_group_id=group.id,
            description="HTTPS from the VPC to AWS services",
            cidr_ipv4=vpc.cidr_block,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            tags=args.tags,
            opts=child,
        )
        return [
            storage,
            *(
                ec2.VpcEndpoint(
                    f"{name}-{short.replace('.', '-')}",
                    vpc_id=vpc.id,
                    service_name=service(short),
                    vpc_endpoint_type="Interface",
                    private_dns_enabled=True,
                    subnet_ids=self.private_subnet_ids,
                    security_group_ids=[group.id],
                    tags=named(args.tags, f"{name}-{short}"),
                    opts=child,
                )
                for short in interface_endpoints(args.kinds, secrets=args.secrets)
            ),
        ]


def check_subnets(existing: ExistingNetwork, found: Sequence[Sequence[Any]]) -> list[str]:
    """The subnets' ids, private ones first, where they are what the stack file says they are.

    `found` has id, VPC, zone and "gives public addresses" of each subnet, in the file's order; an
    empty VPC or zone is not known, in a plan without AWS. Raises ValueError.
    """
    private = found[: len(existing.subnets)]
    problems = [
        f"network.existing: {subnet} is in {vpc}, not in {existing.vpc}; list subnets of one VPC"
        for subnet, vpc, _, _ in found
        if vpc not in ("", existing.vpc)
    ]
    problems += [
        f"network.existing.subnets: {subnet} gives its machines public addresses; list a private "
        "subnet, or turn MapPublicIpOnLaunch off"
        for subnet, _, _, public in private
        if public
    ]
    for key, part in (("subnets", private), ("public_subnets", found[len(private) :])):
        zones = [str(zone) for _, _, zone, _ in part if zone]
        if zones and len(set(zones)) < 2:
            problems.append(
                f"network.existing.{key}: all are in {zones[0]}; a load balancer needs two zones"
            )
        if key == "public_subnets" and len(set(zones)) != len(zones):
            problems.append(
                f"network.existing.{key}: two are in one zone; a load balancer takes one a zone"
            )
    if problems:
        raise ValueError("\n".join(problems))
    return [str(subnet) for subnet, _, _, _ in found]
