"""EC2 instances and the templates that they are started from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turnout_policies.facts import containers
from turnout_policies.facts.tokens import (
    EBS_VOLUME,
    INSTANCE,
    LAUNCH_CONFIGURATION,
    LAUNCH_TEMPLATE,
)
from turnout_policies.properties import Properties
from turnout_policies.resources import canonical_type
from turnout_policies.rule import (
    Context,
    Finding,
    Level,
    Outcomes,
    Rule,
    Setting,
    Severity,
    each,
)

_STARTERS = (INSTANCE, LAUNCH_CONFIGURATION, LAUNCH_TEMPLATE)


def _template_decides(starter: Properties, *keys: str) -> bool:
    """Whether an instance takes a setting from its launch template, which is judged itself."""
    return starter.has("launchTemplate") and not starter.has(*keys)


def _requires_imdsv2(starter: Properties, _: Context) -> Outcomes:
    options = starter.at("metadataOptions")
    if options.text("httpEndpoint") == "disabled":
        return
    if _template_decides(starter, "metadataOptions", "httpTokens"):
        return
    tokens = options.text("httpTokens")
    if tokens != "required":
        yield Finding(
            f"metadataOptions.httpTokens is {tokens or 'not set'}, not required",
            "metadataOptions.httpTokens",
        )


def _require_imdsv2(properties: Mapping[str, Any]) -> Mapping[str, Any] | None:
    options = properties.get("metadataOptions")
    given = dict(options) if isinstance(options, Mapping) else {}
    if given.get("httpTokens") == "required" or given.get("httpEndpoint") == "disabled":
        return None
    if properties.get("launchTemplate") and not given.get("httpTokens"):
        return None
    return {"metadataOptions": {**given, "httpTokens": "required"}}


def _metadata_hops(starter: Properties, context: Context) -> Outcomes:
    limit = context.settings["max"]
    hops = starter.number("metadataOptions", "httpPutResponseHopLimit")
    if hops is not None and hops > limit:
        yield Finding(
            f"metadataOptions.httpPutResponseHopLimit is {hops:g}, more than {limit:g}",
            "metadataOptions.httpPutResponseHopLimit",
        )


def _no_public_ip(starter: Properties, _: Context) -> Outcomes:
    if starter.flag("associatePublicIpAddress"):
        yield Finding("associatePublicIpAddress is true", "associatePublicIpAddress")

    def check(interface: Properties) -> Outcomes:
        if interface.flag("associatePublicIpAddress"):
            yield Finding(
                f"{interface.place}.associatePublicIpAddress is true",
                f"{interface.place}.associatePublicIpAddress",
            )

    if canonical_type(starter.resource.type) == LAUNCH_TEMPLATE:
        yield from each(starter.each("networkInterfaces"), check)


def _disks_encrypted(holder: Properties, _: Context) -> Outcomes:
    match canonical_type(holder.resource.type):
        case t if t == EBS_VOLUME:
            yield from _encrypted(holder, "the volume")
        case t if t == LAUNCH_TEMPLATE:
            mappings = holder.each("blockDeviceMappings")
            if not mappings:
                yield Finding("no disk is described, so the image decides", "blockDeviceMappings")
            yield from each(mappings, _mapping_encrypted)
        case _:
            root = holder.at("rootBlockDevice")
            if root.has():
                yield from _encrypted(root, "the root disk")
            elif not holder.has("launchTemplate"):
                yield Finding("no root disk is described, so the image decides", "rootBlockDevice")
            yield from each(
                holder.each("ebsBlockDevices"), lambda disk: _encrypted(disk, disk.place)
            )


def _mapping_encrypted(mapping: Properties) -> Outcomes:
    # Even an empty `noDevice` takes the image's disk away.
    if mapping.at("noDevice").value is not None or mapping.has("virtualName"):
        return
    yield from _encrypted(mapping.at("ebs"), mapping.place)


def _encrypted(disk: Properties, name: str) -> Outcomes:
    # A disk from a snapshot is encrypted when the snapshot is, and must not say so itself.
    if not disk.flag("encrypted") and not (disk.has("snapshotId") and not disk.has("encrypted")):
        yield Finding(f"{name} is not encrypted", f"{disk.place}.encrypted".removeprefix("."))


def _one_interface(starter: Properties, _: Context) -> Outcomes:
    count = len(starter.each("networkInterfaces"))
    if count > 1:
        yield Finding(f"{count} network interfaces", "networkInterfaces")


def _has_profile(starter: Properties, _: Context) -> Outcomes:
    if not starter.has("iamInstanceProfile") and not starter.has("launchTemplate"):
        yield Finding("no instance profile: programs on it need keys of their own")


def _no_credentials_in_user_data(starter: Properties, _: Context) -> Outcomes:
    for key in ("userData", "userDataBase64"):
        text = containers.decoded(starter.text(key))
        if containers.script_contains_secret(text):
            yield Finding(f"{key} holds a key or a password in plain text", key)


def _monitored_in_detail(starter: Properties, _: Context) -> Outcomes:
    match canonical_type(starter.resource.type):
        case t if t == LAUNCH_CONFIGURATION:
            monitored = starter.flag("enableMonitoring", default=True)
        case t if t == LAUNCH_TEMPLATE:
            monitored = starter.flag("monitoring", "enabled")
        case _:
            monitored = _template_decides(starter, "monitoring") or starter.flag("monitoring")
    if not monitored:
        yield Finding("metrics come every five minutes only", "monitoring")


def _protected_from_termination(instance: Properties, _: Context) -> Outcomes:
    if _template_decides(instance, "disableApiTermination"):
        return
    if not instance.flag("disableApiTermination") and not instance.has("instanceMarketOptions"):
        yield Finding("one API call ends the instance", "disableApiTermination")


RULES = (
    Rule(
        id="instance-requires-imdsv2",
        title="Instance metadata is given to callers with a token only (IMDSv2)",
        why="Without a token a server that can be made to fetch a URL hands out its role's keys.",
        concern="security",
        severity=Severity.HIGH,
        types=_STARTERS,
        check=_requires_imdsv2,
        elsewhere=("FSBP EC2.8", "FSBP EC2.170", "FSBP AutoScaling.3", "cdk-nag EC2IMDSv2Enabled"),
        remedy=_require_imdsv2,
        remediation='metadata_options={"http_tokens": "required"}',
    ),
    Rule(
        id="instance-metadata-hop-limit",
        title="Instance metadata travels two hops at most",
        why="Each hop more lets another layer of proxies and containers ask for the role's keys.",
        concern="security",
        severity=Severity.MEDIUM,
        types=_STARTERS,
        check=_metadata_hops,
        elsewhere=("FSBP AutoScaling.4",),
        settings={"max": Setting({"type": "integer", "minimum": 1, "maximum": 64}, 2)},
        remediation='metadata_options={"http_put_response_hop_limit": 2, ...}',
    ),
    Rule(
        id="instance-no-public-ip",
        title="Instances have no public address",
        why="An instance with a public address is one security group away from the internet.",
        concern="security",
        severity=Severity.HIGH,
        types=_STARTERS,
        check=_no_public_ip,
        elsewhere=("FSBP EC2.9", "FSBP EC2.25", "FSBP AutoScaling.5"),
        remediation="associate_public_ip_address=False",
    ),
    Rule(
        id="disk-encrypted",
        title="Disks are encrypted",
        why="A snapshot of a plain disk can be read by whoever gets hold of it.",
        concern="security",
        severity=Severity.HIGH,
        types=(*_STARTERS, EBS_VOLUME),
        check=_disks_encrypted,
        elsewhere=("FSBP EC2.3", "FSBP EC2.7", "cdk-nag EC26"),
        remediation='block_device_mappings=[{"device_name": "/dev/sda1", "ebs": '
        '{"encrypted": "true", "volume_type": "gp3"}}]',
    ),
    Rule(
        id="instance-one-network-interface",
        title="An instance has one network interface",
        why="A second interface joins two networks that were meant to be apart.",
        concern="security",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        types=(INSTANCE, LAUNCH_TEMPLATE),
        check=_one_interface,
        elsewhere=("FSBP EC2.17",),
        remediation="network_interfaces=[{...}]  # one",
    ),
    Rule(
        id="instance-has-profile",
        title="Instances get their rights from an instance profile",
        why="Without a role, keys that never expire end up on the disk.",
        concern="security",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        scope="stack",
        types=_STARTERS,
        check=_has_profile,
        elsewhere=("cdk-nag EC2InstanceProfileAttached",),
        remediation='iam_instance_profile={"arn": profile.arn}',
    ),
    Rule(
        id="user-data-no-credentials",
        title="User data holds no keys and no passwords",
        why="User data is readable to every process on the instance and to everybody who may "
        "describe it.",
        concern="security",
        severity=Severity.CRITICAL,
        types=_STARTERS,
        check=_no_credentials_in_user_data,
        remediation="aws secretsmanager get-secret-value ...  # in the script, with the role",
    ),
    Rule(
        id="instance-detailed-monitoring",
        title="Instances report their metrics every minute",
        why="On five-minute metrics an autoscaler is late by the length of the outage.",
        concern="reliability",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        types=_STARTERS,
        check=_monitored_in_detail,
        elsewhere=("cdk-nag EC28",),
        remediation='monitoring={"enabled": True}',
    ),
    Rule(
        id="instance-termination-protection",
        title="An instance outside a group cannot be terminated by one call",
        why="What no autoscaling group brings back should not be lost to a wrong click.",
        concern="reliability",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        types=(INSTANCE,),
        check=_protected_from_termination,
        elsewhere=("cdk-nag EC29",),
        remediation="disable_api_termination=True",
    ),
)
