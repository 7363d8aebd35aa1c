"""The look-ups (invokes) that stacks make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.engine.standin.aws.clusters import CLUSTER
from tests.engine.standin.aws.network import GROUP, SUBNET, VPC, blocks_of, zone_id, zones
from tests.engine.standin.cloud import ACCOUNT, Record, RefusedError
from tests.engine.standin.resources import Resources

Arguments = dict[str, Any]
_REGIONS = {"ap-northeast-2": "Asia Pacific (Seoul)", "us-east-1": "US East (N. Virginia)"}
_PARAMETERS = {
    "/aws/service/canonical/ubuntu/": "ami-0123456789abcdef0",
    "/aws/service/ami-amazon-linux-latest/": "ami-0fedcba9876543210",
}
"""Public parameters by their prefix, with the value that they have here."""


def invoke(resources: Resources, token: str, arguments: Arguments) -> dict[str, Any]:
    lookup = _LOOKUPS.get(token)
    if lookup is None:
        raise RefusedError(f"the aws stand-in knows no {token}")
    found = lookup(resources, arguments)
    return {"region": resources.region, "id": resources.region, **arguments, **found}


def _zones(resources: Resources, arguments: Arguments) -> dict[str, Any]:
    excluded = arguments.get("excludeZoneIds") or ()
    found = {
        identity: name
        for name in zones(resources.region)
        if (identity := zone_id(resources.region, name)) not in excluded
    }
    return {"names": list(found.values()), "zoneIds": list(found),
            "groupNames": [resources.region]}  # fmt: skip


def _identity(_: Resources, __: Arguments) -> dict[str, Any]:
    return {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/deployer", "id": ACCOUNT,
            "userId": "AIDADEPLOYER"}  # fmt: skip


def _region(resources: Resources, arguments: Arguments) -> dict[str, Any]:
    name = arguments.get("region") or arguments.get("name") or resources.region
    described = _REGIONS.get(name, name)
    return {"name": name, "region": name, "description": described,
            "endpoint": f"ec2.{name}.amazonaws.com"}  # fmt: skip


def _partition(_: Resources, __: Arguments) -> dict[str, Any]:
    return {"partition": "aws", "dnsSuffix": "amazonaws.com", "id": "aws",
            "reverseDnsPrefix": "com.amazonaws"}  # fmt: skip


def _by_id(token: str) -> Callable[[Resources, Arguments], dict[str, Any]]:
    def look_up(resources: Resources, arguments: Arguments) -> dict[str, Any]:
        with resources.cloud.lock:
            record = resources.cloud.find(token, resources.region, id=arguments.get("id"))
        if record is None:
            raise RefusedError(f"no matching {token} found: {arguments.get('id')!r}")
        return _described(record)

    return look_up


def _described(record: Record) -> dict[str, Any]:
    return {**record.inputs, **record.outputs, "id": record.id}


def _vpc(resources: Resources, arguments: Arguments) -> dict[str, Any]:
    found = _by_id(VPC)(resources, arguments)
    with resources.cloud.lock:
        record = resources.cloud.find(VPC, resources.region, id=found["id"])
        blocks = blocks_of(record, resources.cloud) if record else []
    return {**found, "cidrBlockAssociations": [
        {"associationId": f"vpc-cidr-assoc-{n:017x}", "cidrBlock": block, "state": "associated"}
        for n, block in enumerate(blocks)
    ]}  # fmt: skip


def _group(resources: Resources, arguments: Arguments) -> dict[str, Any]:
    """A group by its id, or a VPC's own by the name that AWS gives it."""
    if arguments.get("name") == "default" and arguments.get("vpcId"):
        vpc = _by_id(VPC)(resources, {"id": arguments["vpcId"]})
        return {"id": vpc["defaultSecurityGroupId"], "name": "default", "vpcId": vpc["id"]}
    return _by_id(GROUP)(resources, arguments)


def _subnets(resources: Resources, arguments: Arguments) -> dict[str, Any]:
    filters = {f["name"]: f["values"] for f in arguments.get("filters", [])}
    with resources.cloud.lock:
        found = [
            record.id
            for record in resources.cloud.of(SUBNET, resources.region)
            if record.inputs["vpcId"] in filters.get("vpc-id", [record.inputs["vpcId"]])
        ]
    return {"ids": sorted(found)}


def _cluster(resources: Resources, arguments: Arguments) -> dict[str, Any]:
    with resources.cloud.lock:
        record = resources.cloud.find(CLUSTER, resources.region, id=arguments["name"])
    if record is None:
        raise RefusedError(f"reading EKS Cluster ({arguments['name']}): couldn't find resource")
    found = _described(record)
    authority = found["certificateAuthority"]
    return {**found, "certificateAuthorities": [authority], "certificateAuthority": authority}


def _parameter(_: Resources, arguments: Arguments) -> dict[str, Any]:
    for prefix, value in _PARAMETERS.items():
        if arguments["name"].startswith(prefix):
            return {"value": value, "insecureValue": value, "type": "String", "version": 1}
    raise RefusedError(f"ParameterNotFound: {arguments['name']}")


def _registry_login(resources: Resources, _: Arguments) -> dict[str, Any]:
    registry = f"https://{ACCOUNT}.dkr.ecr.{resources.region}.amazonaws.com"
    return {"userName": "AWS", "password": "", "authorizationToken": "", "proxyEndpoint": registry,
            "expiresAt": "2026-01-01T12:00:00Z"}  # fmt: skip


_LOOKUPS: dict[str, Callable[[Resources, Arguments], dict[str, Any]]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
    "aws:ec2/getVpc:getVpc": _vpc,
    "aws:ec2/getSubnet:getSubnet": _by_id(SUBNET),
    "aws:ec2/getSubnets:getSubnets": _subnets,
    "aws:ec2/getSecurityGroup:getSecurityGroup": _group,
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": _registry_login,
    "aws:eks/getCluster:getCluster": _cluster,
    "aws:ssm/getParameter:getParameter": _parameter,
}
