"""`turnout doctor`: what is there, what is missing, and what that costs you."""

import sys
from collections.abc import Iterable
from typing import Final

import click

from turnout.commands.stack import mendable, stack_option
from turnout.config import Local
from turnout.doctor import Finding, Health, examine_machine
from turnout.doctor.account import examine_account
from turnout.engine import EngineError
from turnout.stackfile import checked_service, read_stack
from turnout.workspace import find_workspace

_COLOUR: Final = {Health.GOOD: "green", Health.POOR: "yellow", Health.MISSING: "red"}


@click.command()
@stack_option
def doctor_command(stack: str) -> None:
    """Say what this machine has for a stack, what is missing, and what that costs you.

    For a stack on AWS it asks AWS who you are and what your quotas are. It changes nothing, and
    ends with 1 where something is missing that the stack needs.
    """
    with mendable(EngineError):
        workspace = find_workspace()
        file = read_stack(workspace, stack)
        config = checked_service(file)
        findings = list(_show(examine_machine(workspace, stack, config)))
        if all(isinstance(tier, Local) for tier in config.tiers):
            click.echo(f"    aws          not asked: stack {stack} runs on this machine")
        else:
            findings += _show(examine_account(config, file.config.get("aws:region")))
    if any(finding.health is Health.MISSING for finding in findings):
        sys.exit(1)


def _show(findings: Iterable[Finding]) -> Iterable[Finding]:
    for finding in findings:
        mark = click.style(finding.health, fg=_COLOUR[finding.health])
        click.echo(f"{mark}  {finding.name:12} {finding.said}")
        for label, text in (("costs", finding.cost), ("fix", finding.fix)):
            if text:
                click.echo(f"    {'':12} {label}: {text}")
        yield finding
