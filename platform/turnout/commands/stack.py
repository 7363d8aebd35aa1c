"""What subcommands share: which stack is meant, and errors that a user can mend."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from turnout.stackfile import StackFileError, stack_names
from turnout.workspace import Workspace, WorkspaceError, find_workspace

_Function = TypeVar("_Function", bound=Callable[..., Any])


def stack_option(function: _Function) -> _Function:
    """Adds `--stack`, which is `local` unless given."""
    return click.option(
        "-s",
        "--stack",
        default="local",
        show_default=True,
        help="Stack to work on: stacks/Pulumi.<stack>.yaml.",
        shell_complete=_complete,
    )(function)


@contextmanager
def mendable(*kinds: type[Exception]) -> Iterator[None]:
    """Turns errors of `kinds`, and of the stack file, into a message and exit code 1."""
    expected: tuple[type[Exception], ...] = (StackFileError, WorkspaceError, *kinds)
    try:
        yield
    except expected as error:
        raise click.ClickException(str(error)) from None


def _complete(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    try:
        workspace: Workspace = find_workspace()
    except WorkspaceError:
        return []
    return [name for name in stack_names(workspace) if name.startswith(typed)]
