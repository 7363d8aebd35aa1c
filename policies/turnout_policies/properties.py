"""Reading a resource's properties: typed, tolerant of shape, and honest about unknowns.

The engine gives numbers as floats, programs give numbers as strings, the
provider flattens single blocks: the readers here accept all of these. A
value that is not known yet raises `NotKnownYet`, so a rule cannot take it
for an absent one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from turnout_policies.resources import Resource, UnknownValue

Path = tuple[str | int, ...]
OnRead = Callable[[Resource, "Path"], None]


class NotKnownYet(Exception):  # noqa: N818 - a state of the value, not an error
    """A rule needs a value that will be known only when the stack is updated."""

    def __init__(self, path: Path, resource: Resource) -> None:
        self.path = path
        self.resource = resource
        super().__init__(render_path(path))


def render_path(path: Path) -> str:
    """A property's place as people write it: `ingress[0].cidrBlocks`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


class Properties:
    """A value inside a resource, with the place that it was read from."""

    __slots__ = ("_on_read", "_value", "path", "resource")

    def __init__(
        self,
        resource: Resource,
        value: Any = None,
        path: Path = (),
        on_read: OnRead | None = None,
    ) -> None:
        self.resource = resource
        self.path = path
        self._value = resource.properties if not path else value
        self._on_read = on_read

    def __repr__(self) -> str:
        return f"<{self.resource.name} {render_path(self.path)}>"

    @property
    def place(self) -> str:
        return render_path(self.path)

    @property
    def known(self) -> bool:
        return not isinstance(self._value, UnknownValue)

    @property
    def secret(self) -> bool:
        """Whether the value is kept back as a secret."""
        return isinstance(self._value, UnknownValue) and self._value.secret

    @property
    def raw(self) -> Any:
        """The value as it is, unknowns in it included."""
        return self._value

    def note_read(self) -> None:
        """Tell whoever listens that this place was read."""
        if self._on_read is not None:
            self._on_read(self.resource, self.path)

    @property
    def value(self) -> Any:
        """The plain value; raises `NotKnownYet` where there is none yet."""
        self.note_read()
        if isinstance(self._value, UnknownValue):
            raise NotKnownYet(self.path, self.resource)
        return self._value

    def at(self, *keys: str | int) -> Properties:
        """The value below these keys; absent ones give an empty value, never an error.

        A list with one block is read as that block, as the provider flattens such lists.
        """
        here = self
        for key in keys:
            value = here.value
            if isinstance(key, str) and isinstance(value, list) and len(value) == 1:
                here = here._child(0, value[0])
                value = here.value
            if isinstance(key, str):
                found = value.get(key) if isinstance(value, Mapping) else None
            else:
                found = value[key] if isinstance(value, list) and key < len(value) else None
            here = here._child(key, found)
        return here

    def _child(self, key: str | int, value: Any) -> Properties:
        return Properties(self.resource, value, (*self.path, key), self._on_read)

    def below(self, key: str) -> Properties:
        """The value at a key, whether or not it is known what this one is."""
        value = self._value.get(key) if isinstance(self._value, Mapping) else None
        return self._child(key, value)

    def has(self, *keys: str) -> bool:
        """Whether something is set here; an output of another resource counts as set."""
        found = self.at(*keys)
        if found.secret or (not found.known and found.referred_urns()):
            return True
        value = found.value
        return value is not None and value not in ("", [], {})

    def referred_urns(self) -> tuple[str, ...]:
        """The resources whose outputs went into the property that this value is in."""
        if isinstance(self._value, UnknownValue) and self._value.sources:
            return self._value.sources
        if not self.path:
            return ()
        return tuple(self.resource.dependencies.get(str(self.path[0]), ()))

    def text(self, *keys: str) -> str:
        """A scalar as text, lower-case for booleans; an absent one is empty."""
        value = self.at(*keys).value
        if value is None or isinstance(value, (Mapping, list)):
            return ""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value)

    def number(self, *keys: str) -> float | None:
        """A finite number, also where it is written as text; otherwise None."""
        text = self.text(*keys)
        try:
            found = float(text)
        except ValueError:
            return None
        return found if math.isfinite(found) else None

    def flag(self, *keys: str, default: bool = False) -> bool:
        """A boolean, also where it is written as text."""
        text = self.text(*keys).lower()
        return default if text == "" else text in ("true", "1", "yes", "enabled")

    def each(self, *keys: str) -> list[Properties]:
        """The items of a list; a lone block counts as a list of one."""
        found = self.at(*keys)
        value = found.value
        if value is None:
            return []
        if isinstance(value, list):
            return [found._child(index, item) for index, item in enumerate(value)]
        return [found]

    def entries(self, *keys: str) -> Iterator[tuple[str, Properties]]:
        """The keys of a map with their values."""
        found = self.at(*keys)
        value = found.value
        if isinstance(value, Mapping):
            for key, item in value.items():
                yield str(key), found._child(str(key), item)

    def document(self, *keys: str) -> Properties:
        """A JSON document, given as text or as a map; empty where it is neither."""
        found = self.at(*keys)
        value = found.value
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                value = None
        return Properties(self.resource, value, found.path or ("",), self._on_read)
