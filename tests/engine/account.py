"""An account to try resources in, one call at a time and without an engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.engine.standin.aws import lookups
from tests.engine.standin.aws.package import package
from tests.engine.standin.cloud import Cloud, RefusedError
from tests.engine.standin.resources import Resources

REGION = "ap-northeast-2"
Inputs = dict[str, Any]


@dataclass
class Account:
    """The stand-in for AWS as the engine calls it: check, then create."""

    cloud: Cloud = field(default_factory=Cloud)

    @property
    def resources(self) -> Resources:
        return Resources(package(), self.cloud, REGION)

    def create(self, token: str, logical: str = "it", /, **inputs: Any) -> Mapping[str, Any]:
        """The outputs, with the id. Raises RefusedError, at check or at creation."""
        checked, found = self.resources.check(token, logical, {}, inputs, b"seed")
        if found:
            raise RefusedError("; ".join(f"{p.path}: {p.reason}" for p in found))
        identity, outputs = self.resources.create(token, checked, preview=False)
        return {**outputs, "id": identity}

    def delete(self, token: str, identity: str) -> None:
        self.resources.delete(token, identity)

    def look_up(self, token: str, **arguments: Any) -> Mapping[str, Any]:
        return lookups.invoke(self.resources, token, arguments)


def trust(service: str) -> str:
    """A trust policy for one service."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": service},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def altered(inputs: Mapping[str, Any], changes: Mapping[str, Any]) -> Inputs:
    """Inputs with some changed: `a.b` is a path, and None takes a property away."""
    copy: Inputs = json.loads(json.dumps(inputs))
    for path, value in changes.items():
        *way, last = (int(key) if key.isdigit() else key for key in path.split("."))
        place: Any = copy
        for key in way:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return copy
