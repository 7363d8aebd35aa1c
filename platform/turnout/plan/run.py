"""Runs a Pulumi program in this process, with nobody behind it: no engine, account or provider."""

import asyncio
import contextvars
import logging
import runpy
import sys
import traceback
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import pulumi
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime import configure, mocks, set_all_config
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import run_in_stack

from turnout.plan.monitor import RecordingMonitor
from turnout.plan.record import STACK_TYPE, Plan

DEFAULT_REGION: Final = "ap-northeast-2"


class ProgramError(Exception):
    """The program cannot be planned; the text says where and why."""


def plan_program(
    program: Path,
    *,
    project: str,
    stack: str,
    config: Mapping[str, str],
    secret_keys: Collection[str] = (),
) -> Plan:
    """The plan of `program`, a folder with a `__main__.py` or a file.

    `config` is as the engine hands it to a program: full keys, and text or JSON for values.
    Raises ProgramError.
    """
    # Pulumi keeps its settings in context variables: a copy leaves the caller's alone.
    return contextvars.copy_context().run(
        _plan, program, project, stack, dict(config), list(secret_keys)
    )


def _plan(
    program: Path, project: str, stack: str, config: dict[str, str], secret_keys: list[str]
) -> Plan:
    notes = _Notes()
    monitor = RecordingMonitor(config.get("aws:region", DEFAULT_REGION))
    features = monitor.GetDeploymentInfo(Empty()).supportedFeatures  # type: ignore[no-untyped-call]
    # What mocks.set_mocks does, but for the root resource: that one belongs to the loop below.
    configure(
        mocks.MockSettings(
            monitor=monitor,
            monitor_features=set(features),
            engine=mocks.MockEngine(notes.logger),
            project=project,
            stack=stack,
            dry_run=True,
            organization="organization",
            callbacks=None,
        )
    )
    set_all_config(config, secret_keys)
    # A program that failed has left tasks of its own loop here, which is closed.
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()
    path = list(sys.path)
    try:
        with asyncio.Runner() as runner:
            # What fails beside the first failure says the same again.
            runner.get_loop().set_exception_handler(lambda _loop, _context: None)
            runner.run(run_in_stack(lambda: _run(program)))
    except Exception as error:
        text = "\n".join((*monitor.problems, *notes.errors)) or _said(error, program)
        raise ProgramError(text) from error
    finally:
        sys.path[:] = path
    if monitor.problems or notes.errors:
        raise ProgramError("\n".join((*monitor.problems, *notes.errors)))
    root = monitor.make_urn("", STACK_TYPE, f"{project}-{stack}")
    return Plan(
        project=project,
        stack=stack,
        resources=tuple(monitor.planned),
        outputs=monitor.outputs.get(root, {}),
        warnings=tuple(notes.warnings),
    )


def _run(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")


def _said(error: Exception, program: Path) -> str:
    if isinstance(error, pulumi.RunError):
        return str(error)
    return f"{_place(error, program)}{type(error).__name__}: {error}"


def _place(error: BaseException, program: Path) -> str:
    """The last line of the program itself that the error passed through."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(program)
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}: " if frames else ""


class _Notes(logging.Handler):
    """Keeps what the program says through `pulumi.log`."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.logger = logging.Logger("turnout.plan", logging.WARNING)
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        kept = self.errors if record.levelno >= logging.ERROR else self.warnings
        kept.append(record.getMessage())
