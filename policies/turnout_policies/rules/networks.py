"""VPCs and subnets."""

from __future__ import annotations

from turnout_policies.facts.tokens import (
    ECS_SERVICE,
    FLOW_LOG,
    INTERNET_GATEWAY,
    NAT_GATEWAY,
    SUBNET,
    VPC,
    VPC_ENDPOINT,
)
from turnout_policies.properties import NotKnownYet, Properties
from turnout_policies.rule import Context, Finding, Level, NotKnown, Outcomes, Rule, Severity

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
)
