"""The ECS tier: its task, its service, how it scales."""

import json
from typing import Any

import pytest
from tests.turnout.programs import BASELINE, EVERYTHING, make, plan

from turnout.plan import Plan

SERVICE = "aws:ecs/service:Service"


def ecs(*, service: dict[str, Any] | None = None, **tier: Any) -> Plan:
    return plan({**BASELINE, **(service or {})}, target={"kind": "ecs", **tier})


def service(found: Plan) -> dict[str, Any]:
    (one,) = found.of_type(SERVICE)
    return dict(one.inputs)


def container(*, service: dict[str, Any] | None = None, **tier: Any) -> dict[str, Any]:
    made = make({**BASELINE, **(service or {})}, target={"kind": "ecs", **tier})
    (task,) = [r for r in made if r.type == "aws:ecs/taskDefinition:TaskDefinition"]
    (one,) = json.loads(task.inputs["containerDefinitions"])
    return dict(one)


def environment(said: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in said["environment"]}


def test_the_container_keeps_to_its_contract() -> None:
    one = container()
    assert one["user"] == "10001:10001"
    assert one["readonlyRootFilesystem"] is True
    assert one["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    assert one["mountPoints"] == [{"sourceVolume": "scratch", "containerPath": "/tmp"}]
    assert one["portMappings"] == [{"containerPort": 8000, "hostPort": 8000, "protocol": "tcp"}]
    assert one["healthCheck"]["command"] == ["CMD", "turnout-healthcheck"]
    assert (one["healthCheck"]["interval"], one["healthCheck"]["timeout"]) == (30, 10)
    assert one["image"] == BASELINE["image"]


def test_logs_go_where_they_were_before_turnout() -> None:
    options = container()["logConfiguration"]["options"]
    assert options["awslogs-group"] == "/ecs/hate-speech-api"
    assert options["awslogs-stream-prefix"] == "ecs"
    assert options["awslogs-region"] == "ap-northeast-2"


def test_container_insights_has_a_group_that_forgets_before_the_first_task() -> None:
    made = make(BASELINE, target="ecs")
    (group,) = [
        r
        for r in made
        if r.type == "aws:cloudwatch/logGroup:LogGroup" and r.name.endswith("-insights")
    ]
    (cluster,) = [r for r in made if r.type == "aws:ecs/cluster:Cluster"]
    assert group.inputs["name"] == (
        f"/aws/ecs/containerinsights/{cluster.name}-0123456/performance"
    )
    assert group.inputs["retentionInDays"] == 30
    (service,) = [r for r in made if r.type == SERVICE]
    assert group.urn in service.depends_on


def test_the_server_is_told_what_the_file_says() -> None:
    told = environment(container(service=dict(EVERYTHING)))
    assert told["TURNOUT_MODEL"] == "s3://models/hate-speech/v1"
    assert told["TURNOUT_MODEL_SHA256"] == "b" * 64
    assert told["TURNOUT_API_KEYS_SECRET"].endswith("secret:keys-AbCdEf")
    assert told["TURNOUT_MAX_BODY_BYTES"] == "1000000"
    assert told["TURNOUT_REQUEST_TIMEOUT"] == "25"
    assert list(told) == sorted(told)


@pytest.mark.parametrize(
    ("spot", "delay", "wait"), [(0, 30, "5"), (0, 100, "5"), (50, 30, "30"), (100, 100, "100")]
)
def test_a_task_on_spot_waits_for_the_load_balancer_and_another_need_not(
    spot: int, delay: int, wait: str
) -> None:
    one = container(spot=spot, service={"deregistration_delay": delay})
    told = environment(one)
    assert told["TURNOUT_DRAIN_WAIT"] == wait
    assert int(wait) < int(told["TURNOUT_DRAIN_TIMEOUT"]) < one["stopTimeout"] <= 120


def test_a_bad_deployment_is_undone_by_its_health_and_by_its_alarms() -> None:
    made = service(ecs())
    assert made["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert made["alarms"]["rollback"] is True
    assert made["alarms"]["alarmNames"] == [
        "hate-speech-api-ecs-response-time",
        "hate-speech-api-ecs-errors",
    ]


def test_a_rollback_finds_the_former_revision() -> None:
    (task,) = ecs().of_type("aws:ecs/taskDefinition:TaskDefinition")
    assert task.inputs["skipDestroy"] is True


def test_the_number_of_tasks_is_the_autoscalers_after_the_first() -> None:
    (one,) = ecs().of_type(SERVICE)
    assert one.ignore_changes == ("desiredCount",)
    assert one.inputs["desiredCount"] == 2


def test_tasks_scale_on_cpu_with_the_cooldowns_of_the_file() -> None:
    (policy,) = ecs().of_type("aws:appautoscaling/policy:Policy")
    told = policy.inputs["targetTrackingScalingPolicyConfiguration"]
    assert told["targetValue"] == 70
    assert (told["scaleOutCooldown"], told["scaleInCooldown"]) == (60, 120)
    (target,) = ecs().of_type("aws:appautoscaling/target:Target")
    assert (target.inputs["minCapacity"], target.inputs["maxCapacity"]) == (2, 10)


def test_spot_takes_its_share_and_fargate_the_rest() -> None:
    made = service(ecs(spot=30))
    shares = {s["capacityProvider"]: s["weight"] for s in made["capacityProviderStrategies"]}
    assert shares == {"FARGATE": 70, "FARGATE_SPOT": 30}
    assert "launchType" not in made
    assert service(ecs())["launchType"] == "FARGATE"
    all_spot = service(ecs(spot=True))["capacityProviderStrategies"]
    assert [s["capacityProvider"] for s in all_spot] == ["FARGATE_SPOT"]


def test_schedules_are_told_in_the_schedulers_own_words() -> None:
    schedule = {"name": "nights", "cron": "0 20 * * 1-5", "min": 0, "max": 0}
    found = ecs(service={"scaling": {"schedules": [schedule]}})
    (made,) = found.of_type("aws:appautoscaling/scheduledAction:ScheduledAction")
    assert made.inputs["schedule"] == "cron(0 20 ? * MON,TUE,WED,THU,FRI *)"
    assert made.inputs["timezone"] == "UTC"
    assert made.inputs["scalableTargetAction"] == {"minCapacity": 0, "maxCapacity": 0}


@pytest.mark.parametrize("scheduled", [False, True])
def test_the_bounds_are_the_schedules_after_the_first_where_there_are_any(scheduled: bool) -> None:
    schedule = {"name": "nights", "cron": "0 20 * * *", "min": 0, "max": 0}
    found = ecs(service={"scaling": {"schedules": [schedule] if scheduled else []}})
    (target,) = found.of_type("aws:appautoscaling/target:Target")
    assert ({"minCapacity", "maxCapacity"} <= set(target.ignore_changes)) is scheduled


def test_an_arm_task_runs_on_graviton() -> None:
    (task,) = ecs(architecture="arm64").of_type("aws:ecs/taskDefinition:TaskDefinition")
    assert task.inputs["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    assert (task.inputs["cpu"], task.inputs["memory"]) == ("2048", "4096")


def test_an_image_of_another_registry_needs_no_right_on_ecr() -> None:
    made = make(
        {**BASELINE, "image": "ghcr.io/example/classifier@sha256:" + "a" * 64}, target="ecs"
    )
    policies = [r.inputs["policy"] for r in made if r.type == "aws:iam/rolePolicy:RolePolicy"]
    assert policies
    assert "ecr:" not in "".join(policies)
