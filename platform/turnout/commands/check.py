"""`turnout check`: the policy packs over a stack's plan, or over a stack that exists."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NoReturn

import click

from turnout.commands.plan import make_plan
from turnout.commands.stack import stack_option
from turnout.plan import ProgramError
from turnout.stackfile import StackFile, StackFileError, read_stack
from turnout.workspace import WorkspaceError, find_workspace
from turnout_policies.packs import PACKS, Pack
from turnout_policies.reports import FORMATS, Format
from turnout_policies.reports.places import PROJECT_FILE, Locate, Place, at_project
from turnout_policies.resources import Resource, from_export, from_plan
from turnout_policies.runner import Violation, run
from turnout_policies.settings import SettingsError

# What CI can tell apart: nothing mandatory is broken, something is, nothing could be said.
_BROKEN: Final = 1
_COULD_NOT_RUN: Final = 2

# Resources by the start of their type, and the key of the stack file that makes them so.
_SETTINGS: Final = (
    ("aws:cloudwatch/logGroup", "target"),
    ("aws:cloudwatch/", "alarms"),
    ("aws:sns/", "alarms"),
    ("aws:wafv2/", "firewall"),
    ("aws:acm/", "certificate"),
    ("aws:lb/", "access"),
    ("aws:ec2/vpc", "network"),
    ("aws:ec2/subnet", "network"),
    ("aws:ec2/flowLog", "network"),
    ("aws:appautoscaling/", "scaling"),
    ("aws:ecr/", "image"),
    ("aws:ecs/", "target"),
    ("aws:eks/", "target"),
    ("aws:lambda/", "target"),
    ("aws:autoscaling/", "target"),
    ("kubernetes:", "target"),
)


@click.command()
@stack_option
@click.option(
    "--state",
    type=click.File("r"),
    help="Check an existing stack instead: what `pulumi stack export` printed, - for stdin.",
)
@click.option(
    "--plan",
    "plan_file",
    type=click.File("r"),
    help="Check a plan that `turnout plan --json` printed, - for stdin.",
)
@click.option(
    "--pack",
    "packs",
    multiple=True,
    type=click.Choice([pack.name for pack in PACKS]),
    help="A pack to run; all of them unless given. May be repeated.",
)
@click.option(
    "--policy-config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Levels and settings of rules, in the form of Pulumi's --policy-pack-config.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="How to print the findings.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of standard output.",
)
def check_command(
    stack: str,
    state: IO[str] | None,
    plan_file: IO[str] | None,
    packs: tuple[str, ...],
    config_file: Path | None,
    format_: Format,
    output: Path | None,
) -> None:
    """Run the policy packs over the plan of a stack, without an engine or an account.

    Exits with 0 when no mandatory rule is broken, with 1 when one is, with 2 when it could not
    run.
    """
    if state is not None and plan_file is not None:
        _fail("--state and --plan are two different sources: give one of them")
    with _clear_errors():
        config = _read_config(config_file)
        resources, locate = _source(stack, state, plan_file)
        report = run(resources, _chosen(packs), config)
        text = FORMATS[format_](report, locate)
        if output is None:
            click.echo(text, nl=False)
        else:
            output.write_text(text, encoding="utf-8")
    sys.exit(_BROKEN if report.blocking else 0)


def _source(
    stack: str, state: IO[str] | None, plan_file: IO[str] | None
) -> tuple[tuple[Resource, ...], Locate]:
    if state is not None:
        return _records(state, from_export, "pulumi stack export"), at_project
    if plan_file is not None:
        return _records(plan_file, from_plan, "turnout plan --json"), at_project
    file = read_stack(find_workspace(), stack)
    return from_plan(make_plan(stack).to_json()), _in_stack_file(file)


def _records(
    source: IO[str], read: Callable[[Mapping[str, Any]], tuple[Resource, ...]], maker: str
) -> tuple[Resource, ...]:
    """The resources in a JSON file. Raises ValueError for anything but what `maker` prints."""
    name = getattr(source, "name", "the input")
    try:
        return read(json.load(source))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{name} is not what `{maker}` prints ({error!r})") from None


def _in_stack_file(file: StackFile) -> Locate:
    """Findings at the setting of the stack file that their resource is made from."""

    def locate(violation: Violation) -> Place:
        type_ = violation.resource.split("::")[-2].rsplit("$", 1)[-1]
        setting = next((key for start, key in _SETTINGS if type_.startswith(start)), "")
        path = f"turnout:service.{setting}".rstrip(".")
        name, line, _ = file.at(path).rsplit(":", 2)
        return Place(name, int(line)) if not Path(name).is_absolute() else PROJECT_FILE

    return locate


def _chosen(names: tuple[str, ...]) -> tuple[Pack, ...]:
    return tuple(pack for pack in PACKS if not names or pack.name in names)


def _read_config(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: {error}") from None
    if not isinstance(config, dict):
        raise SettingsError(f"{path}: must be an object of rules and their settings")
    return config


@contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except (
        OSError,
        ProgramError,
        SettingsError,
        StackFileError,
        ValueError,
        WorkspaceError,
    ) as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    click.echo(f"Error: {message}", err=True)
    sys.exit(_COULD_NOT_RUN)
