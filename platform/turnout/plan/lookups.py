"""What provider functions answer where nobody can be asked.

The values are of the right form and name nothing that exists. A function that is not here ends
the plan with an error: an empty answer would be believed.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

# AWS's own example account: "AWS account identifiers".
EXAMPLE_ACCOUNT: Final = "123456789012"


class LookupNotKnownError(Exception):
    """The program calls a provider function that the offline plan cannot answer."""


def answer(token: str, args: Mapping[str, Any], region: str) -> dict[str, Any]:
    """The answer to the provider function `token`. Raises LookupNotKnownError."""
    lookup = _ANSWERS.get(token)
    if lookup is None:
        raise LookupNotKnownError(
            f"the offline plan has no answer to {token}; add one to turnout/plan/lookups.py"
        )
    return lookup(args, str(args.get("region") or region))


def partition(region: str) -> str:
    """The partition of an AWS region: AWS General Reference, "ARNs"."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _dns_suffix(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def _caller(_: Mapping[str, Any], region: str) -> dict[str, Any]:
    return {
        "accountId": EXAMPLE_ACCOUNT,
        "arn": f"arn:{partition(region)}:iam::{EXAMPLE_ACCOUNT}:user/plan",
        "id": EXAMPLE_ACCOUNT,
        "userId": "AIDACKCEVSQ6C2EXAMPLE",
    }


def _region(_: Mapping[str, Any], region: str) -> dict[str, Any]:
    endpoint = f"ec2.{region}.{_dns_suffix(region)}"
    return {
        "id": region,
        "name": region,
        "region": region,
        "endpoint": endpoint,
        "description": region,
    }


def _partition(_: Mapping[str, Any], region: str) -> dict[str, Any]:
    return {
        "id": partition(region),
        "partition": partition(region),
        "dnsSuffix": _dns_suffix(region),
        "reverseDnsPrefix": ".".join(reversed(_dns_suffix(region).split("."))),
    }


def _zones(_: Mapping[str, Any], region: str) -> dict[str, Any]:
    letters = "abcd"
    return {
        "id": region,
        "names": [f"{region}{letter}" for letter in letters],
        "zoneIds": [f"{region}-az{number}" for number, _ in enumerate(letters, 1)],
        "groupNames": [f"{region}-zg-1"],
    }


def _policy_document(args: Mapping[str, Any], _: str) -> dict[str, Any]:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(args.get("statements") or ())})
    return {"id": "0", "json": text, "minifiedJson": text}


def _image(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    return {
        "id": "ami-0123456789abcdef0",
        "imageId": "ami-0123456789abcdef0",
        "arn": f"arn:{partition(region)}:ec2:{region}::image/ami-0123456789abcdef0",
        "architecture": "x86_64",
        "rootDeviceName": "/dev/sda1",
        "name": str(args.get("nameRegex") or "image"),
    }


def _parameter(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    name = str(args.get("name", ""))
    value = "ami-0123456789abcdef0" if "ami" in name else "value"
    arn = f"arn:{partition(region)}:ssm:{region}:{EXAMPLE_ACCOUNT}:parameter"
    return {
        "id": name,
        "name": name,
        "arn": f"{arn}/{name.strip('/')}",
        "type": "String",
        "value": value,
        "insecureValue": value,
        "version": 1,
    }


def _vpc(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    name = str(args.get("id") or "vpc-0123456789abcdef0")
    return {
        "id": name,
        "arn": f"arn:{partition(region)}:ec2:{region}:{EXAMPLE_ACCOUNT}:vpc/{name}",
        "cidrBlock": "10.0.0.0/16",
        "cidrBlockAssociations": [
            {
                "associationId": "vpc-cidr-assoc-0123456789abcdef0",
                "cidrBlock": "10.0.0.0/16",
                "state": "associated",
            }
        ],
        "enableDnsHostnames": True,
        "enableDnsSupport": True,
        "state": "available",
    }


def _subnet(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    name = str(args.get("id") or "subnet-0123456789abcdef0")
    return {
        "id": name,
        "arn": f"arn:{partition(region)}:ec2:{region}:{EXAMPLE_ACCOUNT}:subnet/{name}",
        # Empty where only AWS could say: a made-up zone or VPC would be checked and refused.
        "availabilityZone": str(args.get("availabilityZone") or ""),
        "cidrBlock": f"10.0.{sum(name.encode()) % 256}.0/24",
        "vpcId": str(args.get("vpcId") or ""),
        "mapPublicIpOnLaunch": False,
        "state": "available",
    }


def _security_group(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    group = str(args.get("id") or "sg-0123456789abcdef0")
    return {
        "id": group,
        "arn": f"arn:{partition(region)}:ec2:{region}:{EXAMPLE_ACCOUNT}:security-group/{group}",
        "name": str(args.get("name") or "default"),
        "description": "default VPC security group",
        "vpcId": str(args.get("vpcId") or "vpc-0123456789abcdef0"),
        "tags": {},
    }


def _cluster(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    name = str(args.get("name", "cluster"))
    host = f"0123456789ABCDEF0123456789ABCDEF.gr7.{region}.eks.{_dns_suffix(region)}"
    return {
        "id": name,
        "name": name,
        "arn": f"arn:{partition(region)}:eks:{region}:{EXAMPLE_ACCOUNT}:cluster/{name}",
        "endpoint": f"https://{host}",
        "certificateAuthorities": [{"data": "LS0tLS1CRUdJTg=="}],
        "identities": [{"oidcs": [{"issuer": f"https://oidc.eks.{region}.amazonaws.com/id/0123"}]}],
        "vpcConfig": {
            "clusterSecurityGroupId": "sg-0123456789abcdef0",
            "securityGroupIds": [],
            "subnetIds": ["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"],
            "vpcId": "",
            "endpointPrivateAccess": True,
            "endpointPublicAccess": False,
            "publicAccessCidrs": [],
        },
        "kubernetesNetworkConfigs": [
            {"ipFamily": "ipv4", "serviceIpv4Cidr": "172.20.0.0/16", "serviceIpv6Cidr": ""}
        ],
        "computeConfigs": [{"enabled": True, "nodePools": ["general-purpose", "system"]}],
        "status": "ACTIVE",
        "version": "1.36",
        "platformVersion": "eks.1",
        "tags": {},
    }


def _registry_login(_: Mapping[str, Any], region: str) -> dict[str, Any]:
    registry = f"{EXAMPLE_ACCOUNT}.dkr.ecr.{region}.{_dns_suffix(region)}"
    return {
        "id": region,
        "authorizationToken": "",
        "expiresAt": "1970-01-01T00:00:00Z",
        "password": "",
        "proxyEndpoint": f"https://{registry}",
        "userName": "AWS",
    }


def _named_cidrs(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    return {
        "id": "pl-0123456789abcdef0",
        "prefixListId": "pl-0123456789abcdef0",
        "name": str(args.get("name") or f"com.amazonaws.{region}.s3"),
        "cidrBlocks": ["198.51.100.0/24"],
        "entries": [],
        "arn": f"arn:{partition(region)}:ec2:{region}:aws:prefix-list/pl-0123456789abcdef0",
        "ownerId": "AWS",
        "addressFamily": "IPv4",
        "maxEntries": 0,
        "version": 0,
        "tags": {},
    }


def _zone(args: Mapping[str, Any], region: str) -> dict[str, Any]:
    zone = str(args.get("zoneId") or "Z0123456789ABCDEF")
    return {
        "id": zone,
        "zoneId": zone,
        "arn": f"arn:{partition(region)}:route53:::hostedzone/{zone}",
        "name": str(args.get("name") or "example.com"),
        "privateZone": False,
    }


_ANSWERS: Final[Mapping[str, Callable[[Mapping[str, Any], str], dict[str, Any]]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
    "aws:ec2/getAmi:getAmi": _image,
    "aws:ssm/getParameter:getParameter": _parameter,
    "aws:ec2/getVpc:getVpc": _vpc,
    "aws:ec2/getSubnet:getSubnet": _subnet,
    "aws:ec2/getSecurityGroup:getSecurityGroup": _security_group,
    "aws:ec2/getPrefixList:getPrefixList": _named_cidrs,
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": _named_cidrs,
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": _registry_login,
    "aws:eks/getCluster:getCluster": _cluster,
    "aws:route53/getZone:getZone": _zone,
}
