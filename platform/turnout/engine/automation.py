"""Drives the engine through Pulumi's Automation API, with the program in this process."""

import os
import runpy
import sys
from pathlib import Path

from pulumi.automation import LocalWorkspace, PulumiCommand, Stack

from turnout.engine.find import Engine
from turnout.workspace import Workspace


def environment(engine: Engine, backend: str) -> dict[str, str]:
    """What the engine is told: where the state is, and that nothing in it is locked away."""
    tools = (Path(sys.executable).parent, engine.path.parent)
    return {
        "PATH": os.pathsep.join((*map(str, tools), os.environ.get("PATH", os.defpath))),
        "PULUMI_BACKEND_URL": backend,
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def open_stack(engine: Engine, workspace: Workspace, stack: str) -> Stack:
    """A stack whose state is a file of the project, made where it does not exist yet."""
    return Stack.create_or_select(stack, _local(engine, workspace))


def existing_stack(engine: Engine, workspace: Workspace, stack: str) -> Stack:
    """The same, but only where it exists. Raises StackNotFoundError."""
    return Stack.select(stack, _local(engine, workspace))


def _local(engine: Engine, workspace: Workspace) -> LocalWorkspace:
    workspace.state.mkdir(exist_ok=True)
    in_bin = engine.path.parent.name == "bin"
    return LocalWorkspace(
        work_dir=str(workspace.root),
        program=lambda: _program(workspace.program),
        env_vars=environment(engine, workspace.state.as_uri()),
        # Elsewhere it is the one on PATH.
        pulumi_command=PulumiCommand(str(engine.path.parent.parent)) if in_bin else None,
    )


def _program(folder: Path) -> None:
    runpy.run_path(str(folder), run_name="__main__")
