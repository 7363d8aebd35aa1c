"""ECS task definitions, services and clusters."""

from __future__ import annotations

from collections.abc import Callable

from turnout_policies.facts import containers
from turnout_policies.facts.tokens import ECS_CLUSTER, ECS_SERVICE, ECS_TASK_DEFINITION
from turnout_policies.properties import Properties
from turnout_policies.rule import Check, Context, Finding, Level, Outcomes, Rule, Severity, each

_CURRENT_PLATFORMS = ("", "LATEST", "1.4.0")


def _per_container(check: Callable[[Properties, Properties], Outcomes]) -> Check:
    """A check of a task definition that looks at its containers apart from each other."""

    def check_task(task: Properties, _: Context) -> Outcomes:
        yield from each(containers.ecs_containers(task), lambda item: check(item, task))

    return check_task


def _not_root(container: Properties, task: Properties) -> Outcomes:
    user = container.text("user")
    if not containers.is_windows(task) and containers.is_root(user):
        yield Finding(
            f"{container.text('name')} runs as {user or 'the user of its image, root by default'}",
            f"{container.place}.user",
        )


def _not_privileged(container: Properties, _: Properties) -> Outcomes:
    if container.flag("privileged"):
        yield Finding(f"{container.text('name')} is privileged", f"{container.place}.privileged")
        return
    yield from _no_rights_of_the_host(container)


def _no_rights_of_the_host(container: Properties) -> Outcomes:
    # Fargate offers SYS_PTRACE, which reaches no further than the task.
    added = containers.added_capabilities(container.at("linuxParameters"))
    found = [name for name in added if name != "SYS_PTRACE"]
    if found:
        yield Finding(
            f"{container.text('name')} has the rights of {', '.join(found)}",
            f"{container.place}.linuxParameters.capabilities.add",
        )


def _read_only_root(container: Properties, task: Properties) -> Outcomes:
    if not containers.is_windows(task) and not container.flag("readonlyRootFilesystem"):
        yield Finding(
            f"{container.text('name')} may write to its root file system",
            f"{container.place}.readonlyRootFilesystem",
        )


def _no_secret_variables(container: Properties, _: Properties) -> Outcomes:
    for variable in containers.ecs_variables(container):
        if containers.holds_secret(variable):
            yield Finding(
                f"{container.text('name')} gets {variable.name} in plain text",
                f"{container.place}.environment",
            )


def _logs(container: Properties, _: Properties) -> Outcomes:
    if not container.text("logConfiguration", "logDriver"):
        yield Finding(
            f"{container.text('name')} logs nowhere", f"{container.place}.logConfiguration"
        )


def _image_pinned(container: Properties, _: Properties) -> Outcomes:
    image = container.text("image")
    if image and not containers.is_pinned(image):
        yield Finding(f"{container.text('name')} runs {image}", f"{container.place}.image")


def _no_host_namespaces(task: Properties, _: Context) -> Outcomes:
    for key in ("pidMode", "ipcMode"):
        if task.text(key) == "host":
            yield Finding(f"{key} is host", key)


def _no_host_network(task: Properties, _: Context) -> Outcomes:
    if task.text("networkMode") == "host":
        yield Finding("networkMode is host: it shares the machine's interfaces", "networkMode")


def _no_public_ip(service: Properties, _: Context) -> Outcomes:
    if service.flag("networkConfiguration", "assignPublicIp"):
        yield Finding(
            "networkConfiguration.assignPublicIp is true", "networkConfiguration.assignPublicIp"
        )


def _latest_platform(service: Properties, _: Context) -> Outcomes:
    version = service.text("platformVersion")
    if version.upper() not in _CURRENT_PLATFORMS:
        yield Finding(f"platformVersion is {version}", "platformVersion")


def _circuit_breaker(service: Properties, _: Context) -> Outcomes:
    if service.text("deploymentController", "type") not in ("", "ECS"):
        return
    if service.text("schedulingStrategy") == "DAEMON":
        return
    breaker = service.at("deploymentCircuitBreaker")
    if not breaker.flag("enable"):
        yield Finding("a broken release is started again and again", "deploymentCircuitBreaker")
    elif not breaker.flag("rollback"):
        yield Finding(
            "a broken release is stopped but not rolled back", "deploymentCircuitBreaker.rollback"
        )


def _container_insights(cluster: Properties, _: Context) -> Outcomes:
    for setting in cluster.each("settings"):
        if setting.text("name") == "containerInsights":
            if setting.text("value") in ("enabled", "enhanced"):
                return
            yield Finding(f"containerInsights is {setting.text('value')}", "settings")
            return
    yield Finding("containerInsights is not set", "settings")


RULES = (
    Rule(
        id="ecs-container-not-root",
        title="Containers do not run as root",
        why="Root inside is one kernel bug away from root outside.",
        concern="security",
        severity=Severity.HIGH,
        types=(ECS_TASK_DEFINITION,),
        check=_per_container(_not_root),
        elsewhere=("FSBP ECS.1", "FSBP ECS.20"),
        remediation='"user": "10001:10001"',
    ),
    Rule(
        id="ecs-container-not-privileged",
        title="Containers are not privileged",
        why="A privileged container owns the machine that it runs on.",
        concern="security",
        severity=Severity.CRITICAL,
        types=(ECS_TASK_DEFINITION,),
        check=_per_container(_not_privileged),
        elsewhere=("FSBP ECS.4",),
        remediation='"privileged": False',
    ),
    Rule(
        id="ecs-read-only-root",
        title="Containers have a read-only root file system",
        why="Who gets in cannot leave a tool behind where nothing can be written.",
        concern="security",
        severity=Severity.MEDIUM,
        types=(ECS_TASK_DEFINITION,),
        check=_per_container(_read_only_root),
        elsewhere=("FSBP ECS.5",),
        remediation='"readonlyRootFilesystem": True',
    ),
    Rule(
        id="ecs-no-secrets-in-environment",
        title="Secrets reach containers by reference, not in the environment's text",
        why="A task definition is readable to everybody who may describe it, for ever.",
        concern="security",
        severity=Severity.HIGH,
        types=(ECS_TASK_DEFINITION,),
        check=_per_container(_no_secret_variables),
        elsewhere=("FSBP ECS.8", "cdk-nag ECS2"),
        remediation='"secrets": [{"name": "API_KEY", "valueFrom": secret.arn}]',
    ),
    Rule(
        id="ecs-no-host-namespaces",
        title="Tasks do not share the host's process and IPC namespaces",
        why="In them a container sees, and can signal, everything else on the machine.",
        concern="security",
        severity=Severity.HIGH,
        types=(ECS_TASK_DEFINITION,),
        check=_no_host_namespaces,
        elsewhere=("FSBP ECS.3",),
        remediation='pid_mode="task"',
    ),
    Rule(
        id="ecs-no-host-network",
        title="Tasks have a network of their own",
        why="On the host's network a task has the machine's address, metadata and groups.",
        concern="security",
        severity=Severity.MEDIUM,
        types=(ECS_TASK_DEFINITION,),
        check=_no_host_network,
        elsewhere=("FSBP ECS.1", "FSBP ECS.17"),
        remediation='network_mode="awsvpc"',
    ),
    Rule(
        id="ecs-no-public-ip",
        title="Tasks have no public address",
        why="A task with a public address is one security group away from the internet.",
        concern="security",
        severity=Severity.HIGH,
        types=(ECS_SERVICE,),
        check=_no_public_ip,
        elsewhere=("FSBP ECS.2",),
        remediation='network_configuration={"assign_public_ip": False, ...}',
    ),
    Rule(
        id="ecs-latest-platform",
        title="Fargate services run on the current platform version",
        why="Old platform versions get no security fixes.",
        concern="security",
        severity=Severity.MEDIUM,
        types=(ECS_SERVICE,),
        check=_latest_platform,
        elsewhere=("FSBP ECS.10",),
        remediation='platform_version="LATEST"',
    ),
    Rule(
        id="ecs-image-pinned",
        title="Containers run a named version of their image",
        why="`latest` is another program after every push, and nobody sees the change.",
        concern="reliability",
        severity=Severity.MEDIUM,
        types=(ECS_TASK_DEFINITION,),
        check=_per_container(_image_pinned),
        remediation='"image": repository.repository_url.apply(lambda url: f"{url}@sha256:...")',
    ),
    Rule(
        id="ecs-container-logs",
        title="Containers log somewhere",
        why="Without logs a crash leaves nothing to read.",
        concern="reliability",
        severity=Severity.MEDIUM,
        types=(ECS_TASK_DEFINITION,),
        check=_per_container(_logs),
        elsewhere=("FSBP ECS.9", "cdk-nag ECS7"),
        remediation='"logConfiguration": {"logDriver": "awslogs", "options": '
        '{"awslogs-group": group, "awslogs-region": region, "awslogs-stream-prefix": "ecs"}}',
    ),
    Rule(
        id="ecs-circuit-breaker",
        title="A release that does not start is rolled back",
        why="Without the breaker ECS starts the broken release until somebody looks.",
        concern="reliability",
        severity=Severity.MEDIUM,
        types=(ECS_SERVICE,),
        check=_circuit_breaker,
        remediation='deployment_circuit_breaker={"enable": True, "rollback": True}',
    ),
    Rule(
        id="ecs-container-insights",
        title="Clusters report Container Insights",
        why="Without it a task's memory and restarts are not measured.",
        concern="reliability",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        types=(ECS_CLUSTER,),
        check=_container_insights,
        elsewhere=("FSBP ECS.12", "cdk-nag ECS4"),
        remediation='settings=[{"name": "containerInsights", "value": "enabled"}]',
    ),
)
