"""What a Pulumi SDK's own classes say of its resources: inputs, their types, outputs.

The stand-ins hold no list of properties: a property exists if the installed wheel has it.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import _types as sdk_types
from tests.engine.standin.shapes import Field, ListOf, MapOf, Object, OneOf, Scalar, Shape

_SCALARS: dict[Any, Scalar] = {
    str: Scalar("string"),
    int: Scalar("integer"),
    float: Scalar("number"),
    bool: Scalar("boolean"),
    Any: Scalar("any"),
    pulumi.Archive: Scalar("asset"),
    pulumi.Asset: Scalar("asset"),
}
_KEYWORDS = {"lambda", "import"}


@dataclass(frozen=True)
class ResourceShape:
    """A resource type as its SDK declares it."""

    token: str
    inputs: Object
    outputs: frozenset[str]


class UnknownTypeError(LookupError):
    """The SDK has no resource of this token."""


def module_of(token: str, package: str) -> tuple[str, str]:
    """The importable module and the class of a token: `aws:lb/targetGroup:TargetGroup`.

    >>> module_of("aws:lambda/function:Function", "pulumi_aws")
    ('pulumi_aws.lambda_.function', 'Function')
    >>> module_of("kubernetes:apps/v1:Deployment", "pulumi_kubernetes")
    ('pulumi_kubernetes.apps.v1', 'Deployment')
    """
    _, module, name = token.split(":")
    if package == "pulumi_kubernetes":
        group, version = module.split("/")
        return f"{package}.{group.removesuffix('.k8s.io').replace('.', '_')}.{version}", name
    if module == "index" or "/" not in module:
        return package if module == "index" else f"{package}.{module}", name
    folder, _file = module.split("/")
    folder = f"{folder}_" if folder in _KEYWORDS else folder
    return f"{package}.{folder}.{_snake(name)}", name


@functools.cache
def resource_shape(token: str, package: str) -> ResourceShape:
    module_name, class_name = module_of(token, package)
    try:
        module = importlib.import_module(module_name)
        resource = getattr(module, class_name)
    except (ImportError, AttributeError) as error:
        raise UnknownTypeError(f"{package} has no resource {token}") from error
    home = importlib.import_module(resource.__module__)
    arguments = getattr(home, f"{class_name}InitArgs", None) or getattr(home, f"{class_name}Args")
    return ResourceShape(
        token=token,
        inputs=_object(arguments),
        outputs=frozenset(sdk_types.resource_types(resource)),
    )


@functools.cache
def _object(arguments: type) -> Object:
    names = sdk_types.input_type_py_to_pulumi_names(arguments)
    parameters = inspect.signature(arguments.__init__).parameters  # type: ignore[misc]
    types = sdk_types.input_type_types(arguments)
    return Object(
        name=arguments.__name__.removesuffix("Args").removesuffix("Init"),
        fields=_LazyFields(
            {
                pulumi_name: (types[pulumi_name], _is_required(parameters, python_name))
                for python_name, pulumi_name in names.items()
            }
        ),
    )


def _is_required(parameters: Mapping[str, inspect.Parameter], name: str) -> bool:
    # `apiVersion` and `kind` are set by the class itself.
    parameter = parameters.get(name)
    return parameter is not None and parameter.default is inspect.Parameter.empty


class _LazyFields(Mapping[str, Field]):
    """Fields whose shapes are worked out when asked: some types contain themselves."""

    def __init__(self, types: dict[str, tuple[Any, bool]]) -> None:
        self._types = types

    def __getitem__(self, key: str) -> Field:
        annotation, required = self._types[key]
        return Field(_shape(annotation), required)

    def __iter__(self) -> typing.Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)


def _shape(annotation: Any) -> Shape:
    try:
        if annotation in _SCALARS:
            return _SCALARS[annotation]
    except TypeError:
        pass
    if _is_input(annotation):
        return _object(annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is None:
        return Scalar("string") if _is_string_enum(annotation) else Scalar("any")
    if origin is typing.Literal:
        return Scalar("string")
    if origin.__name__ == "Sequence":
        return ListOf(_shape(sdk_types.unwrap_type(arguments[0])))
    if origin.__name__ == "Mapping":
        return MapOf(_shape(sdk_types.unwrap_type(arguments[1])))
    options = tuple(_shape(option) for option in _flattened(arguments))
    return options[0] if len(options) == 1 else OneOf(options)


def _is_string_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, str)


def _flattened(options: tuple[Any, ...]) -> list[Any]:
    """A union's own options, without the TypedDict and output twins that the SDK adds."""
    flat: list[Any] = []
    for option in options:
        bare = sdk_types.unwrap_type(option)
        if typing.get_origin(bare) is typing.Union:
            flat += [nested for nested in _flattened(typing.get_args(bare)) if nested not in flat]
        elif bare not in flat and _is_value(bare):
            flat.append(bare)
    return flat


def _is_value(annotation: Any) -> bool:
    origin = getattr(typing.get_origin(annotation), "__name__", "")
    return (
        annotation in _SCALARS
        or _is_input(annotation)
        or origin in ("Sequence", "Mapping", "Literal")
    )


def _is_input(annotation: Any) -> bool:
    return isinstance(annotation, type) and sdk_types.is_input_type(annotation)


def _snake(name: str) -> str:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", spaced).lower()
