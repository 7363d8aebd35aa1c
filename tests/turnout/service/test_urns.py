"""The URNs of every tier, kept: one that changes is a resource that an `up` makes anew.

After a change on purpose, run this file with TURNOUT_WRITE_GOLDEN=1.
"""

import os
from pathlib import Path

import pytest
from tests.turnout.programs import KINDS, tier_plan

GOLDEN = Path(__file__).parent / "golden"
PREFIX = "urn:pulumi:test::turnout::"


@pytest.mark.parametrize("kind", KINDS)
def test_no_resource_of_a_tier_is_called_otherwise(kind: str) -> None:
    urns = sorted(r.urn.removeprefix(PREFIX) for r in tier_plan(kind, everything=True).resources)
    file = GOLDEN / f"{kind}.txt"
    if os.environ.get("TURNOUT_WRITE_GOLDEN"):
        file.write_text("\n".join(urns) + "\n")
    assert urns == file.read_text().splitlines()
