"""References between resources: none may dangle, and none may be cut while it is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.engine.standin.cloud import ACCOUNT, Cloud, Record, RefusedError
from tests.engine.standin.kinds import Call, Kind, Registry
from tests.engine.standin.values import leaves

_IDS = {
    "vpc": "aws:ec2/vpc:Vpc",
    "subnet": "aws:ec2/subnet:Subnet",
    "sg": "aws:ec2/securityGroup:SecurityGroup",
    "igw": "aws:ec2/internetGateway:InternetGateway",
    "nat": "aws:ec2/natGateway:NatGateway",
    "eipalloc": "aws:ec2/eip:Eip",
    "rtb": "aws:ec2/routeTable:RouteTable",
    "lt": "aws:ec2/launchTemplate:LaunchTemplate",
    "vpce": "aws:ec2/vpcEndpoint:VpcEndpoint",
}
# These bring groups and route tables of their own with them.
_MAKERS = ("aws:ec2/vpc:Vpc", "aws:eks/cluster:Cluster")
_ID = re.compile(rf"({'|'.join(_IDS)})-[0-9a-f]{{8,17}}")


def refuse_dangling(inputs: dict[str, Any], kind: Kind, call: Call) -> None:
    """Refuse an id, an ARN of this account, or a name that nothing has."""
    for path, value in leaves(inputs):
        if not isinstance(value, str):
            continue
        target = kind.names.get(path)
        if target and not _named(call.cloud, target, value):
            raise RefusedError(f"{kind.token}: {path}: no {_short(target)} is named {value!r}")
        if _ID.fullmatch(value) and not _exists(call, value):
            raise RefusedError(f"{kind.token}: {path}: {value!r} does not exist in {call.region}")
        if _is_own_arn(value) and not call.cloud.has_arn(value):
            raise RefusedError(f"{kind.token}: {path}: {value!r} does not exist")


def refuse_while_in_use(record: Record, kind: Kind, cloud: Cloud, kinds: Registry) -> None:
    """Refuse to delete what another resource still needs."""
    for user in [*cloud.users_of(record), *_users_by_name(record, cloud, kinds)]:
        if user.token in kind.held_by:
            raise RefusedError(
                f"{record.token} {record.id} is still in use by {_short(user.token)} {user.id}"
            )


def _users_by_name(record: Record, cloud: Cloud, kinds: Registry) -> Iterator[Record]:
    own = _names_of(record)
    for user in list(cloud.records.values()):
        known = kinds[user.token]
        paths = (
            {path for path, target in known.names.items() if target == record.token}
            if known
            else set()
        )
        if any(path in paths and value in own for path, value in leaves(user.inputs)):
            yield user


def _named(cloud: Cloud, token: str, value: str) -> bool:
    return any(value in _names_of(record) for record in cloud.of(token))


def _names_of(record: Record) -> set[str]:
    return {str(name) for name in (record.id, record.get("name"), record.arn) if name}


def _exists(call: Call, identity: str) -> bool:
    token = _IDS[identity.partition("-")[0]]
    if call.cloud.find(token, call.region, id=identity):
        return True
    return any(
        identity in (leaf for _, leaf in leaves(record.outputs))
        for token in _MAKERS
        for record in call.cloud.of(token, call.region)
    )


def _is_own_arn(value: str) -> bool:
    return value.startswith("arn:aws:") and f":{ACCOUNT}:" in value and value.count(" ") == 0


def _short(token: str) -> str:
    return token.rpartition(":")[2]
