"""The life of a stand-in's resources: check, diff, create, read, update, delete."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.engine.standin import sdk
from tests.engine.standin.cloud import Cloud, Record, RefusedError
from tests.engine.standin.differences import Change, changes
from tests.engine.standin.kinds import Autoname, Call, Kind, Registry
from tests.engine.standin.references import refuse_dangling, refuse_while_in_use
from tests.engine.standin.sdk import ResourceShape
from tests.engine.standin.shapes import Problem, problems
from tests.engine.standin.values import UNKNOWN, has_unknown, without_nulls

_DEFAULTS = "__defaults"


@dataclass(frozen=True)
class Package:
    """What is particular to one provider."""

    name: str
    kinds: Registry
    shape: Callable[[str], ResourceShape]
    property_problems: Callable[[str, Mapping[str, Any]], Iterator[Problem]]
    replaces: Callable[[str], frozenset[str]]
    common_outputs: Callable[[Record, Call], dict[str, Any]]


@dataclass(frozen=True)
class Resources:
    """One configured provider: a package, the cloud it speaks to, the region it speaks for."""

    package: Package
    cloud: Cloud
    region: str

    def check(
        self, token: str, name: str, old: dict[str, Any], new: dict[str, Any], seed: bytes
    ) -> tuple[dict[str, Any], list[Problem]]:
        """Fill in automatic names, and say everything that is wrong with the inputs."""
        try:
            kind, shape = self._known(token)
        except (RefusedError, sdk.UnknownTypeError) as error:
            return new, [Problem("", str(error))]
        inputs = {key: value for key, value in new.items() if value is not None}
        if kind.autoname:
            inputs |= _automatic_name(kind.autoname, name, old, inputs, seed)
        found = [
            *problems(inputs, shape.inputs),
            *self.package.property_problems(token, inputs),
        ]
        if not found:
            found = list(kind.check(inputs))
        return inputs, found

    def diff(self, token: str, old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
        return changes(old, new, self.package.replaces(token))

    def deletes_first(self, token: str) -> bool:
        kind = self.package.kinds[token]
        return kind is not None and kind.delete_first

    def create(
        self, token: str, inputs: dict[str, Any], *, preview: bool
    ) -> tuple[str, dict[str, Any]]:
        kind, shape = self._known(token)
        if preview:
            return "", self._planned(shape, inputs)
        call = Call(self.cloud, self.region, token)
        with self.cloud.lock:
            self._admit(kind, inputs, call, None)
            identity = kind.identify(inputs, call)
            record = Record(token, identity, self._home(kind), inputs, {})
            record.outputs = self._computed(kind, record, call)
            self.cloud.add(record)
            return identity, record.outputs

    def update(
        self, token: str, identity: str, inputs: dict[str, Any], *, preview: bool
    ) -> dict[str, Any]:
        kind, shape = self._known(token)
        with self.cloud.lock:
            record = self._live(kind, token, identity)
            if preview:
                moving = {name: UNKNOWN for name in _MOVING if name in record.outputs}
                return {**record.outputs, **moving, **inputs}
            call = Call(self.cloud, self.region, token)
            self._admit(kind, inputs, call, record)
            kept = {
                key: value
                for key, value in record.outputs.items()
                if key in shape.outputs and key not in {*inputs, *_MOVING}
            }
            record.inputs = inputs
            record.outputs = self._computed(kind, record, call) | kept
            return record.outputs

    def read(self, token: str, identity: str) -> Record | None:
        kind, _ = self._known(token)
        with self.cloud.lock:
            return self.cloud.find(token, self._home(kind), id=identity)

    def delete(self, token: str, identity: str) -> None:
        kind, _ = self._known(token)
        with self.cloud.lock:
            record = self.read(token, identity)
            if record is None or kind.let_go(record):
                return
            call = Call(self.cloud, self.region, token)
            refuse_while_in_use(record, kind, self.cloud, self.package.kinds)
            if kind.release:
                kind.release(record, call)
            self.cloud.remove(record)

    def _known(self, token: str) -> tuple[Kind, ResourceShape]:
        kind = self.package.kinds[token]
        if kind is None:
            raise RefusedError(f"the {self.package.name} stand-in knows no {token}")
        return kind, self.package.shape(token)

    def _home(self, kind: Kind) -> str:
        return self.region if kind.regional else "global"

    def _live(self, kind: Kind, token: str, identity: str) -> Record:
        record = self.cloud.find(token, self._home(kind), id=identity)
        if record is None:
            raise RefusedError(f"{token} {identity} does not exist")
        return record

    def _admit(self, kind: Kind, inputs: dict[str, Any], call: Call, own: Record | None) -> None:
        if has_unknown(inputs):
            raise RefusedError(f"{kind.token}: unknown values reached a deployment: {inputs}")
        refuse_dangling(inputs, kind, call)
        for name in kind.unique:
            if inputs.get(name) is None:
                continue
            twin = self.cloud.find(kind.token, self._home(kind), **{name: inputs[name]})
            if twin is not None and twin is not own:
                raise RefusedError(f"{kind.token}: {name} {inputs[name]!r} already exists")
        kind.admit(inputs, call, own)

    def _planned(self, shape: ResourceShape, inputs: dict[str, Any]) -> dict[str, Any]:
        computed = {name: UNKNOWN for name in shape.outputs if name not in inputs}
        return {**computed, **inputs}

    def _computed(self, kind: Kind, record: Record, call: Call) -> dict[str, Any]:
        given = {key: value for key, value in record.inputs.items() if key != _DEFAULTS}
        known = {**given, **kind.outputs(record.inputs, call, record.id)}
        record.outputs = known
        return without_nulls({**self.package.common_outputs(record, call), **known})


_MOVING = frozenset(
    {"latestVersion", "version", "qualifiedArn", "lastModified", "revision", "lockToken", "tagsAll"}
)
"""Computed properties that an update may change; the others stay as they were."""


def _automatic_name(
    rule: Autoname, name: str, old: dict[str, Any], inputs: dict[str, Any], seed: bytes
) -> dict[str, Any]:
    if rule.property in inputs or f"{rule.property}Prefix" in inputs:
        return {}
    defaults = {_DEFAULTS: [*inputs.get(_DEFAULTS, []), rule.property]}
    if rule.property in old.get(_DEFAULTS, []) and rule.property in old:
        return {rule.property: old[rule.property], **defaults}
    if not rule.suffix:
        return {rule.property: name, **defaults}
    base = rule.prefix + (name.lower() if rule.lower else name)
    digits = hashlib.sha256(seed + base.encode()).hexdigest()[:7]
    if rule.trimmed:
        base = base[: rule.longest - 8]
    return {rule.property: f"{base}-{digits}", **defaults}
