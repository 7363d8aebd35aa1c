"""EKS clusters."""

from __future__ import annotations

from functools import partial

from turnout_policies.facts import addresses
from turnout_policies.facts.tokens import EKS_CLUSTER
from turnout_policies.properties import Properties
from turnout_policies.rule import (
    Context,
    Finding,
    Outcomes,
    Rule,
    Setting,
    Severity,
    any_holds,
    each,
)

# What can be answered after an incident only if it was logged before.
_NEEDED_LOGS = ("api", "audit", "authenticator")


def _endpoint_restricted(cluster: Properties, _: Context) -> Outcomes:
    network = cluster.at("vpcConfig")
    if not network.flag("endpointPublicAccess", default=True):
        return
    ranges = network.each("publicAccessCidrs")
    if not ranges:
        yield Finding("its API is open to the internet", "vpcConfig.publicAccessCidrs")

    def check(item: Properties) -> Outcomes:
        if addresses.is_internet(item.text()):
            yield Finding(f"its API is open to {item.text()}", "vpcConfig.publicAccessCidrs")

    yield from each(ranges, check)


def _supported_version(cluster: Properties, context: Context) -> Outcomes:
    version, oldest = cluster.text("version"), str(context.settings["oldest"])
    if version and _parts(version) < _parts(oldest):
        yield Finding(f"version {version} is older than {oldest}", "version")


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _encrypts_secrets(cluster: Properties, _: Context) -> Outcomes:
    configuration = cluster.at("encryptionConfig")
    if not configuration.has() or not any_holds(
        configuration.each("resources"), lambda item: item.text() == "secrets"
    ):
        yield Finding("secrets are not encrypted with a key of yours", "encryptionConfig")


def _is_named(name: str, item: Properties) -> bool:
    return item.text() == name


def _logs_control_plane(cluster: Properties, _: Context) -> Outcomes:
    enabled = cluster.at("enabledClusterLogTypes")
    absent = [
        name for name in _NEEDED_LOGS if not any_holds(enabled.each(), partial(_is_named, name))
    ]
    if absent:
        yield Finding(f"no log of {', '.join(absent)}", "enabledClusterLogTypes")


RULES = (
    Rule(
        id="eks-endpoint-restricted",
        title="The cluster's API is private, or open to listed ranges",
        why="Every flaw in the API's authentication is then for everybody to try.",
        concern="security",
        severity=Severity.HIGH,
        types=(EKS_CLUSTER,),
        check=_endpoint_restricted,
        elsewhere=("FSBP EKS.1", "cdk-nag EKS1"),
        remediation='vpc_config={"endpoint_private_access": True, '
        '"endpoint_public_access": False, ...}',
    ),
    Rule(
        id="eks-supported-version",
        title="The cluster's Kubernetes version is supported",
        why="Unsupported versions get no fixes, cost more, and are upgraded on AWS's day.",
        concern="security",
        severity=Severity.HIGH,
        types=(EKS_CLUSTER,),
        check=_supported_version,
        elsewhere=("FSBP EKS.2",),
        settings={
            "oldest": Setting({"type": "string", "pattern": "^[0-9]+[.][0-9]+$"}, "1.33"),
        },
        remediation='version="1.35"',
    ),
    Rule(
        id="eks-encrypts-secrets",
        title="The cluster encrypts its secrets with a key of yours",
        why="Only a key of yours can be taken away from whoever got a copy of them.",
        concern="security",
        severity=Severity.MEDIUM,
        types=(EKS_CLUSTER,),
        check=_encrypts_secrets,
        elsewhere=("FSBP EKS.3",),
        remediation='encryption_config={"provider": {"key_arn": key.arn}, "resources": '
        '["secrets"]}',
    ),
    Rule(
        id="eks-control-plane-logs",
        title="The cluster logs its control plane",
        why="Who did what in the cluster is known from the audit log or not at all.",
        concern="security",
        severity=Severity.MEDIUM,
        types=(EKS_CLUSTER,),
        check=_logs_control_plane,
        elsewhere=("FSBP EKS.8", "cdk-nag EKS2"),
        remediation='enabled_cluster_log_types=["api", "audit", "authenticator"]',
    ),
)
