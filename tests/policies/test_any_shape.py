"""Whatever a program, a provider or an old state may hold: no rule raises, and none is silent."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from turnout_policies.examples import changed, examples, resources_of
from turnout_policies.packs import PACKS, Pack
from turnout_policies.properties import Path
from turnout_policies.resources import SECRET, UNKNOWN, Resource, UnknownValue
from turnout_policies.rule import Rule
from turnout_policies.rules import ALL
from turnout_policies.runner import run

CASES_OF_A_SEED = 120
EXAMPLES = {example.rule: example for example in examples()}
# Values of every type that JSON and the engine's wire know, and texts that break readers of text.
SCALARS: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 22, 65535, 10**30, -0.0, 1.5),
    *(float("nan"), float("inf"), float("-inf")),
    *("", " ", "-1", "22", "nan", "inf", "1e400", "1.x.3", "²", "\x00", "0.0.0.0/0", "::/0", "all"),
    *("{", "[]", "null", "3", '{"Statement": 3}', '[{"name": 1}, null, "x"]'),
    '{"Statement": [null, 3, {"Action": 5, "Principal": {"AWS": [{}]}, "Condition": {"x": []}}]}',
    *(UNKNOWN, SECRET, UnknownValue(("urn:elsewhere",))),
)


def keys_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from keys_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys_of(item)


KEYS = sorted(
    {
        key
        for example in EXAMPLES.values()
        for entry in example.program.values()
        for key in keys_of(entry.get("properties") or {})
    }
)


def any_value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.random()
    if kind < 0.7 or depth > 3:
        return chance.choice(SCALARS)
    count = chance.randrange(4)
    if kind < 0.85:
        return [any_value(chance, depth + 1) for _ in range(count)]
    return {chance.choice(KEYS): any_value(chance, depth + 1) for _ in range(count)}


def only(rule: Rule) -> Pack:
    return Pack("one", "one rule", (rule,))


def disturbed(value: Any, share: float, chance: random.Random) -> Any:
    """A tree of properties in which a share of the places holds something else."""
    if chance.random() < share:
        return any_value(chance)
    if isinstance(value, dict):
        return {key: disturbed(item, share, chance) for key, item in value.items()}
    if isinstance(value, list):
        return [disturbed(item, share, chance) for item in value]
    return value


def disturbed_resource(resource: Resource, share: float, chance: random.Random) -> Resource:
    return replace(
        resource,
        properties={
            key: disturbed(value, share, chance) for key, value in resource.properties.items()
        },
        dependencies={
            key: urns for key, urns in resource.dependencies.items() if chance.random() < 0.8
        },
        outputs={key: disturbed(value, 0.1, chance) for key, value in resource.outputs.items()},
    )


@pytest.mark.parametrize("seed", range(4))
def test_no_tree_of_properties_makes_a_rule_raise(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(CASES_OF_A_SEED):
        rule = chance.choice(ALL)
        example = EXAMPLES[rule.id]
        change = chance.choice([{}, *example.fails.values(), *example.passes.values()])
        program = resources_of(changed(example.program, change), known=chance.random() < 0.5)
        share = chance.choice([0.05, 0.15, 0.4])
        resources = [disturbed_resource(item, share, chance) for item in program]
        if chance.random() < 0.2:
            run(resources, PACKS)
        else:
            run(resources, (only(rule),), example.config)


@pytest.mark.parametrize("value", [UNKNOWN, SECRET, None])
def test_resources_of_which_nothing_is_known_make_no_rule_raise(value: Any) -> None:
    for example in EXAMPLES.values():
        resources = [
            replace(item, properties=dict.fromkeys(item.properties, value), dependencies={})
            for item in resources_of(example.program, known=False)
        ]
        run(resources, PACKS, example.config)


def read_keys(rule: Rule) -> dict[str, set[str]]:
    """The top-level properties that a rule reads, by resource, in any of its programs."""
    keys: dict[str, set[str]] = {}

    def note(resource: Resource, path: Path) -> None:
        if path and path[0]:
            keys.setdefault(resource.type, set()).add(str(path[0]))

    example = EXAMPLES[rule.id]
    for change in ({}, *example.fails.values(), *example.passes.values()):
        program = resources_of(changed(example.program, change), known=False)
        run(program, (only(rule),), example.config, on_read=note)
    return keys


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_what_a_rule_reads_and_does_not_know_it_says(rule: Rule) -> None:
    keys = read_keys(rule)
    example = EXAMPLES[rule.id]
    resources = [
        replace(item, properties=dict.fromkeys(keys.get(item.type, ()), UNKNOWN), dependencies={})
        for item in resources_of(example.program, known=False)
    ]
    subjects = {item.urn for item in resources if item.type in rule.types and item.properties}
    report = run(resources, (only(rule),), example.config)
    assert report.violations == ()
    assert {item.resource for item in report.unknown} >= subjects
