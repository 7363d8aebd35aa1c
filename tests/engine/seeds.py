"""What a stack file refers to and does not make: certificates, zones, roles, secrets, keys."""

from __future__ import annotations

import re
from typing import Any

from tests.engine.account import trust
from tests.engine.standin.aws import identity, naming
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
    return cloud


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
