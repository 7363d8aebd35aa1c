"""`turnout up`: the local stack deployed, and three comments classified. What `make up` runs."""

import time

import click

from turnout import local
from turnout.commands.plan import make_plan
from turnout.commands.samples import ClassifyError, classify_samples, print_results
from turnout.commands.stack import mendable, stack_option
from turnout.commands.transcript import Transcript
from turnout.commands.updates import explained, opened
from turnout.config import Local
from turnout.engine import Engine, EngineError, Wanted, find, wanted
from turnout.engine.automation import open_stack
from turnout.engine.obtain import obtain
from turnout.engine.screen import Screen
from turnout.plan import ProgramError
from turnout.plan.tree import print_plan
from turnout.stackfile import checked_service, read_stack
from turnout.targets.local import TYPE, server_spec
from turnout.workspace import Workspace, find_workspace


@click.command()
@stack_option
def up_command(stack: str) -> None:
    """Deploy a stack of the local tier, and classify three comments with it.

    Stacks on AWS are deployed with `pulumi up`, which shows what it will do and asks.
    """
    started = time.monotonic()
    with mendable(EngineError, ProgramError, local.LocalServerError, ClassifyError):
        workspace = find_workspace()
        refuse_other_tiers(workspace, stack, "up")
        engine = _engine()
        if engine is None:
            url = _serve_without_engine(workspace, stack)
        else:
            url = _deploy(engine, workspace, stack)
        print_results(classify_samples(url))
    _farewell(url, stack, time.monotonic() - started)


def refuse_other_tiers(workspace: Workspace, stack: str, verb: str) -> None:
    """Leaves what costs money to `pulumi`. Raises ClickException for a stack that is not local."""
    config = checked_service(read_stack(workspace, stack))
    kinds = [tier.kind for tier in config.tiers if not isinstance(tier, Local)]
    if kinds:
        raise click.ClickException(
            f"stack {stack} runs on {' and '.join(kinds)}, not on this machine; use "
            f"`pulumi {verb} --stack {stack}`, which shows what it will do and asks"
        )


def _engine() -> Engine | None:
    want = wanted()
    if want is Wanted.NONE:
        click.echo("engine: none, as ENGINE asks; the server is started without Pulumi")
        return None
    engine = find(want)
    if engine is None:
        with Screen("engine") as screen:
            try:
                engine = obtain(want, screen)
            except EngineError as error:
                click.echo(f"engine: none ({error}); the server is started without Pulumi")
                return None
    click.echo(f"engine: pulumi {engine.version}, {engine.origin}")
    return engine


def _deploy(engine: Engine, workspace: Workspace, stack: str) -> str:
    found = opened(open_stack, engine, workspace, stack)
    assert found is not None  # noqa: S101 - it is made where there is none
    with explained(workspace, stack, "up"):
        # The refresh sees a server that died since the last time.
        result = found.up(refresh=True, on_output=Transcript())
    return str(result.outputs["url"].value)


def _serve_without_engine(workspace: Workspace, stack: str) -> str:
    plan = make_plan(stack)
    print_plan(plan)
    (server,) = plan.of_type(TYPE)
    spec = server_spec(int(server.inputs["port"]), dict(server.inputs["environment"]))
    running = local.ensure(workspace.root / str(server.inputs["folder"]), spec)
    click.echo(
        f"server: started, pid {running.pid}"
        if running.started
        else f"server: runs already, pid {running.pid}; nothing restarted"
    )
    return running.url


def _farewell(url: str, stack: str, seconds: float) -> None:
    other = "" if stack == "local" else f" (.venv/bin/turnout down --stack {stack})"
    click.echo(f"\n  API    {url}/v1/classify")
    click.echo(f"  docs   {url}/docs")
    click.echo(f"  stop   make down{other}")
    click.echo(f"\nup in {seconds:.1f} s")
