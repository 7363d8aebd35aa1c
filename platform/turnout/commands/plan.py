"""`turnout plan`: what a stack would make, without an engine, an account or a provider."""

import json

import click

from turnout.commands.stack import mendable, stack_option
from turnout.plan import Plan, ProgramError, plan_program
from turnout.plan.tree import print_plan
from turnout.stackfile import FOUNDATION, checked_service, read_stack
from turnout.workspace import find_workspace


@click.command()
@stack_option
@click.option("--json", "as_json", is_flag=True, help="Print the resources as JSON.")
def plan_command(stack: str, as_json: bool) -> None:
    """Show what a stack would make. Asks nobody: no engine, no AWS account, no provider.

    A check before `pulumi preview`, not a replacement: no provider has read the inputs.
    """
    with mendable(ProgramError):
        plan = make_plan(stack)
    if as_json:
        click.echo(json.dumps(plan.to_json(), indent=2, ensure_ascii=False))
    else:
        print_plan(plan)


def make_plan(stack: str) -> Plan:
    """The plan of a stack of this project.

    Raises StackFileError, WorkspaceError or ProgramError.
    """
    workspace = find_workspace()
    file = read_stack(workspace, stack)
    if FOUNDATION not in file.config:
        # With the place of each problem in the file; the program would say them without it.
        checked_service(file)
    return plan_program(
        workspace.program,
        project=workspace.project,
        stack=stack,
        config=file.config,
        secret_keys=file.secret_keys,
    )
