"""ECS and Application Auto Scaling."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.engine.standin.aws.balancing import is_behind_balancer
from tests.engine.standin.aws.identity import need_trust
from tests.engine.standin.aws.machines import need_tracked_balancer, tracking_problems
from tests.engine.standin.aws.network import groups_match_vpc, subnets_of
from tests.engine.standin.aws.support import by, document, entries, known, refuse
from tests.engine.standin.cloud import Record
from tests.engine.standin.kinds import Autoname, Call, Inputs, Kind
from tests.engine.standin.shapes import Problem

CLUSTER = "aws:ecs/cluster:Cluster"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
SERVICE = "aws:ecs/service:Service"
PROVIDERS = "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"
TARGET = "aws:appautoscaling/target:Target"
POLICY = "aws:appautoscaling/policy:Policy"
SCHEDULED = "aws:appautoscaling/scheduledAction:ScheduledAction"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
_FARGATE = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
}
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _check_task(inputs: Inputs) -> Iterator[Problem]:
    fargate = "FARGATE" in entries(inputs.get("requiresCompatibilities"))
    if fargate:
        yield from _fargate_problems(inputs)
    containers = document(inputs.get("containerDefinitions"))
    if containers is None:
        return
    if not isinstance(containers, list) or not containers:
        yield Problem("containerDefinitions", "a task needs a list of containers")
        return
    if not any(container.get("essential", True) for container in containers):
        yield Problem("containerDefinitions", "one container must be essential")
    for container in containers:
        for reason in _container_problems(container, inputs, fargate=fargate):
            yield Problem("containerDefinitions", f"{container.get('name')}: {reason}")


def _fargate_problems(inputs: Inputs) -> Iterator[Problem]:
    if inputs.get("networkMode") != "awsvpc":
        yield Problem("networkMode", "Fargate tasks need networkMode awsvpc")
    cpu, memory = inputs.get("cpu"), inputs.get("memory")
    if not known(cpu) or not known(memory):
        yield Problem("cpu", "Fargate tasks need cpu and memory")
    elif int(memory) not in _FARGATE.get(int(cpu), ()):
        yield Problem("memory", f"No Fargate configuration exists for {cpu} CPU and {memory} MiB")


def _container_problems(container: Any, task: Inputs, *, fargate: bool) -> Iterator[str]:
    for name in ("name", "image"):
        if not container.get(name):
            yield f"{name} is required"
    if fargate:
        linux = container.get("linuxParameters") or {}
        for name in ("tmpfs", "sharedMemorySize", "devices", "maxSwap"):
            if linux.get(name):
                yield f"linuxParameters.{name} is not supported on Fargate"
        if container.get("privileged"):
            yield "privileged is not supported on Fargate"
        if container.get("stopTimeout", 30) > 120:
            yield f"stopTimeout {container['stopTimeout']} is above Fargate's 120 seconds"
    for port in container.get("portMappings", []):
        if port.get("hostPort") not in (None, 0, port.get("containerPort")):
            yield f"hostPort {port['hostPort']} must be the containerPort in awsvpc"
    if container.get("logConfiguration", {}).get("logDriver") == "awslogs":
        options = container["logConfiguration"].get("options", {})
        needed = ["awslogs-group", "awslogs-region"]
        needed += ["awslogs-stream-prefix"] if fargate else []
        yield from (f"awslogs needs the option {name}" for name in needed if name not in options)
        if fargate and task.get("executionRoleArn") is None:
            yield "awslogs on Fargate needs an executionRoleArn"
    if container.get("secrets") and task.get("executionRoleArn") is None:
        yield "secrets need an executionRoleArn"
    yield from _environment_problems(container)
    yield from _health_problems(container.get("healthCheck"))
    volumes = {volume.get("name") for volume in entries(task.get("volumes"))}
    for mount in container.get("mountPoints", []):
        if mount.get("sourceVolume") not in volumes:
            yield f"mount of unknown volume {mount.get('sourceVolume')!r}"


def _environment_problems(container: Any) -> Iterator[str]:
    names = [e.get("name") for e in container.get("environment", []) + container.get("secrets", [])]
    for name in names:
        if not name or not _SETTING.fullmatch(name):
            yield f"environment name {name!r}"
        elif names.count(name) > 1:
            yield f"environment name {name!r} is given twice"
    for entry in container.get("environment", []):
        value = entry.get("value")
        if not isinstance(value, str):
            yield f"environment {entry.get('name')!r} must have a string, got {value!r}"


def _health_problems(check: Any) -> Iterator[str]:
    if not check:
        return
    if not check.get("command") or check["command"][0] not in ("CMD", "CMD-SHELL", "NONE"):
        yield "healthCheck.command starts with CMD, CMD-SHELL or NONE"
    for name, low, high in (
        ("interval", 5, 300), ("timeout", 2, 120), ("retries", 1, 10), ("startPeriod", 0, 300),
    ):  # fmt: skip
        if name in check and not low <= check[name] <= high:
            yield f"healthCheck.{name} {check[name]} is not between {low} and {high}"


def _admit_task(inputs: Inputs, call: Call, _own: Record | None) -> None:
    for path in ("executionRoleArn", "taskRoleArn"):
        need_trust(inputs, path, "ecs-tasks.amazonaws.com", call)
    for container in document(inputs["containerDefinitions"]):
        options = (container.get("logConfiguration") or {}).get("options", {})
        group = options.get("awslogs-group")
        if group and not call.cloud.find(LOG_GROUP, call.region, name=group):
            refuse(f"ResourceInitializationError: log group {group!r} does not exist")
        if options.get("awslogs-region", call.region) != call.region:
            refuse(f"awslogs-region {options['awslogs-region']} is not {call.region}")


def _task_outputs(inputs: Inputs, call: Call, _identity: str) -> dict[str, Any]:
    family = inputs["family"]
    before = [r.outputs.get("revision", 0) for r in call.cloud.of(TASK, call.region)
              if r.inputs["family"] == family]  # fmt: skip
    revision = max(before, default=0) + 1
    bare = call.arn("ecs", f"task-definition/{family}")
    return {"arn": f"{bare}:{revision}", "arnWithoutRevision": bare, "revision": revision}


def _check_service(inputs: Inputs) -> Iterator[Problem]:
    if inputs.get("launchType") and inputs.get("capacityProviderStrategies"):
        yield Problem("launchType", "launchType or capacityProviderStrategies, not both")
    if inputs.get("healthCheckGracePeriodSeconds") and not inputs.get("loadBalancers"):
        yield Problem("healthCheckGracePeriodSeconds", "only with a load balancer")
    low = inputs.get("deploymentMinimumHealthyPercent")
    high = inputs.get("deploymentMaximumPercent")
    if known(low) and known(high) and low >= high:
        yield Problem("deploymentMinimumHealthyPercent", f"{low} must be under maximum {high}")


def _admit_service(inputs: Inputs, call: Call, _own: Record | None) -> None:
    task = _task_of(inputs, call)
    containers = {c["name"]: c for c in document(task.inputs["containerDefinitions"])}
    for balancer in entries(inputs.get("loadBalancers")):
        name, port = balancer["containerName"], balancer["containerPort"]
        if name not in containers:
            refuse(f"InvalidParameterException: the task definition has no container {name!r}")
        ports = [p["containerPort"] for p in containers[name].get("portMappings", [])]
        if port not in ports:
            refuse(f"InvalidParameterException: the container {name} exposes {ports}, not {port}")
        if not is_behind_balancer(balancer["targetGroupArn"], call):
            refuse(f"InvalidParameterException: The target group {balancer['targetGroupArn']} "
                   "does not have an associated load balancer")  # fmt: skip
    network = inputs.get("networkConfiguration")
    if task.inputs.get("networkMode") == "awsvpc" and not network:
        refuse("InvalidParameterException: Network Configuration must be provided for awsvpc")
    if network:
        subnets = subnets_of(network, "subnets", call)
        vpc = subnets[0].get("vpcId") if subnets else None
        groups_match_vpc(network.get("securityGroups"), vpc, call)
    for alarm in entries((inputs.get("alarms") or {}).get("alarmNames")):
        if not call.cloud.find(ALARM, call.region, name=alarm):
            refuse(f"InvalidParameterException: no alarm is named {alarm!r}")


def _task_of(inputs: Inputs, call: Call) -> Record:
    wanted = inputs["taskDefinition"]
    found = call.cloud.find(TASK, call.region, arn=wanted)
    if found is None:
        refuse(f"ClientException: Unable to describe task definition {wanted}")
        raise AssertionError
    return found


def _service_outputs(inputs: Inputs, call: Call, _identity: str) -> dict[str, Any]:
    return {"arn": _service_arn(inputs, call), "desiredCount": inputs.get("desiredCount", 0)}


def _service_arn(inputs: Inputs, call: Call) -> str:
    cluster = str(inputs.get("cluster", "default")).rpartition("/")[2]
    return call.arn("ecs", f"service/{cluster}/{inputs['name']}")


def _check_target(inputs: Inputs) -> Iterator[Problem]:
    low, high = inputs.get("minCapacity"), inputs.get("maxCapacity")
    if known(low) and known(high) and low > high:
        yield Problem("minCapacity", f"{low} is above maxCapacity {high}")


def _admit_target(inputs: Inputs, call: Call, _own: Record | None) -> None:
    if inputs["serviceNamespace"] != "ecs":
        return
    wanted = call.arn("ecs", inputs["resourceId"])
    if not call.cloud.find(SERVICE, call.region, arn=wanted):
        refuse(f"ObjectNotFoundException: {inputs['resourceId']} is no ECS service")


def _target_arn(_inputs: Inputs, call: Call, _identity: str) -> dict[str, Any]:
    return {
        "arn": call.arn("application-autoscaling", f"scalable-target/{call.cloud.next_hex(20)}")
    }


def _admit_on_target(inputs: Inputs, call: Call, _own: Record | None) -> None:
    wanted = {n: inputs[n] for n in ("serviceNamespace", "resourceId", "scalableDimension")}
    if not call.cloud.find(TARGET, call.region, **wanted):
        refuse(f"ObjectNotFoundException: {wanted} is no scalable target")
    need_tracked_balancer(inputs.get("targetTrackingScalingPolicyConfiguration") or {}, call)


def _check_policy(inputs: Inputs) -> Iterator[Problem]:
    if inputs.get("policyType") == "TargetTrackingScaling":
        path = "targetTrackingScalingPolicyConfiguration"
        yield from tracking_problems(inputs.get(path) or {}, path)


def _check_scheduled(inputs: Inputs) -> Iterator[Problem]:
    schedule = inputs.get("schedule")
    if known(schedule) and not re.fullmatch(
        r"at\(.+\)|rate\(\d+ \w+\)|cron\(\S+( \S+){5}\)", schedule
    ):
        yield Problem("schedule", f"{schedule!r} is no at(…), rate(…) or cron(… six fields …)")
    action = inputs.get("scalableTargetAction") or {}
    if action.get("minCapacity") is None and action.get("maxCapacity") is None:
        yield Problem("scalableTargetAction", "minCapacity or maxCapacity must be given")


def _check_providers(inputs: Inputs) -> Iterator[Problem]:
    offered = inputs.get("capacityProviders")
    for index, strategy in enumerate(entries(inputs.get("defaultCapacityProviderStrategies"))):
        chosen = strategy.get("capacityProvider")
        if known(chosen) and known(offered) and chosen not in offered:
            yield Problem(f"defaultCapacityProviderStrategies[{index}]", f"{chosen} is not offered")


KINDS = (
    Kind(CLUSTER, lambda inputs, call: call.arn("ecs", f"cluster/{inputs['name']}"),
         lambda _i, _c, arn: {"arn": arn}, autoname=Autoname(), unique=("name",),
         held_by=(SERVICE,)),
    Kind(PROVIDERS, by("clusterName"), check=_check_providers, names={"clusterName": CLUSTER}),
    Kind(TASK, lambda inputs, call: f"{inputs['family']}#{call.cloud.next_hex(6)}", _task_outputs,
         _check_task, _admit_task, let_go=lambda record: bool(record.inputs.get("skipDestroy"))),
    Kind(SERVICE, _service_arn, _service_outputs, _check_service, _admit_service,
         autoname=Autoname(), names={"cluster": CLUSTER}),
    Kind(TARGET, by("resourceId"), _target_arn, _check_target, _admit_target),
    Kind(POLICY, by("name"), lambda _i, call, own: {"arn": call.arn("autoscaling",
         f"scalingPolicy:{call.cloud.next_hex(8)}:policyName/{own}"), "alarmArns": []},
         _check_policy, _admit_on_target, autoname=Autoname()),
    Kind(SCHEDULED, by("resourceId", "name"), lambda _i, call, own: {"arn": call.arn("autoscaling",
         f"scheduledAction:{call.cloud.next_hex(8)}:scheduledActionName/{own}")},
         _check_scheduled, _admit_on_target, autoname=Autoname()),
)  # fmt: skip
