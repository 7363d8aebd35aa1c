"""The Lambda tier: the function, its way in, what it may do, what is watched."""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.turnout.programs import (
    BASELINE,
    EVERYTHING,
    make,
    tier_made,
    tier_plan,
)

from turnout.plan import PlannedResource
from turnout.targets.lambda_.runtime import environment, ephemeral_storage_mb

Made = Sequence[PlannedResource]


def made() -> Made:
    return tier_made("lambda")


@functools.cache
def sized() -> Made:
    """Every size of the tier other than its default."""
    tier = {
        "kind": "lambda",
        "memory": 3008,
        "timeout": 60,
        "architecture": "arm64",
        "reserved_concurrency": 20,
        "provisioned_concurrency": 2,
    }
    return make(BASELINE, target=tier, logs={"retention": 14})


@functools.cache
def with_url() -> Made:
    doorless = {key: value for key, value in BASELINE.items() if key != "certificate"}
    return make(doorless, target={"kind": "lambda", "front": "function_url"})


def of_type(resources: Made, token: str) -> list[PlannedResource]:
    return [resource for resource in resources if resource.type == token]


def the(resources: Made, token: str) -> Mapping[str, Any]:
    (found,) = of_type(resources, token)
    return found.inputs


FUNCTION = "aws:lambda/function:Function"


def variables(resources: Made) -> dict[str, str]:
    found: dict[str, str] = the(resources, FUNCTION)["environment"]["variables"]
    return found


def statements(resources: Made, name: str) -> dict[str, dict[str, Any]]:
    (policy,) = [r for r in of_type(resources, "aws:iam/rolePolicy:RolePolicy") if r.name == name]
    return {s["Sid"]: s for s in json.loads(policy.inputs["policy"])["Statement"]}


def test_the_function_runs_the_image_by_digest_in_private_subnets() -> None:
    function = the(made(), FUNCTION)
    assert function["packageType"] == "Image"
    assert function["imageUri"] == BASELINE["image"]
    assert function["architectures"] == ["x86_64"]
    assert len(function["vpcConfig"]["subnetIds"]) == 2
    assert len(function["vpcConfig"]["securityGroupIds"]) == 1


def test_memory_and_timeout_are_those_of_the_stack_file() -> None:
    function = the(sized(), FUNCTION)
    assert (function["memorySize"], function["timeout"]) == (3008, 60)
    assert function["architectures"] == ["arm64"]


def test_the_adapter_waits_for_a_server_that_is_ready_and_takes_no_404_for_it() -> None:
    told = variables(made())
    assert told["AWS_LWA_PORT"] == "8000"
    assert told["AWS_LWA_READINESS_CHECK_PATH"] == "/readyz"
    assert told["AWS_LWA_READINESS_CHECK_HEALTHY_STATUS"] == "200-399"


def test_one_process_serves_because_lambda_has_no_shared_memory() -> None:
    assert variables(made())["TURNOUT_WORKERS"] == "1"


def test_a_model_that_is_fetched_gets_room_and_time() -> None:
    with_model = tier_made("lambda", everything=True)
    assert variables(with_model)["TURNOUT_MODEL"] == EVERYTHING["model"]["uri"]
    assert variables(with_model)["TURNOUT_MODEL_SHA256"] == EVERYTHING["model"]["sha256"]
    assert variables(with_model)["AWS_LWA_ASYNC_INIT"] == "true"
    assert the(with_model, FUNCTION)["ephemeralStorage"] == {"size": 4096}
    assert the(made(), FUNCTION)["ephemeralStorage"] == {"size": 512}
    assert variables(made())["AWS_LWA_ASYNC_INIT"] == "false"


def test_storage_stays_within_what_lambda_sells() -> None:
    assert all(
        512 <= ephemeral_storage_mb(fetches_model=fetches) <= 10240 for fetches in (True, False)
    )


def test_the_drain_ends_before_lambda_kills() -> None:
    told = environment(8000, fetches_model=True)
    assert float(told["TURNOUT_DRAIN_TIMEOUT"]) < 2
    assert told["TURNOUT_DRAIN_WAIT"] == "0"


def test_requests_go_to_a_published_version_behind_an_alias() -> None:
    assert the(made(), FUNCTION)["publish"] is True
    (alias,) = tier_plan("lambda").of_type("aws:lambda/alias:Alias")
    assert alias.inputs["name"] == "live"
    (source,) = alias.dependencies["functionVersion"]
    assert FUNCTION in source


def test_the_load_balancer_may_call_the_alias_for_its_target_group_alone() -> None:
    resources = made()
    permission = the(resources, "aws:lambda/permission:Permission")
    assert permission["principal"] == "elasticloadbalancing.amazonaws.com"
    assert permission["qualifier"] == "live"
    assert ":targetgroup/hate-speech-api-lambda-0123456/" in permission["sourceArn"]


def test_the_target_group_is_lambdas_with_all_values_of_a_header_and_no_checks() -> None:
    group = the(made(), "aws:lb/targetGroup:TargetGroup")
    assert group["targetType"] == "lambda"
    assert group["lambdaMultiValueHeadersEnabled"] is True
    assert not {"healthCheck", "port", "protocol", "vpcId"} & group.keys()


def test_the_attachment_waits_for_the_permission() -> None:
    planned = tier_plan("lambda")
    (attachment,) = planned.of_type("aws:lb/targetGroupAttachment:TargetGroupAttachment")
    assert any("lambda/permission:Permission" in urn for urn in attachment.depends_on)


def test_a_function_url_asks_for_iam_and_leaves_the_load_balancer_out() -> None:
    resources = with_url()
    url = the(resources, "aws:lambda/functionUrl:FunctionUrl")
    assert url["authorizationType"] == "AWS_IAM"
    assert url["qualifier"] == "live"
    assert not of_type(resources, "aws:lb/loadBalancer:LoadBalancer")
    assert not of_type(resources, "aws:lambda/permission:Permission")


def test_nobody_reaches_the_function_through_the_network_and_it_reaches_https_alone() -> None:
    resources = made()
    (out,) = [
        r.inputs
        for r in of_type(resources, "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
        if r.inputs["securityGroupId"] == "hate-speech-api-lambda-id"
    ]
    assert (out["fromPort"], out["toPort"], out["ipProtocol"]) == (443, 443, "tcp")
    assert not [
        r
        for r in of_type(resources, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if r.inputs["securityGroupId"] == "hate-speech-api-lambda-id"
    ]


def test_the_role_may_do_what_it_must_and_names_what_it_can() -> None:
    allowed = statements(tier_made("lambda", everything=True), "hate-speech-api-lambda")
    everywhere = {sid for sid, statement in allowed.items() if statement["Resource"] == ["*"]}
    assert everywhere == {"JoinVpc", "WriteTraces"}
    (logs,) = allowed["WriteLogs"]["Resource"]
    assert logs.endswith("/aws/lambda/hate-speech-api-test:log-stream:*")
    assert allowed["ReadModel"]["Resource"] == ["arn:aws:s3:::models/hate-speech/v1/*"]
    assert allowed["ReadApiKeys"]["Resource"] == [EVERYTHING["api_keys_secret"]]
    assert {"WriteLogs", "JoinVpc", "WriteTraces"} == set(
        statements(made(), "hate-speech-api-lambda")
    )


def test_the_log_group_is_there_first_and_forgets() -> None:
    resources = sized()
    (group,) = [
        r.inputs
        for r in of_type(resources, "aws:cloudwatch/logGroup:LogGroup")
        if r.inputs["name"].startswith("/aws/lambda/")
    ]
    function = the(resources, FUNCTION)
    assert group["name"] == f"/aws/lambda/{function['name']}"
    assert group["retentionInDays"] == 14


def test_requests_are_traced() -> None:
    assert the(made(), FUNCTION)["tracingConfig"] == {"mode": "Active"}


def test_concurrency_is_reserved_and_kept_warm_only_where_asked() -> None:
    bounded = sized()
    assert the(bounded, FUNCTION)["reservedConcurrentExecutions"] == 20
    warm = the(bounded, "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig")
    assert (warm["qualifier"], warm["provisionedConcurrentExecutions"]) == ("live", 2)
    assert the(made(), FUNCTION)["reservedConcurrentExecutions"] == -1
    assert not of_type(
        made(), "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
    )


def alarms(resources: Made) -> dict[str, Mapping[str, Any]]:
    found = of_type(resources, "aws:cloudwatch/metricAlarm:MetricAlarm")
    return {alarm.name.removeprefix("hate-speech-api-lambda-"): alarm.inputs for alarm in found}


def test_memory_comes_from_the_platforms_own_report_of_each_call() -> None:
    resources = made()
    metric = the(resources, "aws:cloudwatch/logMetricFilter:LogMetricFilter")
    assert metric["pattern"].startswith('[report="REPORT", ')
    assert metric["metricTransformation"]["value"] == "$used"
    transformation = metric["metricTransformation"]
    alarm = alarms(resources)["memory"]
    assert alarm["namespace"] == transformation["namespace"]
    assert alarm["metricName"] == transformation["name"]
    # 80 percent of 2,048 MB, in the metric's own unit.
    assert alarm["threshold"] == pytest.approx(0.8 * 2048)


def test_what_only_lambda_has_is_watched_as_well() -> None:
    watched = alarms(made())
    assert {"throttles", "failures", "longest-call"} <= watched.keys()
    assert watched["throttles"]["dimensions"]["Resource"].endswith(":live")
    # Milliseconds, and 90 percent of the 29 seconds that a call may take.
    assert watched["longest-call"]["threshold"] == pytest.approx(0.9 * 29_000)


def test_cpu_and_healthy_hosts_have_no_alarm_on_lambda() -> None:
    assert not {"cpu", "healthy-hosts"} & alarms(made()).keys()


def test_a_function_url_is_watched_by_its_own_metrics() -> None:
    watched = alarms(with_url())
    assert watched["response-time"]["metricName"] == "UrlRequestLatency"
    assert watched["response-time"]["threshold"] == pytest.approx(5000)
    parts = {query["id"]: query for query in watched["errors"]["metricQueries"]}
    assert parts["part"]["metric"]["metricName"] == "Url5xxCount"


def test_the_functions_name_stays_within_lambdas_limit() -> None:
    resources = make({**BASELINE, "name": "a" * 32}, stack="s" * 60, target="lambda")
    assert len(the(resources, FUNCTION)["name"]) <= 64
