"""The tags that say which service, which tier and which stack a resource belongs to."""

from collections.abc import Mapping
from typing import Final, Literal

from turnout.config.target import Kind

SERVICE: Final = "turnout:service"
TARGET: Final = "turnout:target"
STACK: Final = "turnout:stack"
ENVIRONMENT: Final = "turnout:environment"

Owner = Kind | Literal["shared"]


def service_tags(
    service: str, stack: str, owner: Owner, more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Tags of everything that `owner` has: one tier, or `shared` for what outlives a switch."""
    return {**(more or {}), SERVICE: service, STACK: stack, TARGET: owner}


def named(tags: Mapping[str, str], name: str) -> dict[str, str]:
    """`tags` with `Name`, which the VPC console shows."""
    return {**tags, "Name": name}
