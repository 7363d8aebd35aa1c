"""EKS: clusters, access, add-ons, Pod Identity."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from tests.engine.standin.aws.identity import need_trust
from tests.engine.standin.aws.network import subnets_of
from tests.engine.standin.aws.support import by, entries, known, refuse
from tests.engine.standin.cloud import Record
from tests.engine.standin.kinds import Autoname, Call, Inputs, Kind
from tests.engine.standin.shapes import Problem

CLUSTER = "aws:eks/cluster:Cluster"
ADDON = "aws:eks/addon:Addon"
ENTRY = "aws:eks/accessEntry:AccessEntry"
ASSOCIATION = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
IDENTITY = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
NODES = "aws:eks/nodeGroup:NodeGroup"
AUTHORITY = base64.b64encode(b"stand-in").decode()
# AWS adds and drops these over time: https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html
_OLDEST, _NEWEST = (1, 28), (1, 36)
_ADDONS = {
    "vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent", "metrics-server",
    "amazon-cloudwatch-observability", "aws-ebs-csi-driver", "aws-efs-csi-driver",
    "eks-node-monitoring-agent", "snapshot-controller", "cert-manager", "external-dns",
}  # fmt: skip


def _check_cluster(inputs: Inputs) -> Iterator[Problem]:
    version = inputs.get("version")
    if known(version):
        parts = tuple(int(p) for p in version.split(".") if p.isdigit())
        if not _OLDEST <= parts <= _NEWEST:
            yield Problem("version", f"unsupported Kubernetes version {version}")
    yield from _auto_mode_problems(inputs)
    vpc = inputs.get("vpcConfig") or {}
    if vpc.get("endpointPrivateAccess") is False and vpc.get("endpointPublicAccess") is False:
        yield Problem("vpcConfig", "private and public access cannot both be off")
    if vpc.get("endpointPublicAccess") is False and vpc.get("publicAccessCidrs"):
        yield Problem("vpcConfig.publicAccessCidrs", "not with endpointPublicAccess off")


def _auto_mode_problems(inputs: Inputs) -> Iterator[Problem]:
    """Auto Mode is three switches that EKS accepts only together."""
    compute = (inputs.get("computeConfig") or {}).get("enabled")
    network = inputs.get("kubernetesNetworkConfig") or {}
    balancing = (network.get("elasticLoadBalancing") or {}).get("enabled")
    storage = ((inputs.get("storageConfig") or {}).get("blockStorage") or {}).get("enabled")
    switches = {bool(compute), bool(balancing), bool(storage)}
    if len(switches) > 1:
        yield Problem("computeConfig", "compute, elastic load balancing and block storage must be "
                      "fully enabled or fully disabled for EKS Auto Mode")  # fmt: skip
    if compute and inputs.get("bootstrapSelfManagedAddons") is not False:
        yield Problem("bootstrapSelfManagedAddons", "must be false with EKS Auto Mode")
    mode = (inputs.get("accessConfig") or {}).get("authenticationMode")
    if compute and mode == "CONFIG_MAP":
        yield Problem("accessConfig", "EKS Auto Mode needs authenticationMode API")


def _admit_cluster(inputs: Inputs, call: Call, _own: Record | None) -> None:
    need_trust(inputs, "roleArn", "eks.amazonaws.com", call)
    compute = inputs.get("computeConfig") or {}
    need_trust(compute, "nodeRoleArn", "ec2.amazonaws.com", call)
    subnets = subnets_of(inputs["vpcConfig"], "subnetIds", call)
    if len({subnet.get("availabilityZone") for subnet in subnets}) < 2:
        refuse("InvalidParameterException: Subnets specified must be in at least two different AZs")


def _cluster_outputs(inputs: Inputs, call: Call, name: str) -> dict[str, Any]:
    digits = call.cloud.next_hex(16).upper()
    subnets = subnets_of(inputs["vpcConfig"], "subnetIds", call)
    before = call.cloud.find(CLUSTER, call.region, id=name)
    group = before.outputs["vpcConfig"].get("clusterSecurityGroupId") if before else None
    return {
        "arn": call.arn("eks", f"cluster/{name}"),
        "endpoint": f"https://{digits}.gr7.{call.region}.eks.amazonaws.com",
        "certificateAuthority": {"data": AUTHORITY},
        "identities": [{"oidcs": [{"issuer": f"https://oidc.eks.{call.region}.amazonaws.com/id/{digits}"}]}],
        "platformVersion": "eks.1",
        "version": inputs.get("version", "1.34"),
        "status": "ACTIVE",
        "createdAt": "2026-01-01T00:00:00Z",
        "vpcConfig": {
            **inputs["vpcConfig"],
            "clusterSecurityGroupId": group or f"sg-{call.cloud.next_hex(17)}",
            "vpcId": subnets[0].get("vpcId") if subnets else None,
        },
    }  # fmt: skip


def _release_cluster(record: Record, _call: Call) -> None:
    if record.inputs.get("deletionProtection"):
        refuse(f"InvalidRequestException: {record.id} has deletion protection")


def _check_addon(inputs: Inputs) -> Iterator[Problem]:
    name = inputs.get("addonName")
    if known(name) and name not in _ADDONS:
        yield Problem("addonName", f"InvalidParameterException: no add-on {name!r}")


def _check_association(inputs: Inputs) -> Iterator[Problem]:
    arn = inputs.get("policyArn")
    if known(arn) and not arn.startswith("arn:aws:eks::aws:cluster-access-policy/"):
        yield Problem("policyArn", f"{arn!r} is no access policy of EKS")
    scope = inputs.get("accessScope") or {}
    if (scope.get("type") == "namespace") != bool(entries(scope.get("namespaces"))):
        yield Problem("accessScope", "namespaces go with type namespace, and only with it")


def _admit_association(inputs: Inputs, call: Call, _own: Record | None) -> None:
    wanted = {name: inputs[name] for name in ("clusterName", "principalArn")}
    if not call.cloud.find(ENTRY, call.region, **wanted):
        refuse(f"ResourceNotFoundException: {inputs['principalArn']} has no access entry")


def _admit_identity(inputs: Inputs, call: Call, own: Record | None) -> None:
    need_trust(inputs, "roleArn", "pods.eks.amazonaws.com", call)
    names = ("clusterName", "namespace", "serviceAccount")
    twin = call.cloud.find(IDENTITY, call.region, **{name: inputs[name] for name in names})
    if twin is not None and twin is not own:
        refuse("ResourceInUseException: this service account has an association")


def _identity_outputs(inputs: Inputs, call: Call, identity: str) -> dict[str, Any]:
    arn = call.arn("eks", f"podidentityassociation/{inputs['clusterName']}/{identity}")
    return {"associationArn": arn, "associationId": identity}


def _addon_outputs(inputs: Inputs, call: Call, _identity: str) -> dict[str, Any]:
    own = f"addon/{inputs['clusterName']}/{inputs['addonName']}/{call.cloud.next_hex(8)}"
    return {"arn": call.arn("eks", own), "addonVersion": inputs.get("addonVersion", "v1.0.0")}


def _entry_outputs(inputs: Inputs, call: Call, _identity: str) -> dict[str, Any]:
    own = f"access-entry/{inputs['clusterName']}/{call.cloud.next_hex(16)}"
    return {"accessEntryArn": call.arn("eks", own), "userName": inputs["principalArn"]}


_IN_CLUSTER = {"clusterName": CLUSTER}

KINDS = (
    Kind(CLUSTER, by("name"), _cluster_outputs, _check_cluster, _admit_cluster, _release_cluster,
         Autoname(longest=100), unique=("name",), held_by=(NODES,)),
    Kind(ADDON, by("clusterName", "addonName", separator=":"), _addon_outputs, _check_addon,
         names=_IN_CLUSTER),
    Kind(ENTRY, by("clusterName", "principalArn", separator=":"), _entry_outputs,
         names=_IN_CLUSTER, held_by=()),
    Kind(ASSOCIATION, by("clusterName", "principalArn", "policyArn", separator="#"),
         check=_check_association, admit=_admit_association, names=_IN_CLUSTER),
    Kind(IDENTITY, lambda _inputs, call: f"a-{call.cloud.next_hex(16)}", _identity_outputs,
         admit=_admit_identity, names=_IN_CLUSTER),
)  # fmt: skip
