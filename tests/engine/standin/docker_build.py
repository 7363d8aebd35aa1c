"""A stand-in for the docker-build provider: it builds nothing and gives a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from tests.engine.standin import sdk
from tests.engine.standin.cloud import Cloud, RefusedError
from tests.engine.standin.kinds import Call, Inputs, Kind, Registry
from tests.engine.standin.provider import ProviderServicer
from tests.engine.standin.resources import Package, Resources
from tests.engine.standin.shapes import Problem

VERSION = metadata.version("pulumi-docker-build")
IMAGE = "docker-build:index:Image"


def servicer(cloud: Cloud) -> ProviderServicer:
    return ProviderServicer(
        VERSION, lambda _: [], lambda _: Resources(_PACKAGE, cloud, "registry"), _no_lookups
    )


def _no_lookups(_resources: Resources, token: str, _arguments: Inputs) -> dict[str, Any]:
    raise RefusedError(f"the docker-build stand-in knows no {token}")


def _check_image(inputs: Inputs) -> Iterator[Problem]:
    pushed = inputs.get("push") or inputs.get("exports")
    if not pushed:
        yield Problem("push", "an image that goes nowhere: push or exports")


def _outputs(inputs: Inputs, _call: Call, _identity: str) -> dict[str, Any]:
    said = json.dumps({key: inputs.get(key) for key in ("context", "dockerfile", "platforms")})
    digest = f"sha256:{hashlib.sha256(said.encode()).hexdigest()}"
    return {"digest": digest, "contextHash": digest, "ref": f"image@{digest}"}


def _no_property_problems(_token: str, _inputs: Mapping[str, Any]) -> Iterator[Problem]:
    return iter(())


_PACKAGE = Package(
    name="docker-build",
    kinds=Registry(
        (
            Kind(
                IMAGE,
                lambda _inputs, call: f"sha256:{call.cloud.next_hex(64)}",
                _outputs,
                _check_image,
            ),
        )
    ),
    shape=lambda token: sdk.resource_shape(token, "pulumi_docker_build"),
    property_problems=_no_property_problems,
    replaces=lambda _token: frozenset(),
    common_outputs=lambda _record, _call: {},
)
