"""The workflow files, and the scripts in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))


def jobs(workflow: str) -> dict[str, Any]:
    """The jobs of a workflow, by name."""
    found: dict[str, Any] = yaml.safe_load((GITHUB / "workflows" / workflow).read_text())["jobs"]
    return found


def script(workflow: str, job: str, name: str) -> str:
    """What the step runs whose name starts so."""
    steps = jobs(workflow)[job]["steps"]
    (found,) = (one["run"] for one in steps if "run" in one and one["name"].startswith(name))
    return str(found)
