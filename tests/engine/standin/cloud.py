"""An account's state: what exists, who refers to whom, what a test may look into."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.engine.standin.values import leaves

ACCOUNT = "123456789012"


class RefusedError(Exception):
    """The API refuses the call; the message is what the engine shows."""


@dataclass
class Record:
    """One live resource."""

    token: str
    id: str
    region: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]

    @property
    def arn(self) -> str | None:
        return self.outputs.get("arn")

    def get(self, name: str) -> Any:
        return self.outputs.get(name, self.inputs.get(name))

    def mentions(self, identifiers: frozenset[str]) -> bool:
        return any(leaf in identifiers for _, leaf in leaves(self.inputs))


@dataclass
class Cloud:
    """Everything that exists, over all regions, behind one lock."""

    records: dict[tuple[str, str, str], Record] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    serial: int = 0

    def next_hex(self, digits: int) -> str:
        """A fresh identifier: counted, so that a failing run reads the same twice."""
        self.serial += 1
        return f"{self.serial * 0x9E3779B97F4A7C15 % 16**digits:0{digits}x}"

    def add(self, record: Record) -> None:
        key = (record.token, record.region, record.id)
        if key in self.records:
            raise RefusedError(f"{record.token} {record.id} already exists")
        self.records[key] = record

    def remove(self, record: Record) -> None:
        del self.records[record.token, record.region, record.id]

    def of(self, token: str, region: str | None = None) -> list[Record]:
        return [
            record
            for record in self.records.values()
            if record.token == token and region in (None, record.region)
        ]

    def find(self, token: str, region: str | None, **wanted: Any) -> Record | None:
        """The first record whose id (`id=`) or properties have the wanted values."""
        for record in self.of(token, region):
            values = {name: record.id if name == "id" else record.get(name) for name in wanted}
            if values == wanted:
                return record
        return None

    def users_of(self, record: Record) -> Iterator[Record]:
        names = frozenset(name for name in (record.id, record.arn) if name)
        for other in self.records.values():
            if other is not record and other.mentions(names):
                yield other

    def has_arn(self, arn: str) -> bool:
        bare = re.sub(r"(:\*|/\*)$", "", arn)
        known = {leaf for record in self.records.values() for leaf in _arns(record)}
        return bare in known

    def summary(self) -> Mapping[str, int]:
        return Counter(record.token for record in self.records.values())


def _arns(record: Record) -> Iterator[str]:
    yield record.id
    for _, leaf in leaves(record.outputs):
        if isinstance(leaf, str) and leaf.startswith("arn:"):
            yield re.sub(r"(:\*|/\*)$", "", leaf)
