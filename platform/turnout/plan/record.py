"""What a plan holds: the resources that a program asked for, as the engine would see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

STACK_TYPE: Final = "pulumi:pulumi:Stack"


@dataclass(frozen=True)
class Unknown:
    """A value that exists only after `up`.

    `sources` are the URNs of the resources that it is made from. Pulumi tracks them for each
    input of a resource, not for each place inside one: two unknowns in the same list carry the
    sources of both.
    """

    sources: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "[known after up]"


@dataclass(frozen=True)
class Secret:
    """A value that is a secret. The plan does not hold it."""

    def __str__(self) -> str:
        return "[secret]"


# JSON's types, Unknown and Secret, in dicts and lists.
Value = Any


@dataclass(frozen=True)
class PlannedResource:
    """One resource: `inputs` with the engine's names (camelCase) and JSON's types.

    `dependencies` says, for each input that is made from other resources, their URNs; it is what
    a policy sees as `propertyDependencies`.
    """

    urn: str
    type: str
    name: str
    parent: str | None
    inputs: Mapping[str, Value]
    dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    custom: bool = True
    provider: str | None = None
    protect: bool = False
    retain_on_delete: bool = False
    ignore_changes: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What `up` would be asked to make, in the order in which the program asked."""

    project: str
    stack: str
    resources: tuple[PlannedResource, ...]
    outputs: Mapping[str, Value] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def of_type(self, type_: str) -> tuple[PlannedResource, ...]:
        """The resources whose type token is `type_`, such as `aws:lb/listener:Listener`."""
        return tuple(resource for resource in self.resources if resource.type == type_)

    def to_json(self) -> dict[str, Any]:
        """The plan as `turnout plan --json` prints it."""
        return {
            "project": self.project,
            "stack": self.stack,
            "resources": [_resource_json(resource) for resource in self.resources],
            "outputs": plain(self.outputs),
            "warnings": list(self.warnings),
        }


def plain(value: Value) -> Any:
    """`value` in JSON's types: a secret as `[secret]`, an unknown as `{"__unknown__": …}`."""
    match value:
        case Unknown(sources):
            return {"__unknown__": {"sources": list(sources)}}
        case Secret():
            return str(value)
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
        case str():
            return value
        case Sequence():
            return [plain(item) for item in value]
        case _:
            return value


def _resource_json(resource: PlannedResource) -> dict[str, Any]:
    return {
        "urn": resource.urn,
        "type": resource.type,
        "name": resource.name,
        "parent": resource.parent,
        "custom": resource.custom,
        "inputs": plain(resource.inputs),
        "dependencies": {key: list(urns) for key, urns in resource.dependencies.items()},
        "provider": resource.provider,
        "protect": resource.protect,
        "retainOnDelete": resource.retain_on_delete,
        "ignoreChanges": list(resource.ignore_changes),
        "dependsOn": list(resource.depends_on),
    }
