"""`turnout down`: the local stack destroyed, and its server stopped. What `make down` runs."""

import click

from turnout import local
from turnout.commands.stack import mendable, stack_option
from turnout.commands.transcript import Transcript
from turnout.commands.up import refuse_other_tiers
from turnout.commands.updates import explained, opened
from turnout.engine import EngineError, find, wanted
from turnout.engine.automation import existing_stack
from turnout.targets.local import DRAIN_SECONDS
from turnout.workspace import STATE, Workspace, find_workspace


@click.command()
@stack_option
def down_command(stack: str) -> None:
    """Stop the server of a local stack, and remove the stack's resources."""
    with mendable(EngineError, local.LocalServerError):
        workspace = find_workspace()
        refuse_other_tiers(workspace, stack, "destroy")
        destroyed = _destroy(workspace, stack)
        stopped = _stop(workspace, stack)
    if not destroyed and not stopped:
        click.echo(f"stack {stack}: nothing was running")
    else:
        click.echo(f"stack {stack}: down")


def _destroy(workspace: Workspace, stack: str) -> bool:
    engine = find(wanted())
    if engine is None or not (workspace.root / STATE / ".pulumi").is_dir():
        return False
    found = opened(existing_stack, engine, workspace, stack)
    if found is None:
        return False
    with explained(workspace, stack, "down"):
        result = found.destroy(on_output=Transcript())
    return bool(result.summary.resource_changes)


def _stop(workspace: Workspace, stack: str) -> bool:
    """Stops what was started without an engine."""
    folders = workspace.state / "local" / stack
    stopped = [
        local.stop(folder, timeout=DRAIN_SECONDS + 5)
        for folder in sorted(folders.glob("*"))
        if folder.is_dir()
    ]
    return any(stopped)
