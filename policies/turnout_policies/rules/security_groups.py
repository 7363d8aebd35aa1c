"""Security groups: who may reach what."""

from __future__ import annotations

from turnout_policies.facts import addresses, containers
from turnout_policies.facts.permissions import (
    HOLDERS,
    RULE_RESOURCES,
    Permission,
    each_permission,
    holders_of,
)
from turnout_policies.facts.roles import compute_with, load_balancers_with
from turnout_policies.facts.services import is_met_through_network
from turnout_policies.facts.tokens import (
    ECS_SERVICE,
    ECS_TASK_DEFINITION,
    SECURITY_GROUP,
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
    Setting,
    Severity,
    each,
)

ADMIN_PORTS = Setting(
    {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 65535}},
    [22, 3389],
)
_PUBLIC_PORTS = Setting(
    {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 65535}},
    [80, 443],
)
_CIDRS = Setting({"type": "array", "items": {"type": "string"}}, [])
_ECHO_REQUEST = {"icmp": 8, "icmpv6": 128}
# What the provider writes where the program gives no description.
_DEFAULT_DESCRIPTION = "Managed by Pulumi"


def _ports(context: Context, name: str) -> set[int]:
    return {int(port) for port in context.settings[name]}


def _admin_port_closed(holder: Properties, context: Context) -> Outcomes:
    admin = sorted(_ports(context, "ports"))

    def check(permission: Permission) -> Outcomes:
        if permission.is_internet:
            open_ports = [port for port in admin if permission.reaches(port)]
            if open_ports:
                names = " and ".join(str(port) for port in open_ports)
                yield Finding(
                    f"{permission.describe()} opens {names} to the internet", permission.place
                )

    yield from each_permission(holder, "ingress", check)


def _admin_from_admin_cidrs(holder: Properties, context: Context) -> Outcomes:
    allowed = [str(cidr) for cidr in context.settings["adminCidrs"]]
    admin = sorted(_ports(context, "ports"))

    def check(permission: Permission) -> Outcomes:
        cidr = permission.cidr
        if cidr is None or permission.is_internet or not addresses.network(cidr):
            return
        inside = addresses.is_within(cidr, allowed)
        if not inside and any(permission.reaches(port) for port in admin):
            wanted = ", ".join(allowed)
            yield Finding(
                f"{permission.describe()} is outside the admin ranges {wanted}", permission.place
            )

    if allowed:
        yield from each_permission(holder, "ingress", check)


def _public_ports_only(holder: Properties, context: Context) -> Outcomes:
    allowed = _ports(context, "ports")
    admin = _ports(context, "adminPorts")

    def check(permission: Permission) -> Outcomes:
        if not permission.is_internet or permission.protocol in _ECHO_REQUEST:
            return  # ICMP is the business of security-group-no-ping-from-internet
        # One admin port alone is the business of security-group-admin-port-closed.
        if not permission.reaches_only(allowed) and not permission.reaches_only(admin):
            wanted = " and ".join(str(port) for port in sorted(allowed))
            yield Finding(
                f"{permission.describe()}: only {wanted} may be open to the internet",
                permission.place,
            )

    yield from each_permission(holder, "ingress", check)


def _no_icmp_from_internet(holder: Properties, _: Context) -> Outcomes:
    def check(permission: Permission) -> Outcomes:
        if permission.is_internet and permission.protocol in _ECHO_REQUEST:
            kind = permission.icmp_type
            if kind < 0 or kind == _ECHO_REQUEST[permission.protocol]:
                what = f"all {permission.protocol} types" if kind < 0 else "ping"
                yield Finding(f"{what} from {permission.cidr}", permission.place)

    yield from each_permission(holder, "ingress", check)


def _no_all_traffic(holder: Properties, _: Context) -> Outcomes:
    def check(permission: Permission) -> Outcomes:
        if permission.kind == "self" or permission.is_internet:
            return
        if permission.has_ports and permission.ports == (0, 65535):
            yield Finding(f"{permission.describe()} names no port", permission.place)

    yield from each_permission(holder, "ingress", check)


def _egress_restricted(holder: Properties, _: Context) -> Outcomes:
    def check(permission: Permission) -> Outcomes:
        if permission.is_internet and permission.has_ports and permission.ports == (0, 65535):
            yield Finding(f"{permission.describe()}: every port is open outwards", permission.place)

    yield from each_permission(holder, "egress", check)


def _internet_meets_balancer(group: Properties, context: Context) -> Outcomes:
    stack = context.stack
    carriers = compute_with(group, stack)
    if not carriers:
        return

    def check(permission: Permission) -> Outcomes:
        if not permission.is_internet or not permission.reaches_only(_ports(context, "ports")):
            return
        met = [item for item in carriers if not is_met_through_network(item, stack)]
        if met:
            names = ", ".join(item.resource.name for item in met)
            yield Finding(
                f"{permission.describe()} reaches {names} past the load balancer",
                permission.place if permission.block.resource.urn == group.resource.urn else "",
            )

    for holder in holders_of(group, context):
        yield from each_permission(holder, "ingress", check)


def _service_ports(group: Properties, context: Context) -> set[int]:
    """The ports that the balanced services with this group listen on, or are said to."""
    stack = context.stack
    services = [
        service
        for service in stack.of(ECS_SERVICE)
        if service.each("loadBalancers")
        and stack.refers(service.resource, "networkConfiguration", group.resource)
    ]
    said = [binding for service in services for binding in service.each("loadBalancers")]
    opened = [
        mapping
        for service in services
        for task in stack.targets(service.at("taskDefinition"), ECS_TASK_DEFINITION)
        for container in containers.ecs_containers(task)
        for mapping in container.each("portMappings")
    ]
    ports = (item.number("containerPort") for item in (*said, *opened))
    return {int(port) for port in ports if port is not None}


def _balancer_reaches_service_port(group: Properties, context: Context) -> Outcomes:
    ports = _service_ports(group, context)
    if not ports:
        return

    def check(permission: Permission) -> Outcomes:
        if permission.kind != "group" or not permission.has_ports:
            return
        sources = context.stack.targets(permission.source, SECURITY_GROUP)
        from_balancer = any(load_balancers_with(source, context.stack) for source in sources)
        if from_balancer and not permission.reaches_only(ports):
            wanted = ", ".join(str(port) for port in sorted(ports))
            yield Finding(
                f"{permission.describe()} of a load balancer: the service listens on {wanted}",
                permission.place if permission.block.resource.urn == group.resource.urn else "",
            )

    for holder in holders_of(group, context):
        yield from each_permission(holder, "ingress", check)


def _group_described(group: Properties, _: Context) -> Outcomes:
    if group.text("description").strip() in ("", _DEFAULT_DESCRIPTION):
        yield Finding("the group has no description of its own", "description")


def _rule_described(holder: Properties, _: Context) -> Outcomes:
    if canonical_type(holder.resource.type) in RULE_RESOURCES:
        if not holder.text("description").strip():
            yield Finding("the rule has no description", "description")
        return

    def check(block: Properties) -> Outcomes:
        if not block.text("description").strip():
            yield Finding(f"{block.place} has no description", block.place)

    for direction in ("ingress", "egress"):
        try:
            yield from each(holder.each(direction), check)
        except NotKnownYet as missing:
            yield NotKnown(str(missing))


RULES = (
    Rule(
        id="security-group-admin-port-closed",
        title="No security group opens SSH or RDP to the internet",
        why="Login ports that everybody reaches are scanned within minutes, then guessed at.",
        concern="security",
        severity=Severity.CRITICAL,
        types=HOLDERS,
        check=_admin_port_closed,
        elsewhere=("FSBP EC2.13", "FSBP EC2.14", "cdk-nag EC2RestrictedSSH"),
        settings={"ports": ADMIN_PORTS},
        yields_to=("security-group-public-ports-only",),
        remediation="Drop the rule and log in with Session Manager, or name the admin's range: "
        'aws.vpc.SecurityGroupIngressRule(..., cidr_ipv4="203.0.113.7/32", from_port=22, '
        'to_port=22, ip_protocol="tcp")',
    ),
    Rule(
        id="security-group-admin-port-from-admin-ranges",
        title="SSH and RDP are reached from the admin ranges only",
        why="A login port open to a whole network trusts every machine in it.",
        concern="security",
        severity=Severity.HIGH,
        types=HOLDERS,
        check=_admin_from_admin_cidrs,
        elsewhere=("FSBP EC2.13",),
        settings={"ports": ADMIN_PORTS, "adminCidrs": _CIDRS},
        remediation='cidr_ipv4="203.0.113.7/32"  # a range of the setting adminCidrs',
    ),
    Rule(
        id="security-group-public-ports-only",
        title="Only ports 80 and 443 are open to the internet",
        why="Every other open port is a way past the load balancer, its firewall and its logs.",
        concern="security",
        severity=Severity.CRITICAL,
        types=HOLDERS,
        check=_public_ports_only,
        elsewhere=(
            "FSBP EC2.18",
            "FSBP EC2.19",
            "cdk-nag EC23",
            "compliance-policies ec2-securitygroup-disallow-public-internet-ingress",
        ),
        settings={"ports": _PUBLIC_PORTS, "adminPorts": ADMIN_PORTS},
        remediation="Name who needs the port: "
        "aws.vpc.SecurityGroupIngressRule(..., referenced_security_group_id=alb_group.id, "
        'from_port=8000, to_port=8000, ip_protocol="tcp")',
    ),
    Rule(
        id="security-group-no-ping-from-internet",
        title="The internet cannot send every kind of ICMP",
        why="Ping and ICMP redirects map a network for strangers; path MTU discovery (type 3) "
        "is all that is needed.",
        concern="security",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        types=HOLDERS,
        check=_no_icmp_from_internet,
        remediation='protocol="icmp", from_port=3, to_port=4  # fragmentation needed',
    ),
    Rule(
        id="security-group-names-ports",
        title="A rule between groups or private ranges names its ports",
        why="A rule for all ports outlives the reason that it was made for.",
        concern="security",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        types=HOLDERS,
        check=_no_all_traffic,
        elsewhere=("cdk-nag EC27",),
        remediation='from_port=8000, to_port=8000, ip_protocol="tcp"',
    ),
    Rule(
        id="security-group-egress-names-ports",
        title="Outbound rules to the internet name their ports",
        why="A stolen process that may open any connection takes the data where it likes.",
        concern="security",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        types=HOLDERS,
        check=_egress_restricted,
        remediation='aws.vpc.SecurityGroupEgressRule(..., cidr_ipv4="0.0.0.0/0", from_port=443, '
        'to_port=443, ip_protocol="tcp")',
    ),
    Rule(
        id="security-group-internet-meets-balancer",
        title="The internet reaches load balancers, never the machines behind them",
        why="What is reached directly has no firewall, no TLS policy and no access log in front.",
        concern="security",
        severity=Severity.HIGH,
        scope="stack",
        types=(SECURITY_GROUP,),
        check=_internet_meets_balancer,
        settings={"ports": _PUBLIC_PORTS},
        remediation="referenced_security_group_id=alb_group.id  # instead of 0.0.0.0/0",
    ),
    Rule(
        id="security-group-balancer-reaches-service-port",
        title="The load balancer reaches its service on the service's port only",
        why="A wider rule also opens debug and metrics ports that the service may listen on.",
        concern="security",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        scope="stack",
        types=(SECURITY_GROUP,),
        check=_balancer_reaches_service_port,
        yields_to=("security-group-names-ports",),
        remediation="from_port=8000, to_port=8000  # the port of the service's container",
    ),
    Rule(
        id="security-group-described",
        title="A security group says what it is for",
        why="A group that nobody can explain is a group that nobody dares to close.",
        concern="security",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        types=(SECURITY_GROUP,),
        check=_group_described,
        elsewhere=("compliance-policies ec2-securitygroup-missing-description",),
        remediation='description="Load balancer of the API"',
    ),
    Rule(
        id="security-group-rule-described",
        title="Each security group rule says why it is there",
        why="The reason for a rule is known on the day it is written and never again.",
        concern="security",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        types=HOLDERS,
        check=_rule_described,
        elsewhere=(
            "compliance-policies ec2-securitygroup-missing-ingress-rule-description",
            "compliance-policies ec2-securitygroup-missing-egress-rule-description",
        ),
        remediation='description="HTTPS from the internet"',
    ),
)
