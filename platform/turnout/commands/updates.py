"""What can go wrong while the engine changes a stack, said so that it can be mended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from pulumi.automation import CommandError, ConcurrentUpdateError, Stack, StackNotFoundError

from turnout.engine import Engine
from turnout.workspace import Workspace


def opened(
    how: Callable[[Engine, Workspace, str], Stack], engine: Engine, workspace: Workspace, stack: str
) -> Stack | None:
    """The stack that `how` opens; None where there is no such stack."""
    try:
        return how(engine, workspace, stack)
    except StackNotFoundError:
        return None
    except CommandError as error:
        said = str(error).rpartition("stderr:")[2].strip()
        raise click.ClickException(f"stack {stack} cannot be opened: {said}") from None


@contextmanager
def explained(workspace: Workspace, stack: str, wanted: str) -> Iterator[None]:
    """Turns the engine's failures into a message; `wanted` is what `stack` is not then."""
    try:
        yield
    except ConcurrentUpdateError:
        locks = workspace.state / ".pulumi" / "locks"
        raise click.ClickException(
            f"another update of stack {stack} is running; if it was killed, remove {locks}"
        ) from None
    except CommandError:
        # The engine has said on screen what is wrong.
        raise click.ClickException(f"stack {stack} is not {wanted}") from None
