"""Stacks of ours: they pass as they are, and each thing that is broken is named by its rule."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.turnout.programs import KINDS, tier_made, tier_plan

from turnout.plan import Plan, PlannedResource
from turnout_policies.resources import Resource, from_plan
from turnout_policies.runner import run

SEEDED = yaml.safe_load((Path(__file__).parent / "seeded.yaml").read_text())
SERVICE = "hate-speech-api"


def read(planned: tuple[PlannedResource, ...]) -> tuple[Resource, ...]:
    return from_plan(Plan(project="turnout", stack="test", resources=planned).to_json())


@functools.cache
def made(tier: str) -> tuple[Resource, ...]:
    return read(tier_made(tier, everything=True))


@pytest.mark.parametrize("everything", [False, True], ids=["baseline", "everything"])
@pytest.mark.parametrize("tier", KINDS)
def test_a_tier_passes_both_packs_as_it_is_planned(tier: str, everything: bool) -> None:
    report = run(read(tier_plan(tier, everything=everything).resources))
    assert report.violations == ()
    assert report.exempted == ()


@pytest.mark.parametrize("tier", KINDS)
def test_a_tier_passes_both_packs_with_nothing_left_to_decide_once_it_is_made(tier: str) -> None:
    report = run(made(tier))
    assert (report.violations, report.unknown, report.exempted) == ((), (), ())


def test_there_are_at_least_sixty_seeded_mistakes() -> None:
    assert len(SEEDED) >= 60


@pytest.mark.parametrize(
    ("tier", "what", "name", "change", "rule"),
    [pytest.param(*row, id=f"{row[0]}: {row[1]}") for row in SEEDED],
)
def test_a_seeded_mistake_is_named_by_its_rule_and_by_no_crowd(
    tier: str, what: str, name: str, change: Mapping[str, Any] | None, rule: str
) -> None:
    report = run(broken(made(tier), name, change))
    assert {item.rule for item in report.violations} == {rule}, what
    assert len(report.violations) == 1


def broken(
    resources: tuple[Resource, ...], name: str, change: Mapping[str, Any] | None
) -> tuple[Resource, ...]:
    kind, _, logical = name.replace("@", SERVICE).partition(" ")
    found = [
        item for item in resources if item.name == logical and item.type.rpartition(":")[2] == kind
    ]
    assert len(found) == 1, f"{name} names {len(found)} resources"
    if change is None:
        return tuple(item for item in resources if item is not found[0])
    properties: Any = found[0].properties
    for place, value in change.items():
        properties = with_value(properties, place.split("."), value)
    dependencies = {
        key: urns
        for key, urns in found[0].dependencies.items()
        if key not in {place.split(".")[0] for place in change} or "." in "".join(change)
    }
    mended = replace(found[0], properties=properties, dependencies=dependencies)
    return tuple(mended if item is found[0] else item for item in resources)


def with_value(target: Any, steps: list[str], value: Any) -> Any:
    """A copy with one place changed; JSON text is read and written again."""
    if isinstance(target, str):
        return json.dumps(with_value(json.loads(target), steps, value))
    first, *rest = steps
    if isinstance(target, list):
        index = int(first)
        inner = with_value(target[index], rest, value) if rest else value
        return [*target[:index], inner, *target[index + 1 :]]
    inner = with_value(target.get(first) or {}, rest, value) if rest else value
    kept = {key: item for key, item in target.items() if key != first}
    return kept if inner is None else {**kept, first: inner}
