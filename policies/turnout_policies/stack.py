"""The stack as a graph: which resource refers to which.

At preview ids are unknown, so references are followed through the
dependencies that the engine records for each property; once ids are known,
through the ids as well, so that a literal id or ARN is followed too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from turnout_policies.properties import NotKnownYet, OnRead, Properties
from turnout_policies.resources import Resource, UnknownValue, canonical_type

Leaf = TypeVar("Leaf")

# Outputs that other resources name a resource by.
_IDENTITIES = ("id", "arn", "arnSuffix", "repositoryUrl", "bucket")


@dataclass(frozen=True, slots=True)
class _Reference:
    """What a value refers to; `open` where a part of it may refer to anything."""

    urns: tuple[str, ...]
    open: bool


class Stack:
    """All resources of one stack, indexed."""

    def __init__(self, resources: Iterable[Resource], on_read: OnRead | None = None) -> None:
        self.resources = tuple(resources)
        self._on_read = on_read
        self._by_urn = {resource.urn: resource for resource in self.resources}
        self._by_type: dict[str, list[Resource]] = {}
        # Several resources may share a name: what configures a bucket has the bucket's id.
        self._by_identity: dict[str, list[Resource]] = {}
        for resource in self.resources:
            self._by_type.setdefault(canonical_type(resource.type), []).append(resource)
            for key in _IDENTITIES:
                identity = resource.outputs.get(key)
                if isinstance(identity, str) and identity:
                    self._by_identity.setdefault(identity, []).append(resource)
        self._references: dict[tuple[str, str], _Reference] = {}

    def of(self, *types: str) -> list[Properties]:
        """All resources of these (canonical) types."""
        return [self.view(item) for type_ in types for item in self._by_type.get(type_, ())]

    def view(self, resource: Resource) -> Properties:
        return Properties(resource, on_read=self._on_read)

    def targets(self, place: Properties, *types: str) -> list[Properties]:
        """The resources that a value refers to, of these types if any are given.

        Raises `NotKnownYet` where a part of it may refer to anything.
        """
        found = self._reference(place)
        if found.open:
            raise NotKnownYet(place.path, place.resource)
        resources = [self._by_urn[urn] for urn in found.urns if urn in self._by_urn]
        return [
            self.view(item) for item in resources if not types or canonical_type(item.type) in types
        ]

    def refers(self, referrer: Resource, name: str, referred: Resource) -> bool:
        """Whether a property of one resource holds an output of the other.

        Raises `NotKnownYet` where it may.
        """
        found = self._reference_of(referrer, name)
        if found.open and referred.urn not in found.urns:
            raise NotKnownYet((name,), referrer)
        return referred.urn in found.urns

    def referrers(
        self, referred: Properties, name: str, *types: str, every: bool = False
    ) -> list[Properties]:
        """The resources of these types whose property `name` holds an output of this one.

        Raises `NotKnownYet` where only one that cannot be told may be among them; with
        `every`, wherever there is such a one.
        """
        certain = []
        missing: NotKnownYet | None = None
        for item in self.of(*types):
            try:
                if self.refers(item.resource, name, referred.resource):
                    certain.append(item)
            except NotKnownYet as error:
                missing = missing or error
        if missing is not None and (every or not certain):
            raise missing
        return certain

    def configuring(
        self, referred: Properties, own_name: str, name: str, *types: str
    ) -> list[Properties]:
        """The resources that refer to this one, by an output or by its name as text."""
        certain = self.referrers(referred, name, *types)
        own = referred.at(own_name)
        by_text = [item for item in self.of(*types) if isinstance(item.below(name).raw, str)]
        if certain or not by_text:
            return certain
        return [item for item in by_text if own.value and item.text(name) == own.text()]

    def _reference_of(self, referrer: Resource, name: str) -> _Reference:
        key = (referrer.urn, name)
        found = self._references.get(key)
        if found is None:
            found = self._references[key] = self._reference(self.view(referrer).below(name))
        elif self._on_read is not None:
            self._on_read(referrer, (name,))
        return found

    def _reference(self, place: Properties) -> _Reference:
        place.note_read()
        urns: dict[str, None] = {}
        for leaf in _leaves(place.raw, str):
            named = self._by_identity.get(leaf, ())
            urns.update((item.urn, None) for item in named if item.urn != place.resource.urn)
        unknowns = list(_leaves(place.raw, UnknownValue))
        for unknown in unknowns:
            urns.update(dict.fromkeys(unknown.sources))
        sourceless = any(not unknown.sources for unknown in unknowns)
        # A known value may have been made from outputs too (after an update, or through
        # `apply`). The engine records sources for a whole property, so the elements of a
        # list are not told apart.
        recorded = place.referred_urns()
        if not urns or sourceless:
            urns.update(dict.fromkeys(recorded))
        return _Reference(tuple(urns), sourceless and not recorded)


def _leaves(value: Any, kind: type[Leaf]) -> Iterator[Leaf]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item, kind)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item, kind)
