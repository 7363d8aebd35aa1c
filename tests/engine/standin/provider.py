"""The engine's provider protocol over a stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from tests.engine.standin.cloud import RefusedError
from tests.engine.standin.differences import Change
from tests.engine.standin.resources import Resources
from tests.engine.standin.shapes import Problem
from tests.engine.standin.values import from_wire, has_unknown, to_wire, without_nulls

Configuration = dict[str, Any]
Opener = Callable[[Configuration], Resources]
ConfigurationCheck = Callable[[Configuration], list[Problem]]
Invoker = Callable[[Resources, str, dict[str, Any]], dict[str, Any]]

_KINDS = {
    ("add", False): provider_pb2.PropertyDiff.ADD,
    ("add", True): provider_pb2.PropertyDiff.ADD_REPLACE,
    ("delete", False): provider_pb2.PropertyDiff.DELETE,
    ("delete", True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    ("update", False): provider_pb2.PropertyDiff.UPDATE,
    ("update", True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


class ProviderServicer(provider_pb2_grpc.ResourceProviderServicer):
    """One instance of a provider: the engine starts one for each provider resource."""

    def __init__(
        self, version: str, check: ConfigurationCheck, opener: Opener, invoke: Invoker
    ) -> None:
        self._version = version
        self._check_configuration = check
        self._open = opener
        self._invoke = invoke
        self._resources: Resources | None = None

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return plugin_pb2.PluginInfo(version=self._version)

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        news = from_wire(request.news)
        failures = _failures(self._check_configuration(_decoded(news)))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        old, new = from_wire(request.olds), from_wire(request.news)
        moved = ["region"] if old.get("region") != new.get("region") else []
        return provider_pb2.DiffResponse(replaces=moved)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        arguments = _decoded(from_wire(request.args))
        if not has_unknown(arguments):
            self._resources = self._open(arguments)
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        token, name = _token(request.urn), request.urn.rpartition("::")[2]
        old, new = from_wire(request.olds), from_wire(request.news)
        inputs, found = self._ready(context).check(token, name, old, new, request.randomSeed)
        return provider_pb2.CheckResponse(
            inputs=to_wire(without_nulls(inputs)), failures=_failures(found)
        )

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        token = _token(request.urn)
        resources = self._ready(context)
        found = [
            change
            for change in resources.diff(
                token, from_wire(request.old_inputs), from_wire(request.news)
            )
            # The engine leaves these out itself, but for a refresh, where it asks the provider to.
            if change.top not in request.ignoreChanges
        ]
        kinds = provider_pb2.DiffResponse.DiffChanges
        return provider_pb2.DiffResponse(
            changes=kinds.DIFF_SOME if found else kinds.DIFF_NONE,
            replaces=_tops(change for change in found if change.replaces),
            diffs=_tops(found),
            detailedDiff={change.path: _property_diff(change) for change in found},
            hasDetailedDiff=True,
            deleteBeforeReplace=resources.deletes_first(token),
        )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        inputs = from_wire(request.properties)
        identity, outputs = self._attempt(
            context,
            lambda: self._ready(context).create(
                _token(request.urn), inputs, preview=request.preview
            ),
        )
        return provider_pb2.CreateResponse(id=identity, properties=to_wire(outputs))

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        inputs = from_wire(request.news)
        outputs = self._attempt(
            context,
            lambda: self._ready(context).update(
                _token(request.urn), request.id, inputs, preview=request.preview
            ),
        )
        return provider_pb2.UpdateResponse(properties=to_wire(outputs))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        record = self._ready(context).read(_token(request.urn), request.id)
        if record is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=record.id, properties=to_wire(record.outputs), inputs=to_wire(record.inputs)
        )

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self._attempt(context, lambda: self._ready(context).delete(_token(request.urn), request.id))
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        arguments = from_wire(request.args)
        resources = self._ready(context)
        found = self._attempt(context, lambda: self._invoke(resources, request.tok, arguments))
        return provider_pb2.InvokeResponse(**{"return": to_wire(found)})

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return provider_pb2.GetSchemaResponse(schema="{}")

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return empty_pb2.Empty()

    def _ready(self, context: grpc.ServicerContext) -> Resources:
        if self._resources is None:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "the provider is not configured")
            raise AssertionError
        return self._resources

    def _attempt(self, context: grpc.ServicerContext, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except RefusedError as refusal:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(refusal))


def _token(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _tops(found: Any) -> list[str]:
    return sorted({change.top for change in found})


def _property_diff(change: Change) -> Any:
    return provider_pb2.PropertyDiff(kind=_KINDS[change.kind, change.replaces], inputDiff=True)


def _failures(found: list[Problem]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=p.path, reason=p.reason) for p in found]


def _decoded(configuration: dict[str, Any]) -> Configuration:
    """Provider inputs that are not strings arrive as JSON inside strings."""
    return {key: _json_or_text(value) for key, value in configuration.items()}


def _json_or_text(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in ("{", "[", '"', "t", "f"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
