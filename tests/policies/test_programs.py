"""Programs that are not ours, in the styles that people write: what the packs say of them."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import yaml

from turnout.plan import plan_program
from turnout_policies.resources import Resource, from_plan
from turnout_policies.rule import Level
from turnout_policies.runner import Report, run

PROGRAMS = Path(__file__).parent / "programs"
EXPECTED = yaml.safe_load((PROGRAMS / "expected.yaml").read_text())


@functools.cache
def resources(program: str) -> tuple[Resource, ...]:
    plan = plan_program(
        PROGRAMS / f"{program}.py",
        project="shop",
        stack="prod",
        config={"aws:region": "ap-northeast-2"},
    )
    return from_plan(plan.to_json())


def found(report: Report, level: Level) -> dict[str, list[str]]:
    """The names of the resources that break each rule of a level."""
    broken: dict[str, list[str]] = {}
    for item in report.violations:
        if item.level is level:
            broken.setdefault(item.rule, []).append(item.resource.rpartition("::")[2])
    return {rule: sorted(names) for rule, names in broken.items()}


def test_every_program_has_its_findings_written_down() -> None:
    assert {path.stem for path in PROGRAMS.glob("*.py")} == set(EXPECTED)
    assert len(EXPECTED) >= 5


@pytest.mark.parametrize("program", EXPECTED)
def test_a_program_gets_these_findings_and_no_others(program: str) -> None:
    report = run(resources(program))
    assert found(report, Level.MANDATORY) == EXPECTED[program]["mandatory"]
    assert found(report, Level.ADVISORY) == EXPECTED[program]["advisory"]
    assert sorted({item.rule for item in report.unknown}) == EXPECTED[program]["unknown"]
