"""Drives the engine through Pulumi's Automation API, with the program in this process."""

import os
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path

from pulumi.automation import LocalWorkspace, PulumiCommand, Stack

from turnout.engine.find import Engine
from turnout.workspace import Workspace


def environment(
    engine: Engine, workspace: Workspace, given: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """What the engine is told: state inside the project, unless the user has said where."""
    tools = (Path(sys.executable).parent, engine.path.parent)
    told = {
        "PATH": os.pathsep.join((*map(str, tools), given.get("PATH", os.defpath))),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    if "PULUMI_BACKEND_URL" not in given:
        workspace.state.mkdir(exist_ok=True)
        told["PULUMI_BACKEND_URL"] = workspace.state.as_uri()
    if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & given.keys():
        told["PULUMI_CONFIG_PASSPHRASE"] = ""
    return told


def open_stack(engine: Engine, workspace: Workspace, stack: str) -> Stack:
    """The stack, made where it does not exist yet."""
    command = PulumiCommand(root=None if engine.path.parent.name != "bin" else _root(engine))
    local = LocalWorkspace(
        work_dir=str(workspace.root),
        program=lambda: _program(workspace.program),
        env_vars=environment(engine, workspace),
        pulumi_command=command,
    )
    return Stack.create_or_select(stack, local)


def _root(engine: Engine) -> str:
    return str(engine.path.parent.parent)


def _program(folder: Path) -> None:
    runpy.run_path(str(folder), run_name="__main__")
