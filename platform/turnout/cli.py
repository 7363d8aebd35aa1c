"""The `turnout` command. Each subcommand is a module of `turnout.commands`, loaded when used."""

import difflib
import gc
import importlib
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

import click

# Subcommand to its module, and what it does in a line.
_COMMANDS: Final = {
    "up": "Deploy a stack of the local tier, and classify three comments with it.",
    "down": "Stop the server of a local stack, and remove the stack's resources.",
    "plan": "Show what a stack would make, asking nobody.",
    "check": "Run the policy packs over the plan of a stack.",
    "schema": "Print the JSON schema of stack files.",
    "doctor": "Say what this machine has, what is missing, and what that costs you.",
}


class _LazyGroup(click.Group):
    """Imports a subcommand's module only when it is asked for: Pulumi's SDK costs a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"turnout.commands.{cmd_name}")
        command = getattr(module, f"{cmd_name}_command")
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is ours
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], _COMMANDS, 1) if args else []
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]}?", ctx) from None


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="turnout")
def turnout() -> None:
    """One text classifier on Lambda, EC2, ECS, EKS or this machine: the stack file says which."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line. What a user can mend ends in a message, not in a traceback."""
    # A command lives for seconds. Looking for garbage among the classes of the AWS SDK, which all
    # stay, took 40 % of a plan's time.
    gc.disable()
    try:
        turnout.main(arguments, standalone_mode=True)
    except BrokenPipeError:
        # `turnout plan | head` closes our output; nobody reads what is left.
        sys.stderr.close()
        sys.exit(1)
    sys.exit(0)
