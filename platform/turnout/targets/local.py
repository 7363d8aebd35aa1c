"""The local tier: the very server, as a process of this machine, kept by a dynamic provider."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pulumi
from pulumi import dynamic

from turnout import local
from turnout.config import Local
from turnout.contract import Deployment, Workload
from turnout.workspace import STATE, find_workspace

DRAIN_SECONDS: Final = 10
READY_SECONDS: Final = 60.0
# A model of gigabytes is fetched first.
REMOTE_READY_SECONDS: Final = 900.0
# The server that is installed beside this package. The folder is resolved, because Pulumi comes by
# the link stacks/.venv and other ways: a server is not to be restarted for that.
SERVER_COMMAND: Final = Path(sys.executable).parent.resolve() / "turnout-server"
TYPE: Final = "pulumi-python:dynamic/turnout:LocalServer"


class LocalServerProvider(dynamic.ResourceProvider):
    """Makes the process match the inputs.

    A server that does not start ends in the output `problem`, which the program turns into its
    error: Pulumi prints an exception of a dynamic provider as a Python traceback.
    """

    # The provider is pickled by its name alone and holds nothing.
    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuses before anything is touched, at preview too."""
        failures = []
        port = int(news["port"])
        folder = _folder(news)
        if not local.owns(folder, port) and not local.is_free(port):
            failures.append(dynamic.CheckFailure("port", local.taken(port)))
        missing = missing_model(news.get("model"))
        if missing:
            failures.append(dynamic.CheckFailure("model", missing))
        return dynamic.CheckResult(news, failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """A change where the settings differ, or the server is not as it should be."""
        folder = _folder(news)
        same = local.digest(folder) == _spec(news).digest
        ready = local.state(folder) is local.State.READY
        moved = olds.get("folder") != news["folder"]
        failed = bool(olds.get("problem"))
        return dynamic.DiffResult(
            changes=moved or failed or not (same and ready),
            replaces=["folder"] if moved else [],
            delete_before_replace=True,
        )

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Starts the server and waits until it is ready."""
        return dynamic.CreateResult(str(props["folder"]), _outputs(props))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """Replaces the running server by one with the new settings."""
        return dynamic.UpdateResult(_outputs(news))

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """What `refresh` sees: a server that is gone is gone from the state, too."""
        if local.state(_folder(props)) is local.State.STOPPED:
            return dynamic.ReadResult("", {})
        return dynamic.ReadResult(id_, props)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Stops the server; it may finish its requests."""
        local.stop(_folder(props), timeout=DRAIN_SECONDS + 5)


class LocalServer(dynamic.Resource, module="turnout", name="LocalServer"):
    """The server process. Outputs: `url`, `pid`, `log`, and `problem` where it did not start."""

    url: pulumi.Output[str]
    pid: pulumi.Output[int]
    log: pulumi.Output[str]
    problem: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        port: int,
        environment: Mapping[str, pulumi.Input[str]],
        model: str | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "folder": f"{STATE}/local/{pulumi.get_stack()}/{name}",
            "port": port,
            "environment": environment,
            "model": model,
            "url": None,
            "pid": None,
            "log": None,
            "problem": None,
        }
        super().__init__(LocalServerProvider(), name, props, opts)


def deploy(
    workload: Workload, tier: Local, opts: pulumi.ResourceOptions | None = None
) -> Deployment:
    """Runs `workload` on this machine."""
    model = None if workload.model is None else workload.model.uri
    environment = {
        **workload.environment,
        "TURNOUT_HOST": "127.0.0.1",
        "TURNOUT_PORT": str(tier.port),
        "TURNOUT_WORKERS": str(tier.workers),
        "TURNOUT_DRAIN_WAIT": "0",
        "TURNOUT_DRAIN_TIMEOUT": str(DRAIN_SECONDS),
    }
    if workload.model is not None:
        environment["TURNOUT_MODEL"] = _absolute(workload.model.uri)
        environment["TURNOUT_MODEL_SHA256"] = workload.model.sha256
    server = LocalServer(
        workload.name, port=tier.port, environment=environment, model=model, opts=opts
    )
    url = pulumi.Output.all(server.url, server.problem).apply(_started)
    return Deployment(
        kind="local",
        architecture=None,
        target_group=None,
        security_group_id=None,
        log_group=server.log,
        url=url,
        signals=None,
    )


def server_spec(port: int, environment: Mapping[str, str]) -> local.ServerSpec:
    """How the server of this environment is run."""
    remote = environment.get("TURNOUT_MODEL", "").startswith(("s3:", "https:"))
    return local.ServerSpec(
        command=(str(SERVER_COMMAND),),
        port=port,
        environment=environment,
        ready_timeout=REMOTE_READY_SECONDS if remote else READY_SECONDS,
        stop_timeout=DRAIN_SECONDS + 5,
    )


def _started(said: list[str]) -> str:
    url, problem = said
    if problem:
        raise pulumi.RunError(problem)
    return url


def _spec(props: Mapping[str, Any]) -> local.ServerSpec:
    return server_spec(int(props["port"]), dict(props["environment"]))


def _folder(props: Mapping[str, Any]) -> Path:
    return find_workspace().root / str(props["folder"])


def _outputs(props: Mapping[str, Any]) -> dict[str, Any]:
    folder = _folder(props)
    outputs = dict(props)
    try:
        running = local.ensure(folder, _spec(props))
    except (local.LocalServerError, OSError) as error:
        return {**outputs, "url": "", "pid": 0, "log": "", "problem": str(error)}
    return {
        **outputs,
        "url": running.url,
        "pid": running.pid,
        "log": str(running.log),
        "problem": "",
    }


def _absolute(uri: str) -> str:
    """A `file:` folder is relative to Pulumi.yaml; the server runs elsewhere."""
    if not uri.startswith("file:"):
        return uri
    return str(find_workspace().root / uri.removeprefix("file:").removeprefix("//"))


def missing_model(uri: str | None) -> str | None:
    """What is wrong with a `file:` model; None where nothing is, or it is somewhere else."""
    if uri is None or not uri.startswith("file:"):
        return None
    folder = Path(_absolute(uri))
    if (folder / "turnout.json").is_file():
        return None
    what = "has no turnout.json" if folder.is_dir() else "does not exist"
    return (
        f"the model folder {folder} {what}; turnout:service.model.uri names a folder that "
        "`turnout-model convert` has written"
    )
