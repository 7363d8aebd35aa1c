"""What every tier holds, whatever it is: the promises that a service makes on AWS."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import parliament
import pulumi_aws
import pytest
from tests.turnout.programs import EVERYTHING, KINDS, plan, plan_anew, tier_made, tier_plan

from turnout.plan import Plan, PlannedResource, Unknown

ALARMS: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
INGRESS: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS: Final = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"

# Alarms by tier: those of the load balancer's own, then what the tier itself declares.
EXPECTED_ALARMS: Final = {
    "ec2": {"ec2-healthy-hosts", "ec2-response-time", "ec2-errors", "ec2-cpu", "ec2-memory"},
    "ecs": {"ecs-healthy-hosts", "ecs-response-time", "ecs-errors", "ecs-cpu", "ecs-memory"},
    "eks": {"eks-healthy-hosts", "eks-response-time", "eks-errors", "eks-cpu", "eks-memory"},
    "lambda": {
        "lambda-response-time",
        "lambda-errors",
        "lambda-memory",
        "lambda-throttles",
        "lambda-failures",
        "lambda-longest-call",
    },
}

every_tier = pytest.mark.parametrize("kind", KINDS)
both_sizes = pytest.mark.parametrize("everything", [False, True], ids=["baseline", "everything"])


def sources(value: object) -> tuple[str, ...]:
    """The URNs that a value of the plan comes from."""
    if isinstance(value, Unknown):
        return value.sources
    if isinstance(value, list):
        return tuple(urn for item in value for urn in sources(item))
    return ()


def aws_resources(found: Plan) -> Iterator[PlannedResource]:
    """What the AWS provider would be asked for."""
    return (r for r in found.resources if r.type.startswith("aws:"))


@cache
def sdk_class(token: str) -> type:
    """The SDK's class of a type token such as `aws:lb/listener:Listener`."""
    module, _, name = token.removeprefix("aws:").partition(":")
    package = module.partition("/")[0]
    found = getattr(getattr(pulumi_aws, {"lambda": "lambda_"}.get(package, package)), name)
    assert isinstance(found, type)
    return found


@every_tier
def test_every_tier_yields_every_output_under_the_same_names(kind: str) -> None:
    outputs = tier_plan(kind).outputs
    assert set(outputs) == {
        "url", "targetGroups", "logGroups", "dashboardUrl", "alarmNames", "topicArn",
    }  # fmt: skip
    assert all(outputs[name] is not None for name in outputs)
    assert set(outputs["targetGroups"]) == set(outputs["logGroups"]) == {kind}


@every_tier
def test_every_declared_signal_becomes_an_alarm(kind: str) -> None:
    names = {alarm.inputs["name"] for alarm in tier_plan(kind).of_type(ALARMS)}
    expected = {f"hate-speech-api-{name}" for name in EXPECTED_ALARMS[kind]}
    assert names == expected | {
        "hate-speech-api-alb-errors",
        "hate-speech-api-alb-blocked-requests",
        "hate-speech-api-alb-certificate",
    }
    assert set(tier_plan(kind).outputs["alarmNames"]) == names


@every_tier
def test_every_alarm_tells_the_topic_of_alarm_and_of_relief(kind: str) -> None:
    alarms = tier_plan(kind).of_type(ALARMS)
    assert len(alarms) >= 6
    for alarm in alarms:
        for actions in ("alarmActions", "okActions"):
            assert any(":sns/topic:Topic" in urn for urn in sources(alarm.inputs[actions]))
        assert alarm.inputs["actionsEnabled"] is True
        assert alarm.inputs["treatMissingData"] in {"breaching", "notBreaching", "ignore"}
        assert alarm.inputs["alarmDescription"]


@every_tier
@both_sizes
def test_only_the_load_balancer_reaches_the_service(kind: str, everything: bool) -> None:
    found = tier_plan(kind, everything=everything)
    rules = found.of_type(INGRESS)
    assert rules
    to_service = [rule for rule in rules if rule.inputs["fromPort"] == 8000]
    assert len(to_service) == (0 if kind == "lambda" else 1)
    for rule in to_service:
        assert "cidrIpv4" not in rule.inputs
        (source,) = sources(rule.inputs["referencedSecurityGroupId"])
        assert "turnout:parts:FrontDoor" in source


@every_tier
def test_an_internal_service_is_open_to_its_vpc_alone(kind: str) -> None:
    rules = tier_plan(kind).of_type(INGRESS)
    opened = {rule.inputs["fromPort"]: rule.inputs.get("cidrIpv4") for rule in rules}
    assert opened[80] == opened[443] == "10.20.0.0/16"
    assert "0.0.0.0/0" not in opened.values()


@every_tier
def test_an_internet_service_opens_80_and_443_of_the_load_balancer_alone(kind: str) -> None:
    rules = tier_plan(kind, everything=True).of_type(INGRESS)
    public = [rule for rule in rules if rule.inputs.get("cidrIpv4") == "0.0.0.0/0"]
    assert {rule.inputs["fromPort"] for rule in public} == {80, 443}
    for rule in public:
        assert rule.inputs["fromPort"] == rule.inputs["toPort"]
        (group,) = sources(rule.inputs["securityGroupId"])
        assert "turnout:parts:FrontDoor" in group


@every_tier
@both_sizes
def test_nothing_but_the_load_balancer_has_a_public_address(kind: str, everything: bool) -> None:
    found = tier_plan(kind, everything=everything)
    subnets = found.of_type("aws:ec2/subnet:Subnet")
    assert len(subnets) >= 4
    assert not any(subnet.inputs["mapPublicIpOnLaunch"] for subnet in subnets)
    (balancer,) = found.of_type("aws:lb/loadBalancer:LoadBalancer")
    assert balancer.inputs["internal"] is not everything
    for template in found.of_type("aws:ec2/launchTemplate:LaunchTemplate"):
        (interface,) = template.inputs["networkInterfaces"]
        assert interface["associatePublicIpAddress"] == "false"
    for service in found.of_type("aws:ecs/service:Service"):
        assert service.inputs["networkConfiguration"]["assignPublicIp"] is False
    for cluster in found.of_type("aws:eks/cluster:Cluster"):
        assert cluster.inputs["vpcConfig"]["endpointPublicAccess"] is False
    assert not found.of_type("aws:lambda/functionUrl:FunctionUrl")


@every_tier
@both_sizes
def test_security_group_rules_are_resources_of_their_own(kind: str, everything: bool) -> None:
    found = tier_plan(kind, everything=everything)
    groups = found.of_type("aws:ec2/securityGroup:SecurityGroup")
    assert groups
    for group in groups:
        assert not {"ingress", "egress"} & set(group.inputs)
        assert group.inputs["description"]
    for rule in (*found.of_type(INGRESS), *found.of_type(EGRESS)):
        assert rule.inputs["description"]


@every_tier
def test_the_way_out_is_https_alone(kind: str) -> None:
    rules = tier_plan(kind).of_type(EGRESS)
    assert rules
    for rule in rules:
        if "cidrIpv4" in rule.inputs:
            assert rule.inputs["fromPort"] == rule.inputs["toPort"] == 443


def policies(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every policy document of a tier's roles, with the role policy's name."""
    for resource in tier_made(kind, everything=True):
        if resource.type in {"aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy"}:
            yield resource.name, json.loads(resource.inputs["policy"])


def takes_no_resource(action: str) -> bool:
    """Whether AWS lets nobody name a resource for the action (parliament's copy of its tables)."""
    service, _, name = action.partition(":")
    for entry in parliament.iam_definition:
        if entry["prefix"] == service:
            for privilege in entry["privileges"]:
                if privilege["privilege"].lower() == name.lower():
                    types = [t["resource_type"] for t in privilege["resource_types"]]
                    return not any(types)
    raise AssertionError(f"parliament does not know {action}")


# Actions that AWS asks for on `*` although its tables name resources for them.
AS_AWS_DOCUMENTS: Final = {
    # Systems Manager, "Add Session Manager permissions to an existing IAM role".
    "ssm:UpdateInstanceInformation",
    # Lambda checks them before it joins a VPC, when no interface exists yet.
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
}


@every_tier
def test_a_role_says_star_only_where_aws_lets_nobody_name_a_resource(kind: str) -> None:
    found = list(policies(kind))
    assert found
    for name, document in found:
        for statement in document["Statement"]:
            actions = statement["Action"]
            actions = [actions] if isinstance(actions, str) else actions
            assert not [action for action in actions if "*" in action], name
            resources = statement["Resource"]
            if "*" in ([resources] if isinstance(resources, str) else resources):
                for action in actions:
                    assert takes_no_resource(action) or action in AS_AWS_DOCUMENTS, (name, action)


@every_tier
def test_iam_documents_are_what_iam_takes(kind: str) -> None:
    for name, document in policies(kind):
        analyzed = parliament.analyze_policy_string(json.dumps(document))
        problems = [
            str(finding)
            for finding in analyzed.findings
            # Said and reasoned above; parliament warns of it all the same.
            if finding.issue not in {"RESOURCE_STAR"}
        ]
        assert problems == [], name


@every_tier
def test_a_role_is_assumed_by_one_service(kind: str) -> None:
    roles = [r for r in tier_made(kind, everything=True) if r.type == "aws:iam/role:Role"]
    assert roles
    for role in roles:
        trust = json.loads(role.inputs["assumeRolePolicy"])
        for statement in trust["Statement"]:
            assert set(statement["Principal"]) == {"Service"}
            assert isinstance(statement["Principal"]["Service"], str)


@every_tier
def test_the_model_and_the_secret_are_the_only_things_that_the_server_reads(kind: str) -> None:
    text = json.dumps([document for _, document in policies(kind)])
    assert "arn:aws:s3:::models/hate-speech/v1/*" in text
    assert "secret:keys-AbCdEf" in text
    assert '"arn:aws:s3:::models/*"' not in text


@every_tier
@both_sizes
def test_every_log_group_forgets(kind: str, everything: bool) -> None:
    groups = tier_plan(kind, everything=everything).of_type("aws:cloudwatch/logGroup:LogGroup")
    assert len(groups) >= 3
    assert {group.inputs["retentionInDays"] for group in groups} == {30}


@every_tier
@both_sizes
def test_everything_that_takes_tags_is_tagged(kind: str, everything: bool) -> None:
    found = list(aws_resources(tier_plan(kind, everything=everything)))
    assert len(found) > 40
    for resource in found:
        if not hasattr(sdk_class(resource.type), "tags"):
            continue
        tags = tags_of(resource)
        assert tags.get("turnout:service") == "hate-speech-api", resource.urn
        assert tags.get("turnout:stack") == "test"
        assert tags.get("turnout:target") in {kind, "shared"}
        if everything:
            assert tags.get("team") == "moderation"


def tags_of(resource: PlannedResource) -> Mapping[str, str]:
    """A resource's tags; an auto scaling group lists them."""
    tags = resource.inputs.get("tags", {})
    if isinstance(tags, list):
        return {tag["key"]: tag["value"] for tag in tags}
    assert isinstance(tags, Mapping)
    return tags


@every_tier
@both_sizes
def test_everything_is_a_child_of_the_service(kind: str, everything: bool) -> None:
    found = tier_plan(kind, everything=everything)
    (service,) = found.of_type("turnout:index:Service")
    parents = {resource.urn: resource.parent for resource in found.resources}
    for resource in found.resources:
        if resource.type.startswith("pulumi:providers:"):
            continue
        above: str | None = resource.urn
        while above is not None and above != service.urn:
            above = parents.get(above)
        assert above == service.urn, resource.urn


# The most characters that a logical name may have for the name that Pulumi makes of it to fit.
LOGICAL_LIMITS: Final = {
    "aws:lb/loadBalancer:LoadBalancer": 24,
    "aws:lb/targetGroup:TargetGroup": 24,
    "aws:iam/role:Role": 56,
    "aws:s3/bucket:Bucket": 55,
    "aws:iam/instanceProfile:InstanceProfile": 120,
}
PHYSICAL_LIMITS: Final = {"aws:lambda/function:Function": 64, "aws:eks/cluster:Cluster": 100}


@every_tier
def test_the_longest_name_fits_everywhere(kind: str) -> None:
    found = plan(
        EVERYTHING, stack="a-stack-with-a-long-name", target=kind, name="a" + "bcde-" * 6 + "f"
    )
    for resource in found.resources:
        if resource.type in LOGICAL_LIMITS and "name" not in resource.inputs:
            assert len(resource.name) <= LOGICAL_LIMITS[resource.type], resource.name
        if resource.type in PHYSICAL_LIMITS:
            assert len(resource.inputs["name"]) <= PHYSICAL_LIMITS[resource.type]


@every_tier
def test_a_plan_tells_the_same_twice(kind: str) -> None:
    first, again = (
        tier_plan(kind, everything=True),
        plan_anew(json.dumps({**EVERYTHING, "target": kind})),
    )
    assert {r.urn: r for r in again.resources} == {r.urn: r for r in first.resources}
    assert again.outputs == first.outputs


LOG_GROUPS: Final = {
    "ec2": "/ec2/hate-speech-api",
    "ecs": "/ecs/hate-speech-api",
    "eks": "/aws/containerinsights/hate-speech-api-test/application",
    "lambda": "/aws/lambda/hate-speech-api-test",
}


@every_tier
def test_the_dashboard_is_json_with_traffic_latency_errors_alarms_and_the_log(kind: str) -> None:
    (dashboard,) = [r for r in tier_made(kind) if r.type == "aws:cloudwatch/dashboard:Dashboard"]
    widgets = json.loads(dashboard.inputs["dashboardBody"])["widgets"]
    titles = " ".join(widget["properties"]["title"] for widget in widgets)
    for word in ("alarms", "Traffic", "Latency", "Errors", f"{kind}: memory"):
        assert word in titles
    (alarms,) = [w for w in widgets if w["type"] == "alarm"]
    assert len(alarms["properties"]["alarms"]) == len(EXPECTED_ALARMS[kind]) + 3
    (log,) = [w["properties"] for w in widgets if w["type"] == "log"]
    assert log["query"].startswith(f"SOURCE '{LOG_GROUPS[kind]}' | fields @timestamp, @message")
    assert log["region"] == "ap-northeast-2"
    trouble = re.compile(log["query"].split("/")[-2])
    assert trouble.search('{"level":"error","message":"x"}')
    assert trouble.search(r'{"log":"{\"level\":\"warning\"}"}')
    assert not trouble.search('{"level":"info","message":"x"}')
    places = {(widget["x"], widget["y"]) for widget in widgets}
    assert len(places) == len(widgets)
    assert all(widget["x"] + widget["width"] <= 24 for widget in widgets)


@every_tier
def test_what_a_tier_logs_and_where_is_known_to_its_role(kind: str) -> None:
    found = tier_plan(kind)
    told = found.outputs["logGroups"][kind]
    named = {g.inputs["name"] for g in found.of_type("aws:cloudwatch/logGroup:LogGroup")}
    assert told in named
