"""docs/policies.md is what the rules and their examples say."""

from __future__ import annotations

from pathlib import Path

from turnout_policies.catalogue import render
from turnout_policies.rules import ALL

CATALOGUE = Path(__file__).parents[2] / "docs" / "policies.md"


def test_the_catalogue_is_written_from_the_rules_as_they_are() -> None:
    assert CATALOGUE.read_text() == render(), (
        "run: python -m turnout_policies.catalogue > docs/policies.md"
    )


def test_every_rule_has_a_heading_a_row_and_a_difference() -> None:
    text = render()
    for rule in ALL:
        assert f"\n## {rule.id}\n" in text
        assert f"| [{rule.id}](#{rule.id}) |" in text
    assert text.count("```diff") == len(ALL)
