"""VPC, subnets, routes, gateways, endpoints, security groups."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from tests.engine.standin.aws.rules import cidr_reason
from tests.engine.standin.aws.support import (
    by,
    entries,
    exactly_one,
    known,
    numbered,
    policy_problems,
    refuse,
)
from tests.engine.standin.cloud import ACCOUNT, Cloud, Record
from tests.engine.standin.kinds import Autoname, Call, Inputs, Kind
from tests.engine.standin.shapes import Problem

VPC = "aws:ec2/vpc:Vpc"
BLOCK = "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation"
SUBNET = "aws:ec2/subnet:Subnet"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
NAT = "aws:ec2/natGateway:NatGateway"
EIP = "aws:ec2/eip:Eip"
TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
ATTACHED_TO_SUBNETS = (
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:ecs/service:Service",
    "aws:eks/cluster:Cluster",
    "aws:autoscaling/group:Group",
    "aws:lambda/function:Function",
    "aws:ec2/instance:Instance",
    ENDPOINT,
    NAT,
)


def zones(region: str) -> list[str]:
    return [f"{region}{letter}" for letter in "abcd"]


def zone_id(region: str, zone: str) -> str:
    """AWS's id of a zone; here, other than in an account of AWS, in the order of the names.

    >>> zone_id("us-east-1", "us-east-1c")
    'use1-az3'
    """
    country, direction, number = region.split("-")
    short = {"northeast": "ne", "southeast": "se", "central": "c"}.get(direction, direction[0])
    return f"{country}{short}{number}-az{ord(zone[-1]) - 96}"


def _network(cidr: Any) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(str(cidr))


def _check_vpc(inputs: Inputs) -> Iterator[Problem]:
    cidr = inputs.get("cidrBlock")
    if known(cidr) and not 16 <= _network(cidr).prefixlen <= 28:
        yield Problem("cidrBlock", f"{cidr}: a VPC's block size must be between /16 and /28")


def _vpc_outputs(_inputs: Inputs, call: Call, identity: str) -> dict[str, Any]:
    return {
        "arn": call.arn("ec2", f"vpc/{identity}"),
        "ownerId": ACCOUNT,
        "defaultSecurityGroupId": f"sg-{call.cloud.next_hex(17)}",
        "defaultRouteTableId": f"rtb-{call.cloud.next_hex(17)}",
        "mainRouteTableId": f"rtb-{call.cloud.next_hex(17)}",
        "defaultNetworkAclId": f"acl-{call.cloud.next_hex(17)}",
        "dhcpOptionsId": f"dopt-{call.cloud.next_hex(17)}",
    }


def blocks_of(vpc: Record, cloud: Cloud) -> list[str]:
    """A VPC's block, and those that it was given later."""
    later = [block for block in cloud.of(BLOCK, vpc.region) if block.inputs["vpcId"] == vpc.id]
    return [vpc.inputs["cidrBlock"], *(block.inputs["cidrBlock"] for block in later)]


def _check_subnet(inputs: Inputs) -> Iterator[Problem]:
    cidr = inputs.get("cidrBlock")
    if known(cidr) and not 16 <= _network(cidr).prefixlen <= 28:
        yield Problem("cidrBlock", f"{cidr}: a subnet's block size must be between /16 and /28")


def _admit_subnet(inputs: Inputs, call: Call, own: Record | None) -> None:
    vpc = call.cloud.find(VPC, call.region, id=inputs["vpcId"])
    block = _network(inputs["cidrBlock"])
    if vpc and not any(block.subnet_of(_network(whole)) for whole in blocks_of(vpc, call.cloud)):
        refuse(f"InvalidSubnet.Range: {block} is not in {blocks_of(vpc, call.cloud)}")
    for other in call.cloud.of(SUBNET, call.region):
        same = other is not own and other.inputs["vpcId"] == inputs["vpcId"]
        if same and block.overlaps(_network(other.inputs["cidrBlock"])):
            refuse(f"InvalidSubnet.Conflict: {block} overlaps {other.id}")
    zone = inputs.get("availabilityZone")
    if zone and zone not in zones(call.region):
        refuse(f"InvalidParameterValue: {zone!r} is no zone of {call.region}")


def _subnet_outputs(inputs: Inputs, call: Call, identity: str) -> dict[str, Any]:
    zone = inputs.get("availabilityZone") or zones(call.region)[0]
    return {
        "arn": call.arn("ec2", f"subnet/{identity}"),
        "ownerId": ACCOUNT,
        "availabilityZone": zone,
        "availabilityZoneId": zone_id(call.region, zone),
    }


def subnets_of(inputs: Inputs, name: str, call: Call) -> list[Record]:
    found = [call.cloud.find(SUBNET, call.region, id=i) for i in entries(inputs.get(name))]
    return [record for record in found if record]


def groups_match_vpc(groups: Any, vpc: str | None, call: Call) -> None:
    for identity in entries(groups):
        group = call.cloud.find(GROUP, call.region, id=identity)
        if group and vpc and group.inputs.get("vpcId") != vpc:
            refuse(f"InvalidGroup.NotFound: {identity} is not in {vpc}")


def _admit_gateway(inputs: Inputs, call: Call, own: Record | None) -> None:
    for other in call.cloud.of(GATEWAY, call.region):
        if other is not own and other.inputs.get("vpcId") == inputs.get("vpcId"):
            refuse(f"Resource.AlreadyAssociated: {inputs.get('vpcId')} has an internet gateway")


def _check_nat(inputs: Inputs) -> Iterator[Problem]:
    public = inputs.get("connectivityType", "public") == "public"
    if public and inputs.get("allocationId") is None:
        yield Problem("allocationId", "a public NAT gateway needs an Elastic IP")


def _eip_outputs(_inputs: Inputs, call: Call, identity: str) -> dict[str, Any]:
    address = f"203.0.113.{int(call.cloud.next_hex(2), 16)}"
    return {
        "arn": call.arn("ec2", f"elastic-ip/{identity}"),
        "allocationId": identity,
        "publicIp": address,
        "publicDns": f"ec2-{address.replace('.', '-')}.compute.amazonaws.com",
    }


_TARGETS = [
    "gatewayId",
    "natGatewayId",
    "vpcEndpointId",
    "transitGatewayId",
    "vpcPeeringConnectionId",
    "egressOnlyGatewayId",
    "networkInterfaceId",
    "localGatewayId",
    "carrierGatewayId",
    "coreNetworkArn",
]
_DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")


def _check_route(inputs: Inputs) -> Iterator[Problem]:
    yield from exactly_one(inputs, *_TARGETS)
    yield from exactly_one(inputs, *_DESTINATIONS)


def _route_id(inputs: Inputs, _call: Call) -> str:
    destination = next(inputs[name] for name in _DESTINATIONS if inputs.get(name))
    return f"r-{inputs['routeTableId']}{destination}"


def _admit_association(inputs: Inputs, call: Call, own: Record | None) -> None:
    for other in call.cloud.of(ASSOCIATION, call.region):
        if other is not own and other.inputs.get("subnetId") == inputs.get("subnetId"):
            refuse(f"Resource.AlreadyAssociated: {inputs.get('subnetId')} has a route table")


def _check_endpoint(inputs: Inputs) -> Iterator[Problem]:
    kind = inputs.get("vpcEndpointType", "Gateway")
    if kind == "Gateway" and (inputs.get("subnetIds") or inputs.get("securityGroupIds")):
        yield Problem("vpcEndpointType", "a Gateway endpoint takes route tables, not subnets")
    if kind == "Interface" and inputs.get("routeTableIds"):
        yield Problem("routeTableIds", "an Interface endpoint takes subnets, not route tables")
    yield from policy_problems(inputs, "policy", principal=True)
    service = inputs.get("serviceName")
    if known(service) and not re.fullmatch(r"(com|aws)\.[a-z0-9.-]+", service):
        yield Problem("serviceName", f"{service!r} is no service name")


def _admit_endpoint(inputs: Inputs, call: Call, own: Record | None) -> None:
    service = inputs["serviceName"]
    if service.startswith("com.amazonaws.") and f".{call.region}." not in service:
        refuse(f"InvalidServiceName: {service} is not offered in {call.region}")
    groups_match_vpc(inputs.get("securityGroupIds"), inputs["vpcId"], call)
    for other in call.cloud.of(ENDPOINT, call.region):
        same = other.inputs["vpcId"] == inputs["vpcId"] and other.inputs["serviceName"] == service
        if other is not own and same and inputs.get("privateDnsEnabled"):
            refuse(f"InvalidParameter: {service} already has private DNS in {inputs['vpcId']}")


_GROUP_WORDS = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*")


def _check_group(inputs: Inputs) -> Iterator[Problem]:
    for name in ("name", "description"):
        value = inputs.get(name)
        if known(value) and not (_GROUP_WORDS.fullmatch(value) and len(value) <= 255):
            yield Problem(name, f"{value!r} has characters that a security group's {name} refuses")
    if str(inputs.get("name", "")).startswith("sg-"):
        yield Problem("name", "a security group's name cannot start with sg-")
    for side in ("ingress", "egress"):
        for rule in entries(inputs.get(side)):
            for cidr in entries(rule.get("cidrBlocks")):
                if reason := cidr_reason(cidr):
                    yield Problem(side, reason)


_SOURCES = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")


def _check_rule(inputs: Inputs) -> Iterator[Problem]:
    yield from exactly_one(inputs, *_SOURCES)
    first, last, protocol = (inputs.get(n) for n in ("fromPort", "toPort", "ipProtocol"))
    if known(protocol) and protocol in ("tcp", "udp"):
        if first is None or last is None:
            yield Problem("fromPort", f"{protocol} rules need fromPort and toPort")
        elif known(first) and known(last) and first > last:
            yield Problem("fromPort", f"fromPort {first} is above toPort {last}")
    elif protocol == "-1" and (first is not None or last is not None):
        yield Problem("fromPort", "a rule for all protocols takes no ports")
    text = inputs.get("description")
    if known(text) and not (_GROUP_WORDS.fullmatch(text) and len(text) <= 255):
        yield Problem("description", f"{text!r} has characters that a rule's description refuses")


def _admit_rule(inputs: Inputs, call: Call, own: Record | None) -> None:
    names = ("securityGroupId", "ipProtocol", "fromPort", "toPort", *_SOURCES)
    wanted = [inputs.get(name) for name in names]
    for other in call.cloud.of(call.token, call.region):
        if other is not own and [other.inputs.get(name) for name in names] == wanted:
            refuse(f"InvalidPermission.Duplicate: {other.id} is the same rule")


def _rule_outputs(_inputs: Inputs, call: Call, identity: str) -> dict[str, Any]:
    arn = call.arn("ec2", f"security-group-rule/{identity}")
    return {"arn": arn, "securityGroupRuleId": identity}


def _arn(kind: str) -> Any:
    return lambda _inputs, call, identity: {
        "arn": call.arn("ec2", f"{kind}/{identity}"),
        "ownerId": ACCOUNT,
    }


def _endpoint_outputs(inputs: Inputs, call: Call, identity: str) -> dict[str, Any]:
    name = f"{identity}.{inputs['serviceName'].rpartition('.')[2]}.{call.region}.vpce.amazonaws.com"
    return {
        "arn": call.arn("ec2", f"vpc-endpoint/{identity}"),
        "state": "available",
        "prefixListId": f"pl-{call.cloud.next_hex(8)}",
        "dnsEntries": [{"dnsName": name, "hostedZoneId": "Z27UANNT0PRK1T"}],
    }


KINDS = (
    Kind(VPC, numbered("vpc"), _vpc_outputs, _check_vpc,
         held_by=(SUBNET, GATEWAY, GROUP, ENDPOINT, TABLE)),
    Kind(BLOCK, numbered("vpc-cidr-assoc"), check=_check_vpc),
    Kind(SUBNET, numbered("subnet"), _subnet_outputs, _check_subnet, _admit_subnet,
         held_by=ATTACHED_TO_SUBNETS),
    Kind(GATEWAY, numbered("igw"), _arn("internet-gateway"), admit=_admit_gateway,
         held_by=(ROUTE,)),
    Kind(EIP, numbered("eipalloc"), _eip_outputs, held_by=(NAT,)),
    Kind(NAT, numbered("nat"), _arn("natgateway"), _check_nat),
    Kind(TABLE, numbered("rtb"), _arn("route-table"), held_by=(ASSOCIATION,)),
    Kind(ROUTE, _route_id, check=_check_route),
    Kind(ASSOCIATION, numbered("rtbassoc"), admit=_admit_association),
    Kind(ENDPOINT, numbered("vpce"), _endpoint_outputs, _check_endpoint, _admit_endpoint),
    Kind(DEFAULT_GROUP, lambda _inputs, call: f"sg-{call.cloud.next_hex(17)}",
         _arn("security-group")),
    Kind(GROUP, numbered("sg"), _arn("security-group"), _check_group,
         autoname=Autoname(), unique=("name",), held_by=(INGRESS, EGRESS, *ATTACHED_TO_SUBNETS,
         "aws:ec2/launchTemplate:LaunchTemplate")),
    Kind(INGRESS, numbered("sgr"), _rule_outputs, _check_rule, _admit_rule),
    Kind(EGRESS, numbered("sgr"), _rule_outputs, _check_rule, _admit_rule),
    Kind("aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation",
         by("vpcEndpointId", "routeTableId")),
)  # fmt: skip
