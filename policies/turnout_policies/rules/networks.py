"""VPCs and subnets, their ACLs, default groups and prefix lists."""

from __future__ import annotations

from functools import partial

from turnout_policies.facts import acls, addresses
from turnout_policies.facts.acls import Entry
from turnout_policies.facts.tokens import (
    DEFAULT_SECURITY_GROUP,
    ECS_SERVICE,
    FLOW_LOG,
    INTERNET_GATEWAY,
    NAT_GATEWAY,
    NETWORK_ACL,
    NETWORK_ACL_RULE,
    PREFIX_LIST,
    PREFIX_LIST_ENTRY,
    SUBNET,
    VPC,
    VPC_ENDPOINT,
)
from turnout_policies.properties import NotKnownYet, Properties
from turnout_policies.resources import canonical_type
from turnout_policies.rule import (
    Context,
    Finding,
    Level,
    NotKnown,
    Outcomes,
    Rule,
    Severity,
    any_holds,
    each,
)
from turnout_policies.rules.security_groups import ADMIN_PORTS

# What an image pulled from ECR needs without a way out: its two APIs, S3 for the layers, logs.
_ENDPOINTS = ("ecr.api", "ecr.dkr", "s3", "logs")


def _flow_logs(vpc: Properties, context: Context) -> Outcomes:
    if not context.stack.referrers(vpc, "vpcId", FLOW_LOG):
        yield Finding("nothing records what flows through it")


def _no_public_ip_on_launch(subnet: Properties, _: Context) -> Outcomes:
    if subnet.flag("mapPublicIpOnLaunch"):
        yield Finding("mapPublicIpOnLaunch is true", "mapPublicIpOnLaunch")


def _endpoints_without_way_out(vpc: Properties, context: Context) -> Outcomes:
    stack = context.stack
    subnets = stack.referrers(vpc, "vpcId", SUBNET)
    services = [
        service
        for service in stack.of(ECS_SERVICE)
        if any(
            stack.refers(service.resource, "networkConfiguration", subnet.resource)
            for subnet in subnets
        )
    ]
    if not services or stack.of(NAT_GATEWAY, "aws:ec2/instance:Instance"):
        return
    if any(_has_public_ip(service) for service in services) and stack.of(INTERNET_GATEWAY):
        return
    names = []
    for endpoint in stack.referrers(vpc, "vpcId", VPC_ENDPOINT, every=True):
        try:
            names.append(endpoint.text("serviceName"))
        except NotKnownYet as missing:
            yield NotKnown(f"{endpoint.resource.name}.{missing}")
            return
    absent = [name for name in _ENDPOINTS if not any(found.endswith(f".{name}") for found in names)]
    if absent:
        yield Finding(
            f"no NAT gateway, and no endpoint for {', '.join(absent)}: tasks cannot be started"
        )


def _has_public_ip(service: Properties) -> bool:
    return service.flag("networkConfiguration", "assignPublicIp")


def _default_group_empty(group: Properties, _: Context) -> Outcomes:
    for direction in ("ingress", "egress"):
        found = group.each(direction)
        if found:
            yield Finding(f"the VPC's default group has {len(found)} {direction} rules", direction)


def _default_group_managed(vpc: Properties, context: Context) -> Outcomes:
    if not context.stack.referrers(vpc, "vpcId", DEFAULT_SECURITY_GROUP):
        yield Finding("its default security group keeps the rules that AWS gives it")


def _prefix_list_narrow(prefix_list: Properties, _: Context) -> Outcomes:
    entries = (
        prefix_list.each("entries")
        if canonical_type(prefix_list.resource.type) == PREFIX_LIST
        else [prefix_list]
    )

    def check(entry: Properties) -> Outcomes:
        if addresses.is_internet(entry.text("cidr")):
            yield Finding(f"{entry.text('cidr')} is in it", entry.place)

    yield from each(entries, check)


def _acl_admin_port_closed(acl: Properties, context: Context) -> Outcomes:
    admin = sorted(int(port) for port in context.settings["ports"])

    def check(block: Properties) -> Outcomes:
        entry = Entry(block)
        if not entry.is_internet or not entry.allows:
            return
        reached = [port for port in admin if entry.reaches(port)]
        others = acls.asked_with(acl, context.stack) if reached else []
        open_ports = [
            str(port)
            for port in reached
            if not any_holds(others, partial(entry.comes_after_denial, port=port))
        ]
        if open_ports:
            yield Finding(f"{' and '.join(open_ports)} from the internet are allowed", entry.place)

    yield from each(acls.inbound(acl), check)


RULES = (
    Rule(
        id="vpc-flow-log",
        title="A VPC has a flow log",
        why="Without one, who talked to whom during a break-in stays unknown.",
        concern="security",
        severity=Severity.MEDIUM,
        scope="stack",
        types=(VPC,),
        check=_flow_logs,
        elsewhere=("FSBP EC2.6", "cdk-nag VPC7"),
        remediation='aws.ec2.FlowLog("flows", vpc_id=vpc.id, traffic_type="ALL", ...)',
    ),
    Rule(
        id="subnet-no-public-ip-on-launch",
        title="Subnets give no public addresses by themselves",
        why="Whatever is started there is on the internet before anybody has thought about it.",
        concern="security",
        severity=Severity.MEDIUM,
        types=(SUBNET,),
        check=_no_public_ip_on_launch,
        elsewhere=("FSBP EC2.15",),
        remediation="map_public_ip_on_launch=False",
    ),
    Rule(
        id="vpc-endpoints-without-nat",
        title="A VPC without a way out has the endpoints that its tasks need",
        why="Tasks that cannot reach ECR, S3 and CloudWatch Logs fail at start, without a log.",
        concern="reliability",
        severity=Severity.HIGH,
        level=Level.ADVISORY,
        scope="stack",
        types=(VPC,),
        check=_endpoints_without_way_out,
        elsewhere=("FSBP EC2.55", "FSBP EC2.56"),
        remediation='aws.ec2.VpcEndpoint("ecr-api", vpc_id=vpc.id, vpc_endpoint_type="Interface", '
        'service_name=f"com.amazonaws.{region}.ecr.api", private_dns_enabled=True, ...)',
    ),
    Rule(
        id="vpc-default-security-group-empty",
        title="The VPC's default security group has no rules",
        why="What is started without a group gets this one, and its rules with it.",
        concern="security",
        severity=Severity.HIGH,
        types=(DEFAULT_SECURITY_GROUP,),
        check=_default_group_empty,
        elsewhere=("FSBP EC2.2", "cdk-nag VPCDefaultSecurityGroupClosed"),
        remediation="aws.ec2.DefaultSecurityGroup(..., vpc_id=vpc.id, ingress=[], egress=[])",
    ),
    Rule(
        id="vpc-default-security-group-managed",
        title="A VPC that the stack makes has its default security group closed",
        why="AWS lets a new default group talk to itself and to the internet until it is emptied.",
        concern="security",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        scope="stack",
        types=(VPC,),
        check=_default_group_managed,
        elsewhere=("FSBP EC2.2", "cdk-nag VPCDefaultSecurityGroupClosed"),
        remediation='aws.ec2.DefaultSecurityGroup("closed", vpc_id=vpc.id)',
    ),
    Rule(
        id="prefix-list-without-internet",
        title="No prefix list holds the internet",
        why="A security group that names the list is then open to everybody, and does not look so.",
        concern="security",
        severity=Severity.HIGH,
        types=(PREFIX_LIST, PREFIX_LIST_ENTRY),
        check=_prefix_list_narrow,
        remediation='entries=[{"cidr": "203.0.113.0/24", "description": "Office"}]',
    ),
    Rule(
        id="network-acl-admin-port-closed",
        title="No network ACL opens SSH or RDP to the internet",
        why="The ACL is the last line when a security group is opened by mistake.",
        concern="security",
        severity=Severity.MEDIUM,
        scope="stack",
        types=(NETWORK_ACL, NETWORK_ACL_RULE),
        check=_acl_admin_port_closed,
        elsewhere=("FSBP EC2.21",),
        settings={"ports": ADMIN_PORTS},
        remediation='ingress=[{"protocol": "tcp", "from_port": 443, "to_port": 443, ...}]',
    ),
)
