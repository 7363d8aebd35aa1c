"""The AWS stand-in: its kinds, its limits, its configuration."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any

from tests.engine.standin import sdk
from tests.engine.standin.aws import (
    balancing,
    clusters,
    containers,
    firewall,
    functions,
    identity,
    lookups,
    machines,
    naming,
    network,
    observability,
    rules,
    storage,
)
from tests.engine.standin.cloud import Cloud, Record
from tests.engine.standin.kinds import Call, Registry
from tests.engine.standin.provider import ProviderServicer
from tests.engine.standin.resources import Package, Resources
from tests.engine.standin.shapes import Problem

VERSION = metadata.version("pulumi-aws")
KINDS = Registry(
    network.KINDS,
    balancing.KINDS,
    identity.KINDS,
    machines.KINDS,
    containers.KINDS,
    functions.KINDS,
    clusters.KINDS,
    observability.KINDS,
    storage.KINDS,
    firewall.KINDS,
    naming.KINDS,
)


def servicer(cloud: Cloud) -> ProviderServicer:
    def open_region(configuration: dict[str, Any]) -> Resources:
        tags = (configuration.get("defaultTags") or {}).get("tags") or {}
        return Resources(package(tags), cloud, configuration["region"])

    return ProviderServicer(VERSION, _configuration_problems, open_region, lookups.invoke)


def package(default_tags: dict[str, str] | None = None) -> Package:
    def common_outputs(record: Record, call: Call) -> dict[str, Any]:
        shape = sdk.resource_shape(record.token, "pulumi_aws")
        found: dict[str, Any] = {}
        if "region" in shape.outputs:
            found["region"] = call.region
        if "tagsAll" in shape.outputs:
            found["tagsAll"] = {**(default_tags or {}), **(record.inputs.get("tags") or {})}
        return found

    return Package(
        name="aws",
        kinds=KINDS,
        shape=lambda token: sdk.resource_shape(token, "pulumi_aws"),
        property_problems=rules.property_problems,
        replaces=rules.replaces,
        common_outputs=common_outputs,
    )


def _configuration_problems(configuration: dict[str, Any]) -> list[Problem]:
    region = configuration.get("region")
    if region is None:
        return [Problem("region", "missing region configuration")]
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", str(region)):
        return [Problem("region", f"{region!r} is no AWS region")]
    return []
