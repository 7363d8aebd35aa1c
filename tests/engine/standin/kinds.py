"""What a stand-in knows of one resource type beyond the shape of its inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.engine.standin.cloud import ACCOUNT, Cloud, Record
from tests.engine.standin.shapes import Problem

Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """The surroundings of a call that creates, updates or deletes."""

    cloud: Cloud
    region: str
    token: str

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        return f"arn:aws:{service}:{self.region if regional else ''}:{ACCOUNT}:{resource}"


@dataclass(frozen=True)
class Autoname:
    """The property that takes `<logical name>-<7 hex digits>` when a program leaves it out."""

    property: str = "name"
    longest: int = 255
    trimmed: bool = True
    lower: bool = False
    prefix: str = ""
    suffix: bool = True


def no_problems(_: Inputs) -> Iterator[Problem]:
    return iter(())


def no_outputs(_inputs: Inputs, _call: Call, _id: str) -> dict[str, Any]:
    return {}


def never(_: Record) -> bool:
    return False


def no_refusals(_inputs: Inputs, _call: Call, _self: Record | None) -> None:
    return None


@dataclass(frozen=True)
class Kind:
    """One resource type.

    `check` refuses at preview, knowing the inputs alone. `admit` refuses at create and update,
    knowing what else exists; it raises `RefusedError`. `identify` gives the id, `outputs` what
    the service computes. `names` maps an input path to the type whose *name* it must be: ids and
    ARNs need no entry, they are recognised by their form. `held_by` are the types that keep this
    one from being deleted while they refer to it. `unique` are the inputs that may exist once.
    `let_go` says of a record that the provider forgets it and asks the API for nothing.
    """

    token: str
    identify: Callable[[Inputs, Call], str]
    outputs: Callable[[Inputs, Call, str], dict[str, Any]] = no_outputs
    check: Callable[[Inputs], Iterator[Problem]] = no_problems
    admit: Callable[[Inputs, Call, Record | None], None] = no_refusals
    release: Callable[[Record, Call], None] | None = None
    autoname: Autoname | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    held_by: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    delete_first: bool = False
    regional: bool = True
    let_go: Callable[[Record], bool] = never


class Registry:
    """The kinds that a stand-in knows, by token."""

    def __init__(self, *families: tuple[Kind, ...]) -> None:
        self._kinds = {kind.token: kind for family in families for kind in family}

    def __getitem__(self, token: str) -> Kind | None:
        return self._kinds.get(token)

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)
