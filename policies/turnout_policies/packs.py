"""The two packs: each is the rules of one concern, in the order of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from turnout_policies.rule import Concern, Rule
from turnout_policies.rules import ALL


@dataclass(frozen=True, slots=True)
class Pack:
    """A set of rules that is run as one."""

    name: str
    description: str
    rules: tuple[Rule, ...]


def _rules_for(concern: Concern) -> tuple[Rule, ...]:
    return tuple(rule for rule in ALL if rule.concern == concern)


SECURITY = Pack(
    "security",
    "Who can reach what, and who may do what.",
    _rules_for("security"),
)
RELIABILITY = Pack(
    "reliability",
    "The service stays up, and someone is told when it does not.",
    _rules_for("reliability"),
)
PACKS = (SECURITY, RELIABILITY)
