"""A resource monitor that writes down what a program registers, and makes nothing.

It stands where the engine would: the SDK's own mock monitor, whose answers are those of a
preview. Inputs come back as outputs, everything else is unknown.
"""

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import struct_pb2
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from pulumi import get_project, get_stack
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import resource_pb2

from turnout.plan.lookups import LookupNotKnownError, answer
from turnout.plan.record import STACK_TYPE, PlannedResource, Secret, Unknown, Value

# Pulumi's wire protocol: developer documentation, "Property values", signatures.
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker, not a secret
_RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
_ASSETS: Final = {"c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7"}
_DYNAMIC_PROVIDER: Final = "__provider"


class Lookups(mocks.Mocks):
    """Answers provider functions; resources are the monitor's."""

    def __init__(self, region: str, problems: list[str]) -> None:
        self._region = region
        self._problems = problems

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        try:
            return answer(args.token, args.args, self._region), []
        except LookupNotKnownError as error:
            self._problems.append(str(error))
            return {}, []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        # Only a resource that is read, not made, comes here: it exists, so its id is known.
        return args.resource_id, {}


class RecordingMonitor(mocks.MockMonitor):
    """Records every registration as a `PlannedResource`."""

    def __init__(self, region: str) -> None:
        # Raised where they happen, they would come out of the SDK's tasks one by one, or never.
        self.problems: list[str] = []
        super().__init__(Lookups(region, self.problems))
        self.planned: list[PlannedResource] = []
        self.outputs: dict[str, Mapping[str, Value]] = {}

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN that the engine makes: all components above, but not the stack."""
        above = parent.split("::")[2] if parent else STACK_TYPE
        qualified = type_ if above == STACK_TYPE else f"{above}${type_}"
        return f"urn:pulumi:{get_stack()}::{get_project()}::{qualified}::{name}"

    def RegisterResource(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if any(resource.urn == urn for resource in self.planned):
            self.problems.append(f"two resources are called {request.name} ({request.type})")
        dependencies = {
            key: tuple(sorted(found.urns))
            for key, found in request.propertyDependencies.items()
            if found.urns
        }
        inputs = {
            key: _value(value, dependencies.get(key, ()))
            for key, value in request.object.fields.items()
            if key != _DYNAMIC_PROVIDER
        }
        self.planned.append(
            PlannedResource(
                urn=urn,
                type=request.type,
                name=request.name,
                parent=request.parent or None,
                inputs=inputs,
                dependencies=dependencies,
                custom=request.custom,
                provider=request.provider.rpartition("::")[0] or None,
                protect=request.protect,
                retain_on_delete=request.retainOnDelete,
                ignore_changes=tuple(request.ignoreChanges),
                depends_on=tuple(sorted(request.dependencies)),
            )
        )
        return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)

    def RegisterResourceOutputs(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> Empty:
        self.outputs[request.urn] = {
            key: _value(value, ()) for key, value in request.outputs.fields.items()
        }
        return Empty()


def _value(value: struct_pb2.Value, sources: tuple[str, ...]) -> Value:
    match value.WhichOneof("kind"):
        case "string_value":
            return Unknown(sources) if value.string_value == rpc.UNKNOWN else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_value(item, sources) for item in value.list_value.values]
        case "struct_value":
            return _structure(value.struct_value, sources)
        case _:
            return None


def _structure(struct: struct_pb2.Struct, sources: tuple[str, ...]) -> Value:
    fields = struct.fields
    if _SIGNATURE not in fields:
        return {key: _value(item, sources) for key, item in fields.items()}
    signature = fields[_SIGNATURE].string_value
    if signature == _SECRET:
        return Secret()
    if signature == _RESOURCE:
        return Unknown((fields["urn"].string_value,))
    kept = MessageToDict(struct)
    del kept[_SIGNATURE]
    return {"__asset__" if signature in _ASSETS else "__special__": kept}
