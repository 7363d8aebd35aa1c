"""Services behind a load balancer: ports, health checks and drains that fit each other."""

from __future__ import annotations

from turnout_policies.facts import containers
from turnout_policies.facts.services import load_balancers_of
from turnout_policies.facts.tokens import ECS_SERVICE, ECS_TASK_DEFINITION, TARGET_GROUP
from turnout_policies.properties import NotKnownYet, Properties
from turnout_policies.rule import (
    Context,
    Finding,
    Level,
    NotKnown,
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


def _port_matches_container(service: Properties, context: Context) -> Outcomes:
    tasks = context.stack.targets(service.at("taskDefinition"), ECS_TASK_DEFINITION)
    for task in tasks:
        try:
            opened = {
                (container.text("name"), int(port))
                for container in containers.ecs_containers(task)
                for mapping in container.each("portMappings")
                if (port := mapping.number("containerPort")) is not None
            }
        except NotKnownYet as missing:
            yield NotKnown(f"{task.resource.name}.{missing}")
            continue
        for binding in service.each("loadBalancers"):
            name, port = binding.text("containerName"), binding.number("containerPort")
            if port is not None and (name, int(port)) not in opened:
                yield Finding(
                    f"the balancer is sent to {name}:{port:g}, which the task does not open",
                    f"{binding.place}.containerPort",
                )


def _health_check_port(group: Properties, context: Context) -> Outcomes:
    port = group.text("healthCheck", "port")
    if port in ("", "traffic-port") or port == group.text("port"):
        return
    for service in context.stack.of(ECS_SERVICE):
        for binding in service.each("loadBalancers"):
            groups = context.stack.targets(binding.at("targetGroupArn"), TARGET_GROUP)
            if all(item.resource.urn != group.resource.urn for item in groups):
                continue
            tasks = context.stack.targets(service.at("taskDefinition"), ECS_TASK_DEFINITION)
            opened = {
                mapping.text("containerPort")
                for task in tasks
                for container in containers.ecs_containers(task)
                for mapping in container.each("portMappings")
            }
            if tasks and port not in opened:
                yield Finding(
                    f"its health check asks port {port}, which {service.resource.name} "
                    "does not open",
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
