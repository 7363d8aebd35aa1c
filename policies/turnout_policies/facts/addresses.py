"""What an address range reaches."""

from __future__ import annotations

import ipaddress

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# A range this wide is a part of "everybody", however it is cut: 0.0.0.0/1 and
# 128.0.0.0/1 together are the internet, and so is 2000::/3.
_WIDEST_KNOWN_IPV4 = 8
_WIDEST_KNOWN_IPV6 = 16


def network(cidr: str) -> Network | None:
    """The network that a CIDR block names; None for text that is none."""
    try:
        return ipaddress.ip_network(cidr.strip(), strict=False)
    except ValueError:
        return None


def is_internet(cidr: str) -> bool:
    """Whether a range is the internet or a slice of it that nobody can own."""
    found = network(cidr)
    if found is None or not found.is_global:
        return False
    limit = _WIDEST_KNOWN_IPV4 if found.version == 4 else _WIDEST_KNOWN_IPV6
    return found.prefixlen <= limit


def is_within(cidr: str, allowed: list[str]) -> bool:
    """Whether a range lies inside one of the allowed ones."""
    return any(_contains(network(candidate), network(cidr)) for candidate in allowed)


def _contains(outer: Network | None, inner: Network | None) -> bool:
    match outer, inner:
        case ipaddress.IPv4Network(), ipaddress.IPv4Network():
            return inner.subnet_of(outer)
        case ipaddress.IPv6Network(), ipaddress.IPv6Network():
            return inner.subnet_of(outer)
        case _:
            return False
