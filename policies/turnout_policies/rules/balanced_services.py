"""Services behind a load balancer: ports, health checks and drains that fit each other."""

from __future__ import annotations

from collections import defaultdict

from turnout_policies.facts import containers
from turnout_policies.facts.services import load_balancers_of
from turnout_policies.facts.tokens import ECS_SERVICE, ECS_TASK_DEFINITION, TARGET_GROUP
from turnout_policies.properties import Properties
from turnout_policies.rule import (
    Context,
    Finding,
    Level,
    Outcomes,
    Rule,
    Setting,
    Severity,
)

# Seconds: defaults of ECS and of elbv2.
_DEFAULT_STOP_TIMEOUT = 30
_DEFAULT_DEREGISTRATION = 300


def _drain_within_deregistration(service: Properties, context: Context) -> Outcomes:
    tasks = context.stack.targets(service.at("taskDefinition"), ECS_TASK_DEFINITION)
    groups = context.stack.targets(service.at("loadBalancers"), TARGET_GROUP)
    for group in groups:
        delay = group.number("deregistrationDelay")
        delay = _DEFAULT_DEREGISTRATION if delay is None else delay
        for task in tasks:
            for container in containers.ecs_containers(task):
                timeout = container.number("stopTimeout") or _DEFAULT_STOP_TIMEOUT
                if timeout > delay + context.settings["marginSeconds"]:
                    yield Finding(
                        f"{container.text('name')} may drain for {timeout:g} s, but "
                        f"{group.resource.name} forgets it after {delay:g} s"
                    )


def _opened(service: Properties, context: Context) -> dict[str, set[int]] | None:
    """The ports that each container of a service opens; None for a task of another stack."""
    tasks = context.stack.targets(service.at("taskDefinition"), ECS_TASK_DEFINITION)
    if not tasks:
        return None
    opened: dict[str, set[int]] = defaultdict(set)
    for task in tasks:
        for container in containers.ecs_containers(task):
            for mapping in container.each("portMappings"):
                port = mapping.number("containerPort")
                if port is not None:
                    opened[container.text("name")].add(int(port))
    return opened


def _port_matches_container(service: Properties, context: Context) -> Outcomes:
    bindings = service.each("loadBalancers")
    opened = _opened(service, context) if bindings else None
    if opened is None:
        return
    for binding in bindings:
        name, port = binding.text("containerName"), binding.number("containerPort")
        if port is not None and int(port) not in opened.get(name, ()):
            yield Finding(
                f"the balancer is sent to {name}:{port:g}, which the task does not open",
                f"{binding.place}.containerPort",
            )


def _health_check_port(group: Properties, context: Context) -> Outcomes:
    port = group.number("healthCheck", "port")
    if port is None:
        return  # the port of the traffic
    for service in context.stack.referrers(group, "loadBalancers", ECS_SERVICE, every=True):
        opened = _opened(service, context)
        if opened is not None and not any(int(port) in ports for ports in opened.values()):
            yield Finding(
                f"its health check asks port {port:g}, which {service.resource.name} does not open",
                "healthCheck.port",
            )


def _listener_of_group(group: Properties, context: Context) -> Outcomes:
    used = context.stack.referrers(group, "loadBalancers", ECS_SERVICE)
    if used and not load_balancers_of(group, context.stack):
        yield Finding("no listener of the stack sends it requests")


RULES = (
    Rule(
        id="target-group-health-port-is-open",
        title="A health check asks a port that its service opens",
        why="A check of a closed port takes down a healthy service at its first deployment.",
        concern="reliability",
        severity=Severity.HIGH,
        scope="stack",
        types=(TARGET_GROUP,),
        check=_health_check_port,
        remediation='health_check={"port": "traffic-port", ...}',
    ),
    Rule(
        id="target-group-has-listener",
        title="A service's target group hangs on a listener",
        why="ECS refuses a service whose target group has no load balancer.",
        concern="reliability",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        scope="stack",
        types=(TARGET_GROUP,),
        check=_listener_of_group,
        remediation='default_actions=[{"type": "forward", "target_group_arn": group.arn}]',
    ),
    Rule(
        id="ecs-drain-within-deregistration",
        title="A task drains no longer than its target group keeps it",
        why="A task that is still answering when it is forgotten cuts its last clients off.",
        concern="reliability",
        severity=Severity.MEDIUM,
        scope="stack",
        types=(ECS_SERVICE,),
        check=_drain_within_deregistration,
        settings={
            # A stop timeout is the hard end, set a little later than the drain that it ends.
            "marginSeconds": Setting({"type": "integer", "minimum": 0}, 30)
        },
        remediation="deregistration_delay=60  # stopTimeout of the container, or more",
    ),
    Rule(
        id="ecs-balancer-port-matches-container",
        title="The load balancer sends to a port that the container opens",
        why="A wrong port is a service that never turns healthy.",
        concern="reliability",
        severity=Severity.HIGH,
        scope="stack",
        types=(ECS_SERVICE,),
        check=_port_matches_container,
        remediation='load_balancers=[{"container_name": "api", "container_port": 8000, ...}]',
    ),
)
