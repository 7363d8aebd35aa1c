"""The stack as a graph: which resource refers to which.

At preview ids are unknown, so references are followed through the
dependencies that the engine records for each property; once ids are known,
through the ids as well, so that a literal id or ARN is followed too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from turnout_policies.properties import Path, Properties
from turnout_policies.resources import Resource, UnknownValue, canonical_type

Leaf = TypeVar("Leaf")

# Outputs that other resources name a resource by.
_IDENTITIES = ("id", "arn", "arnSuffix", "repositoryUrl", "bucket")


class Stack:
    """All resources of one stack, indexed."""

    def __init__(
        self, resources: Iterable[Resource], on_read: Callable[[Path], None] | None = None
    ) -> None:
        self.resources = tuple(resources)
        self._on_read = on_read
        self._by_urn = {resource.urn: resource for resource in self.resources}
        self._by_type: dict[str, list[Resource]] = {}
        self._by_identity: dict[str, Resource] = {}
        for resource in self.resources:
            self._by_type.setdefault(canonical_type(resource.type), []).append(resource)
            for key in _IDENTITIES:
                identity = resource.outputs.get(key)
                if isinstance(identity, str) and identity:
                    self._by_identity.setdefault(identity, resource)
        self._referred: dict[tuple[str, str], frozenset[str]] = {}

    def of(self, *types: str) -> list[Properties]:
        """All resources of these (canonical) types."""
        return [self.view(item) for type_ in types for item in self._by_type.get(type_, ())]

    def view(self, resource: Resource) -> Properties:
        return Properties(resource, on_read=self._on_read)

    def targets(self, place: Properties, *types: str) -> list[Properties]:
        """The resources that a value refers to, of these types if any are given."""
        urns = self._urns_in(place)
        found = [self._by_urn[urn] for urn in urns if urn in self._by_urn]
        return [
            self.view(item) for item in found if not types or canonical_type(item.type) in types
        ]

    def refers(self, referrer: Resource, name: str, referred: Resource) -> bool:
        """Whether a property of one resource holds an output of the other."""
        key = (referrer.urn, name)
        urns = self._referred.get(key)
        if urns is None:
            place = Properties(referrer, referrer.properties.get(name), (name,))
            urns = self._referred[key] = frozenset(self._urns_in(place))
        return referred.urn in urns

    def referrers(self, referred: Properties, name: str, *types: str) -> list[Properties]:
        """The resources of these types whose property `name` holds an output of this one."""
        return [
            item for item in self.of(*types) if self.refers(item.resource, name, referred.resource)
        ]

    def _urns_in(self, place: Properties) -> dict[str, None]:
        found: dict[str, None] = {}
        for leaf in _leaves(place.raw, str):
            if leaf in self._by_identity:
                found[self._by_identity[leaf].urn] = None
        unknowns = list(_leaves(place.raw, UnknownValue))
        for unknown in unknowns:
            found.update(dict.fromkeys(unknown.sources))
        # A known value may have been made from outputs too (after an update, or through
        # `apply`). The engine records sources for a whole property, so the elements of a
        # list are not told apart.
        if not found or any(not unknown.sources for unknown in unknowns):
            found.update(dict.fromkeys(place.referred_urns()))
        return found


def _leaves(value: Any, kind: type[Leaf]) -> Iterator[Leaf]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item, kind)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item, kind)
