"""Network ACLs: who is let in, and which entry is asked first."""

from __future__ import annotations

from dataclasses import dataclass

from turnout_policies.facts import addresses
from turnout_policies.facts.tokens import NETWORK_ACL, NETWORK_ACL_RULE
from turnout_policies.properties import Properties
from turnout_policies.resources import canonical_type
from turnout_policies.stack import Stack

_EVERY_PROTOCOL = ("-1", "all")
_TCP = (*_EVERY_PROTOCOL, "6", "tcp")


@dataclass(frozen=True, slots=True)
class Entry:
    """One inbound entry of an ACL; nothing is read before it is asked for."""

    block: Properties

    @property
    def place(self) -> str:
        return self.block.place

    @property
    def allows(self) -> bool:
        return self._either("action", "ruleAction").text().lower() == "allow"

    @property
    def number(self) -> float | None:
        """Its place in the order in which the entries are asked."""
        return self._either("ruleNo", "ruleNumber").number()

    @property
    def cidrs(self) -> list[str]:
        found = [self.block.text(key) for key in ("cidrBlock", "ipv6CidrBlock")]
        return [cidr for cidr in found if cidr]

    @property
    def is_internet(self) -> bool:
        return any(addresses.is_internet(cidr) for cidr in self.cidrs)

    def reaches(self, port: int) -> bool:
        """Whether it is for a TCP port."""
        protocol = self.block.text("protocol").lower()
        if protocol not in _TCP:
            return False
        first, last = self.block.number("fromPort") or 0, self.block.number("toPort") or 0
        return protocol in _EVERY_PROTOCOL or first <= port <= last

    def comes_after_denial(self, other: Entry, *, port: int) -> bool:
        """Whether another entry is asked before and denies the port to all whom this one means."""
        if other.allows or not other.reaches(port):
            return False
        first, second = other.number, self.number
        if first is None or second is None or first >= second:
            return False
        return all(addresses.is_within(cidr, other.cidrs) for cidr in self.cidrs)

    def _either(self, inline: str, own: str) -> Properties:
        """A value that entries inside an ACL and rule resources name differently."""
        is_rule = canonical_type(self.block.resource.type) == NETWORK_ACL_RULE
        return self.block.at(own if is_rule else inline)


def inbound(acl: Properties) -> list[Properties]:
    """The blocks of the inbound entries that an ACL holds, or that a rule resource is."""
    if canonical_type(acl.resource.type) == NETWORK_ACL_RULE:
        return [] if acl.flag("egress") else [acl]
    return acl.each("ingress")


def asked_with(acl: Properties, stack: Stack) -> list[Entry]:
    """The inbound entries that are asked together with those of an ACL or a rule resource."""
    holders = [acl]
    if canonical_type(acl.resource.type) == NETWORK_ACL_RULE:
        own = acl.at("networkAclId")
        holders = [item for item in stack.of(NETWORK_ACL_RULE) if _are_one(own, item, stack)]
    return [Entry(block) for holder in holders for block in inbound(holder)]


def _are_one(own: Properties, other: Properties, stack: Stack) -> bool:
    """Whether a rule is of the ACL that is named here, by its output or its id as text."""
    place = other.at("networkAclId")
    acls = {item.resource.urn for item in stack.targets(own, NETWORK_ACL)}
    if acls:
        return any(item.resource.urn in acls for item in stack.targets(place, NETWORK_ACL))
    return own.known and place.known and own.text() != "" and own.text() == place.text()
