"""`turnout plan`: what a stack would make, without an engine, an account or a provider."""

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace

import click

from turnout.commands.stack import mendable, stack_option
from turnout.plan import Plan, ProgramError, plan_program
from turnout.plan.tree import print_plan
from turnout.stackfile import (
    FOUNDATION,
    checked_service,
    read_stack,
    unknown_keys,
    with_places,
)
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
        return
    print_plan(plan)
    for line in _policies(plan):
        click.echo(line)


def _policies(plan: Plan) -> Iterator[str]:
    """What the policy packs say of the plan, in short; `turnout check` has it in full."""
    if importlib.util.find_spec("turnout_policies") is None:
        yield "policies: not looked at; install turnout-policies for it"
        return
    from turnout_policies.resources import from_plan
    from turnout_policies.rule import Level
    from turnout_policies.runner import run

    report = run(from_plan(plan.to_json()))
    mandatory = [found for found in report.violations if found.level is Level.MANDATORY]
    more = f"; turnout check --stack {plan.stack}" if report.violations else ""
    yield (
        f"policies: {len(report.violations)} findings, {len(mandatory)} of them mandatory, "
        f"{len(report.unknown)} undecided before up{more}"
    )
    for found in mandatory:
        yield f"  {found.rule}: {found.message}"


def make_plan(stack: str) -> Plan:
    """The plan of a stack of this project.

    Raises StackFileError, WorkspaceError or ProgramError.
    """
    workspace = find_workspace()
    file = read_stack(workspace, stack)
    if FOUNDATION not in file.config:
        # With the place of each problem in the file; the program would say them without it.
        checked_service(file)
    try:
        plan = plan_program(
            workspace.program,
            project=workspace.project,
            stack=stack,
            config=file.config,
            secret_keys=file.secret_keys,
        )
    except ProgramError as error:
        raise ProgramError(with_places(file, str(error))) from None
    return replace(plan, warnings=(*unknown_keys(file), *plan.warnings))
