"""The catalogue's examples, run: each program passes, each change fails or still passes."""

from __future__ import annotations

import copy
import os
import pathlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from turnout_policies.examples import Example, changed, examples, resources_of
from turnout_policies.packs import Pack
from turnout_policies.properties import Path
from turnout_policies.resources import UNKNOWN, Resource
from turnout_policies.rule import Level, Rule
from turnout_policies.rules import ALL
from turnout_policies.runner import Report, run

RULES = {rule.id: rule for rule in ALL}
EXAMPLES = {example.rule: example for example in examples()}
MESSAGES = pathlib.Path(__file__).parent / "messages.yaml"
Program = Mapping[str, Any]


def check(rule: Rule, program: Program, *, known: bool) -> Report:
    return run_rule(rule, resources_of(program, known=known))


def run_rule(rule: Rule, resources: tuple[Resource, ...]) -> Report:
    return run(resources, (Pack("one", "one rule", (rule,)),), EXAMPLES[rule.id].config)


def programs(example: Example) -> list[tuple[str, Program]]:
    changes = {**example.fails, **example.passes}
    return [("as it is", example.program)] + [
        (name, changed(example.program, change)) for name, change in changes.items()
    ]


def test_every_rule_has_an_example_and_every_example_a_rule() -> None:
    assert set(EXAMPLES) == set(RULES)


def test_there_are_two_changes_to_catch_and_one_look_alike_for_each_rule() -> None:
    thin = [name for name, item in EXAMPLES.items() if len(item.fails) < 2 or not item.passes]
    assert thin == []


def test_ids_are_unique() -> None:
    assert len(RULES) == len(ALL)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_the_compliant_program_passes(rule: Rule) -> None:
    program = EXAMPLES[rule.id].program
    before = check(rule, program, known=False)
    after = check(rule, program, known=True)
    assert before.violations == ()
    assert (after.violations, after.unknown) == ((), ())


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        pytest.param(RULES[name], change, id=f"{name}: {words}")
        for name, example in EXAMPLES.items()
        for words, change in example.fails.items()
    ],
)
def test_what_is_wrong_is_caught(rule: Rule, change: Mapping[str, Any]) -> None:
    program = changed(EXAMPLES[rule.id].program, change)
    after = check(rule, program, known=True)
    assert {violation.rule for violation in after.violations} == {rule.id}
    before = check(rule, program, known=False)
    assert before.violations or before.unknown


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        pytest.param(RULES[name], change, id=f"{name}: {words}")
        for name, example in EXAMPLES.items()
        for words, change in example.passes.items()
    ],
)
def test_what_only_looks_wrong_passes(rule: Rule, change: Mapping[str, Any]) -> None:
    program = changed(EXAMPLES[rule.id].program, change)
    assert check(rule, program, known=False).violations == ()
    after = check(rule, program, known=True)
    assert (after.violations, after.unknown) == ((), ())


def test_each_mistake_is_told_in_these_words() -> None:
    """The sentences that people get. UPDATE=1 writes them anew: read the difference then."""
    said = {
        name: {
            words: [item.message for item in found.violations]
            for words, change in example.fails.items()
            for found in [check(RULES[name], changed(example.program, change), known=True)]
        }
        for name, example in EXAMPLES.items()
    }
    if os.environ.get("UPDATE"):
        MESSAGES.write_text(yaml.safe_dump(said, sort_keys=False, width=10_000))
    assert said == yaml.safe_load(MESSAGES.read_text())


def read_places(rule: Rule, resources: tuple[Resource, ...]) -> list[tuple[str, Path]]:
    """Every place that a rule reads in these resources, found by running it."""
    seen: dict[tuple[str, Path], None] = {}
    config = EXAMPLES[rule.id].config

    def note(resource: Resource, path: Path) -> None:
        if path and path[0]:
            seen[resource.urn, path] = None

    run(resources, (Pack("one", "one rule", (rule,)),), config, on_read=note)
    return list(seen)


def without(
    resources: tuple[Resource, ...], urn: str, path: Path, *, keep_sources: bool = False
) -> tuple[Resource, ...] | None:
    """The resources with one place not known yet; None where it lies inside a JSON text."""
    result = []
    for resource in resources:
        if resource.urn != urn:
            result.append(resource)
            continue
        properties = copy.deepcopy(dict(resource.properties))
        if not blank(properties, path):
            return None
        kept = resource.dependencies
        if not keep_sources or len(path) == 1:
            kept = {name: urns for name, urns in kept.items() if name != path[0]}
        result.append(replace(resource, properties=properties, dependencies=kept))
    return tuple(result)


def is_absent(resources: tuple[Resource, ...], urn: str, path: Path) -> bool:
    value: Any = next(item.properties for item in resources if item.urn == urn)
    for step in path:
        value = item_at(value, step)
    return value is None


def blank(target: Any, path: Path) -> bool:
    *way, last = path
    for step in way:
        target = item_at(target, step)
    if isinstance(target, dict):
        target[last] = UNKNOWN
        return True
    if isinstance(target, list) and isinstance(last, int) and last < len(target):
        target[last] = UNKNOWN
        return True
    return False


def item_at(target: Any, step: str | int) -> Any:
    if isinstance(target, dict):
        return target.get(step)
    if isinstance(target, list) and isinstance(step, int) and step < len(target):
        return target[step]
    return None


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_what_is_wrong_never_passes_because_a_value_is_not_known(rule: Rule) -> None:
    example = EXAMPLES[rule.id]
    tried = 0
    for words, change in example.fails.items():
        resources = resources_of(changed(example.program, change), known=True)
        for urn, path in read_places(rule, resources):
            blanked = without(resources, urn, path)
            if blanked is None:
                continue
            tried += 1
            report = run_rule(rule, blanked)
            assert report.violations or report.unknown, (words, urn, path)
    assert tried or not reads_anything(rule)


def reads_anything(rule: Rule) -> bool:
    # Three rules ask only whether a resource is there.
    return rule.id not in {"vpc-flow-log", "vpc-default-security-group-managed", "firewall-logs"}


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_no_unknown_makes_a_false_finding_or_a_crash(rule: Rule) -> None:
    for words, program in programs(EXAMPLES[rule.id]):
        resources = resources_of(program, known=True)
        found = {item.resource for item in run_rule(rule, resources).violations}
        for urn, path in read_places(rule, resources):
            blanked = without(resources, urn, path, keep_sources=True)
            # What is absent cannot turn out to be absent: an unknown counts as set.
            if blanked is None or is_absent(resources, urn, path):
                continue
            after = {item.resource for item in run_rule(rule, blanked).violations}
            assert after <= found, (words, urn, path)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_an_unknown_in_a_compliant_program_is_said(rule: Rule) -> None:
    """One place that is not known, of those that the verdict hangs on, is enough to say so."""
    resources = resources_of(EXAMPLES[rule.id].program, known=True)
    silent, said = [], 0
    for urn, path in read_places(rule, resources):
        blanked = without(resources, urn, path)
        if blanked is None:
            continue
        if run_rule(rule, blanked).unknown:
            said += 1
        else:
            silent.append((urn.rsplit("::", 1)[-1], path))
    assert said or not silent, silent


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_shapes_that_no_rule_expects_make_no_crash(rule: Rule) -> None:
    odd: list[Any] = [None, "", "x", 0, 1.5, True, [], {}, [None], ["x"], [[]], [{}], {"a": {}}]
    resources = resources_of(EXAMPLES[rule.id].program, known=True)
    for urn, path in read_places(rule, resources):
        for value in odd:
            changed_resources = tuple(
                replace(item, properties={**item.properties, str(path[0]): value})
                if item.urn == urn
                else item
                for item in resources
            )
            run_rule(rule, changed_resources)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_a_rule_says_all_that_the_catalogue_needs(rule: Rule) -> None:
    assert rule.title[:1].isupper()
    assert not rule.title.endswith(".")
    assert rule.why.endswith(".")
    assert rule.remediation
    assert rule.types
    assert rule.level in Level


def test_most_rules_name_their_like_in_other_catalogues() -> None:
    with_ids = [rule for rule in ALL if rule.elsewhere]
    assert len(with_ids) >= 90


@pytest.mark.parametrize("rule", [rule for rule in ALL if rule.remedy], ids=lambda rule: rule.id)
def test_a_remedy_mends_what_its_rule_finds_and_nothing_else(rule: Rule) -> None:
    example = EXAMPLES[rule.id]
    assert rule.remedy is not None
    mended = 0
    for _, program in programs(example):
        resources = resources_of(program, known=True)
        broken = {item.resource for item in run_rule(rule, resources).violations}
        for resource in resources:
            if resource.urn not in broken:
                assert resource.type not in rule.types or rule.remedy(resource.properties) is None
                continue
            remedied = rule.remedy(resource.properties)
            assert remedied is not None
            better = tuple(
                replace(item, properties={**item.properties, **remedied})
                if item is resource
                else item
                for item in resources
            )
            assert resource.urn not in {v.resource for v in run_rule(rule, better).violations}
            mended += 1
    assert mended
