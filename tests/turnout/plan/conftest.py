from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from turnout.plan import Plan, plan_program

MakePlan = Callable[..., Plan]


@pytest.fixture
def planned(tmp_path: Path) -> MakePlan:
    """The plan of a program given as text."""

    def make(body: str, config: Mapping[str, str] | None = None, **more: object) -> Plan:
        (tmp_path / "__main__.py").write_text(f"import pulumi\nimport pulumi_aws as aws\n{body}\n")
        said = {"aws:region": "eu-west-1", **(config or {})}
        return plan_program(tmp_path, project="shop", stack="dev", config=said, **more)  # type: ignore[arg-type]

    return make
