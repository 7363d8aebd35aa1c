"""The real engine over stand-in providers, with the program in this process."""

from __future__ import annotations

import os
import runpy
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pulumi import automation
from pulumi.automation import EngineEvent, LocalWorkspace, OpType, PulumiCommand
from tests.engine.standin import docker_build, kubernetes, plugin
from tests.engine.standin.aws import package as aws
from tests.engine.standin.cloud import Cloud

from turnout.engine import Engine

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "aws": aws.VERSION,
    "kubernetes": kubernetes.VERSION,
    "docker-build": docker_build.VERSION,
}
Program = Callable[[], None]


def service_program() -> None:
    """The program of every stack."""
    runpy.run_path(str(ROOT / "stacks"), run_name="__main__")


@dataclass(frozen=True)
class Step:
    """What the engine does, or would do, with one resource."""

    op: OpType
    urn: str
    type: str
    inputs: Mapping[str, Any]
    changed: tuple[str, ...]
    """The paths that differ."""

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Outcome:
    """What one operation of the engine did."""

    ok: bool
    steps: tuple[Step, ...]
    errors: tuple[str, ...]
    outputs: Mapping[str, Any]

    @property
    def counts(self) -> Mapping[OpType, int]:
        return Counter(step.op for step in self.steps)

    def changing(self) -> list[Step]:
        """Every step that does something, the stack's own record aside."""
        quiet = (OpType.SAME, OpType.READ)
        return [
            step
            for step in self.steps
            if step.op not in quiet and step.type != "pulumi:pulumi:Stack"
        ]

    def of(self, token: str) -> list[Step]:
        return [step for step in self.steps if step.type == token]


@dataclass
class Deployment:
    """One stack with a cloud of its own."""

    cloud: Cloud
    stack: automation.Stack
    folder: Path

    def configure(self, config: Mapping[str, Any]) -> None:
        """Write the stack file anew; values may be objects, as people write them."""
        path = self.folder / f"Pulumi.{self.stack.name}.yaml"
        path.write_text(yaml.safe_dump({"config": dict(config)}))

    def run(self, program: Program) -> None:
        """From now on the stack has another program."""
        self.stack.workspace.program = program

    def preview(self, **options: Any) -> Outcome:
        return self._operate(self.stack.preview, options)

    def up(self, **options: Any) -> Outcome:
        return self._operate(self.stack.up, options)

    def refresh(self, **options: Any) -> Outcome:
        return self._operate(self.stack.refresh, options)

    def destroy(self, **options: Any) -> Outcome:
        return self._operate(self.stack.destroy, options)

    def outputs(self) -> dict[str, Any]:
        return {name: output.value for name, output in self.stack.outputs().items()}

    def _operate(self, operation: Callable[..., Any], options: Mapping[str, Any]) -> Outcome:
        events: list[EngineEvent] = []
        failure: str | None = None
        try:
            operation(on_event=events.append, **options)
        except automation.CommandError as error:
            failure = str(error)
        errors = _errors(events)
        if failure and not errors:
            errors = (failure,)
        known = self.outputs() if failure is None and operation != self.stack.preview else {}
        return Outcome(failure is None, _steps(events), errors, known)


@dataclass
class Workbench:
    """Makes deployments; closes what it opened."""

    engine: Engine
    folder: Path
    _opened: list[plugin.PluginServer] = field(default_factory=list)
    # A socket's path is at most 104 characters long, and a test's folder may be longer.
    _doors: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="doors-")))

    def deployment(
        self,
        config: Mapping[str, Any],
        program: Program = service_program,
        stack: str = "test",
        cloud: Cloud | None = None,
    ) -> Deployment:
        """A new stack; `cloud` lets two stacks share an account."""
        number = len(self._opened)
        folder = self.folder / str(number)
        (folder / "state").mkdir(parents=True)
        cloud = cloud or Cloud()
        door = self._doors / str(number)
        self._opened.append(plugin.PluginServer(door, _factories(cloud)))
        home = folder / "home"
        plugin.install(home, PACKAGES)
        workspace = LocalWorkspace(
            work_dir=str(folder),
            program=program,
            project_settings=automation.ProjectSettings(name="turnout", runtime="python"),
            env_vars={**self._environment(home, folder), plugin.SOCKET_VARIABLE: str(door)},
            pulumi_command=_command(self.engine),
        )
        made = Deployment(cloud, automation.Stack.create(stack, workspace), folder)
        made.configure(config)
        return made

    def close(self) -> None:
        for server in self._opened:
            server.close()
        shutil.rmtree(self._doors)

    def _environment(self, home: Path, folder: Path) -> dict[str, str]:
        return {
            "PATH": os.pathsep.join((str(self.engine.path.parent), os.environ["PATH"])),
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # The state is written once an operation, not twice a resource: a third of the time.
            "PULUMI_EXPERIMENTAL": "true",
            "PULUMI_SKIP_CHECKPOINTS": "true",
        }


def _command(engine: Engine) -> PulumiCommand | None:
    """The SDK asks for the folder above `bin`; elsewhere the engine is the one on PATH."""
    folder = engine.path.parent
    return PulumiCommand(str(folder.parent)) if folder.name == "bin" else None


def _factories(cloud: Cloud) -> dict[str, plugin.ServicerFactory]:
    return {
        "aws": lambda: aws.servicer(cloud),
        "kubernetes": lambda: kubernetes.servicer(cloud),
        "docker-build": lambda: docker_build.servicer(cloud),
    }


def _steps(events: Sequence[EngineEvent]) -> tuple[Step, ...]:
    found = []
    for event in events:
        if event.resource_pre_event is None:
            continue
        about = event.resource_pre_event.metadata
        changed = tuple(sorted(about.detailed_diff or about.diffs or ()))
        inputs = (about.new.inputs if about.new else None) or {}
        found.append(Step(about.op, about.urn, about.type, inputs, changed))
    return tuple(found)


def _errors(events: Sequence[EngineEvent]) -> tuple[str, ...]:
    return tuple(
        event.diagnostic_event.message
        for event in events
        if event.diagnostic_event and event.diagnostic_event.severity == "error"
    )
