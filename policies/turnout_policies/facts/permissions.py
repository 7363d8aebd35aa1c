"""Who a security group lets in and out, whichever way that is written.

Pulumi has three ways: `ingress` and `egress` inside the group,
`aws.ec2.SecurityGroupRule`, and `aws.vpc.SecurityGroupIngressRule` /
`SecurityGroupEgressRule`. All become `Permission`s, one for each source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from turnout_policies.facts import addresses
from turnout_policies.facts.tokens import (
    DEFAULT_SECURITY_GROUP,
    SECURITY_GROUP,
    SECURITY_GROUP_EGRESS,
    SECURITY_GROUP_INGRESS,
    SECURITY_GROUP_RULE,
)
from turnout_policies.properties import NotKnownYet, Properties
from turnout_policies.resources import canonical_type
from turnout_policies.rule import Context, NotKnown, Outcome, Outcomes
from turnout_policies.stack import Stack

Direction = Literal["ingress", "egress"]
SourceKind = Literal["cidr", "group", "self", "prefix list"]

# Resources that hold permissions, and those among them that are one rule each.
RULE_RESOURCES = (SECURITY_GROUP_RULE, SECURITY_GROUP_INGRESS, SECURITY_GROUP_EGRESS)
HOLDERS = (SECURITY_GROUP, *RULE_RESOURCES)

_LAST_PORT = 65535
# IANA's numbers of the protocols that have names in the EC2 API.
_PROTOCOLS = {"-1": "all", "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
_ANY_ICMP_TYPE = -1


@dataclass(frozen=True, slots=True)
class Permission:
    """One source (or destination) and the ports that it may reach.

    Nothing is read before it is asked for, so a rule that does not depend
    on an unknown is not stopped by it.
    """

    direction: Direction
    kind: SourceKind
    block: Properties
    source: Properties
    protocol_key: str

    @property
    def place(self) -> str:
        return self.block.place

    @property
    def cidr(self) -> str | None:
        return self.source.text() if self.kind == "cidr" else None

    @property
    def is_internet(self) -> bool:
        cidr = self.cidr
        return cidr is not None and addresses.is_internet(cidr)

    @property
    def protocol(self) -> str:
        """`tcp`, `udp`, `icmp`, `icmpv6`, `all`, or another protocol's number."""
        text = self.block.text(self.protocol_key).lower()
        return _PROTOCOLS.get(text, text or "all")

    @property
    def has_ports(self) -> bool:
        return self.protocol in ("tcp", "udp", "all")

    @property
    def ports(self) -> tuple[int, int]:
        """First and last port; protocols without ports and `all` reach every one."""
        if self.protocol not in ("tcp", "udp"):
            return (0, _LAST_PORT)
        first, last = self.block.number("fromPort"), self.block.number("toPort")
        start = 0 if first is None or first < 0 else int(first)
        end = (_LAST_PORT if first is None or first < 0 else start) if last is None else int(last)
        return (start, _LAST_PORT if end < 0 else end)

    @property
    def icmp_type(self) -> int:
        """The ICMP type that is let through; -1 for all of them."""
        found = self.block.number("fromPort")
        return _ANY_ICMP_TYPE if found is None else int(found)

    def reaches(self, port: int) -> bool:
        first, last = self.ports
        return self.has_ports and first <= port <= last

    def reaches_only(self, ports: Iterable[int]) -> bool:
        allowed = set(ports)
        first, last = self.ports
        return (
            self.has_ports
            and last - first < len(allowed)
            and all(port in allowed for port in range(first, last + 1))
        )

    def describe(self) -> str:
        """The permission in the words of the EC2 console."""
        preposition = "from" if self.direction == "ingress" else "to"
        whom = self.source.text() if self.kind == "cidr" else f"a {self.kind}"
        protocol = self.protocol
        if protocol == "all":
            return f"all traffic {preposition} {whom}"
        if protocol not in ("tcp", "udp"):
            named = f"protocol {protocol}" if protocol.isdecimal() else protocol
            return f"{named} {preposition} {whom}"
        first, last = self.ports
        span = "all ports" if (first, last) == (0, _LAST_PORT) else f"{first}-{last}"
        return f"{protocol} {first if first == last else span} {preposition} {whom}"


def permissions(holder: Properties, direction: Direction) -> Iterator[Permission]:
    """The permissions of one direction that a group or a rule resource holds."""
    match canonical_type(holder.resource.type):
        case t if t in (SECURITY_GROUP, DEFAULT_SECURITY_GROUP):
            for block in holder.each(direction):
                yield from _inline(block, direction)
        case t if t == SECURITY_GROUP_RULE:
            if holder.text("type") == direction:
                yield from _rule_resource(holder, direction)
        case t if t == (
            SECURITY_GROUP_INGRESS if direction == "ingress" else SECURITY_GROUP_EGRESS
        ):
            yield from _vpc_rule(holder, direction)
        case _:
            return


_LISTS: tuple[tuple[str, SourceKind], ...] = (
    ("cidrBlocks", "cidr"),
    ("ipv6CidrBlocks", "cidr"),
    ("prefixListIds", "prefix list"),
)


def _inline(block: Properties, direction: Direction) -> Iterator[Permission]:
    if not block.known:
        yield Permission(direction, "cidr", block, block, "protocol")
        return
    yield from _from_lists(block, direction, (*_LISTS, ("securityGroups", "group")))
    yield from _if_self(block, direction)


def _rule_resource(holder: Properties, direction: Direction) -> Iterator[Permission]:
    yield from _from_lists(holder, direction, _LISTS)
    group = holder.at("sourceSecurityGroupId")
    if not group.known or group.value:
        yield Permission(direction, "group", holder, group, "protocol")
    yield from _if_self(holder, direction)


def _from_lists(
    block: Properties, direction: Direction, lists: Iterable[tuple[str, SourceKind]]
) -> Iterator[Permission]:
    for key, kind in lists:
        found = block.at(key)
        sources = found.each() if found.known else [found]
        for source in sources:
            yield Permission(direction, kind, block, source, "protocol")


def _if_self(block: Properties, direction: Direction) -> Iterator[Permission]:
    found = block.at("self")
    if not found.known or found.flag():
        yield Permission(direction, "self", block, found, "protocol")


_SINGLE: tuple[tuple[str, SourceKind], ...] = (
    ("cidrIpv4", "cidr"),
    ("cidrIpv6", "cidr"),
    ("prefixListId", "prefix list"),
    ("referencedSecurityGroupId", "group"),
)


def _vpc_rule(holder: Properties, direction: Direction) -> Iterator[Permission]:
    for key, kind in _SINGLE:
        found = holder.at(key)
        if not found.known or found.value:
            yield Permission(direction, kind, holder, found, "ipProtocol")


def each_permission(
    holder: Properties,
    direction: Direction,
    check: Callable[[Permission], Iterable[Outcome]],
) -> Outcomes:
    """Check permissions apart from each other: one with an unknown hides no other."""
    for permission in permissions(holder, direction):
        try:
            yield from check(permission)
        except NotKnownYet as missing:
            yield NotKnown(_within(missing, holder))


def _within(missing: NotKnownYet, holder: Properties) -> str:
    place = str(missing)
    same = missing.resource.urn == holder.resource.urn
    return place if same else f"{missing.resource.name}.{place}"


def holders_of(group: Properties, context: Context) -> list[Properties]:
    """The group and the rule resources that add to it."""
    return [group, *rule_resources_of(group, context.stack)]


def rule_resources_of(group: Properties, stack: Stack) -> list[Properties]:
    return stack.referrers(group, "securityGroupId", *RULE_RESOURCES, every=True)
