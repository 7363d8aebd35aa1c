"""What a stack file refers to and does not make: certificates, zones, roles, secrets, keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.engine.account import trust
from tests.engine.standin.aws import identity, naming
from tests.engine.standin.aws.network import GATEWAY, SUBNET, VPC
from tests.engine.standin.cloud import Cloud, Record
from tests.engine.standin.values import leaves

SECRET = "aws:secretsmanager/secret:Secret"


def seeded_cloud(config: dict[str, Any]) -> Cloud:
    """An account that has every foreign resource that a stack file names."""
    cloud = Cloud()
    region = config["aws:region"]
    for _, value in leaves(config):
        for record in _records(str(value), region):
            if not cloud.find(record.token, None, id=record.id):
                cloud.add(record)
    for record in _network(config, region):
        cloud.add(record)
    return cloud


def _network(config: dict[str, Any], region: str) -> Iterator[Record]:
    """The VPC that the stack file names, with its gateway, and its subnets, each kind by zone."""
    existing = config.get("turnout:service", {}).get("network", {}).get("existing")
    if existing is None:
        return
    vpc = existing["vpc"]
    gateway = "igw-0123456789abcdef0"
    yield Record(GATEWAY, gateway, region, {"vpcId": vpc}, {"id": gateway})
    yield Record(VPC, vpc, region, {"cidrBlock": "10.50.0.0/16"}, {"id": vpc, "arn": f"arn:{vpc}"})
    for third, key in ((0, "subnets"), (100, "public_subnets")):
        for number, subnet in enumerate(existing.get(key, ())):
            inputs = {
                "vpcId": vpc,
                "availabilityZone": f"{region}{'abc'[number]}",
                "cidrBlock": f"10.50.{third + number}.0/24",
                "mapPublicIpOnLaunch": False,
            }
            yield Record(SUBNET, subnet, region, inputs, {"id": subnet, "arn": f"arn:{subnet}"})


def _records(value: str, region: str) -> list[Record]:
    if ":certificate/" in value:
        return [Record(naming.CERTIFICATE, value, region, {}, {"arn": value, "status": "ISSUED"})]
    if re.fullmatch(r"Z[A-Z0-9]{8,}", value):
        return [Record(naming.ZONE, value, "global", {"name": "example.com"}, {"zoneId": value})]
    if ":role/" in value:
        name = value.rpartition("/")[2]
        policy = {"assumeRolePolicy": trust("ec2.amazonaws.com")}
        return [Record(identity.ROLE, name, "global", policy, {"arn": value, "name": name})]
    if ":secret:" in value:
        return [Record(SECRET, value, region, {}, {"arn": value})]
    return []
