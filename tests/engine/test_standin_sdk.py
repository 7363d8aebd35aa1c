"""What the stand-ins read out of the SDKs, and how they compare inputs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engine.standin.differences import changes
from tests.engine.standin.sdk import UnknownTypeError, module_of, resource_shape
from tests.engine.standin.shapes import problems
from tests.engine.standin.values import UNKNOWN, from_wire, to_wire

DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def aws(token: str) -> Any:
    return resource_shape(token, "pulumi_aws")


@pytest.mark.parametrize(
    ("token", "package", "module", "name"),
    [
        ("aws:lb/targetGroup:TargetGroup", "pulumi_aws", "pulumi_aws.lb.target_group",
         "TargetGroup"),
        ("aws:lambda/function:Function", "pulumi_aws", "pulumi_aws.lambda_.function", "Function"),
        (DEPLOYMENT, "pulumi_kubernetes", "pulumi_kubernetes.apps.v1", "Deployment"),
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "pulumi_kubernetes",
         "pulumi_kubernetes.networking.v1", "NetworkPolicy"),
        ("docker-build:index:Image", "pulumi_docker_build", "pulumi_docker_build", "Image"),
    ],
)  # fmt: skip
def test_a_token_names_its_module(token: str, package: str, module: str, name: str) -> None:
    assert module_of(token, package) == (module, name)


def test_a_token_of_nothing_is_refused() -> None:
    with pytest.raises(UnknownTypeError, match="pulumi_aws has no resource aws:lb/teapot:Teapot"):
        aws("aws:lb/teapot:Teapot")


def test_required_inputs_are_those_without_a_default() -> None:
    fields = aws("aws:ec2/subnet:Subnet").inputs.fields
    assert [name for name in fields if fields[name].required] == ["vpcId"]


def test_outputs_hold_what_the_service_computes() -> None:
    assert {"arn", "arnSuffix", "tagsAll", "port"} <= aws("aws:lb/targetGroup:TargetGroup").outputs


def test_an_unknown_value_fits_everywhere() -> None:
    shape = aws("aws:lb/targetGroup:TargetGroup").inputs
    assert list(problems({"port": UNKNOWN, "healthCheck": UNKNOWN}, shape)) == []


def test_a_type_that_contains_itself_is_read() -> None:
    shape = aws("aws:wafv2/webAcl:WebAcl").inputs
    statement = {"notStatement": {"statement": {"geoMatchStatement": {"countryCodes": [1]}}}}
    rule = {"name": "a", "priority": 0, "statement": statement, "visibilityConfig": UNKNOWN}
    inputs = {
        "scope": "REGIONAL", "defaultAction": {}, "visibilityConfig": UNKNOWN, "rules": [rule],
    }  # fmt: skip
    (problem,) = problems(inputs, shape)
    assert problem.path.endswith("countryCodes[0]")


@pytest.mark.parametrize("port", [8000, "http", "8000"])
def test_a_union_takes_each_of_its_types(port: object) -> None:
    shape = resource_shape("kubernetes:core/v1:Service", "pulumi_kubernetes").inputs
    inputs = {"spec": {"ports": [{"port": 80, "targetPort": port}]}}
    assert list(problems(inputs, shape)) == []


def test_a_union_refuses_the_rest() -> None:
    shape = resource_shape("kubernetes:core/v1:Service", "pulumi_kubernetes").inputs
    inputs = {"spec": {"ports": [{"port": 80, "targetPort": [8000]}]}}
    (problem,) = problems(inputs, shape)
    assert problem.path == "spec.ports[0].targetPort"


def test_a_policy_is_text_or_an_object() -> None:
    shape = aws("aws:iam/role:Role").inputs
    assert list(problems({"assumeRolePolicy": "{}"}, shape)) == []
    assert list(problems({"assumeRolePolicy": 3}, shape)) != []


def test_whole_numbers_come_back_whole() -> None:
    assert from_wire(to_wire({"port": 8000, "share": 0.5, "on": True})) == {
        "port": 8000,
        "share": 0.5,
        "on": True,
    }


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], list[tuple[str, str, bool]]]] = {
    "nothing": ({"a": {"b": [1]}}, {"a": {"b": [1]}}, []),
    "an update": ({"port": 1}, {"port": 2}, [("port", "update", False)]),
    "an addition": ({}, {"port": 2}, [("port", "add", False)]),
    "a deletion": ({"port": 2}, {}, [("port", "delete", False)]),
    "a replacement": ({"name": "a"}, {"name": "b"}, [("name", "update", True)]),
    "a nested replacement": (
        {"vpc": {"id": "a"}}, {"vpc": {"id": "b"}}, [("vpc.id", "update", True)]),
    "inside a list": (
        {"rules": [{"port": 1}, {"port": 2}]}, {"rules": [{"port": 1}, {"port": 3}]},
        [("rules[1].port", "update", False)]),
    "a shorter list": ({"zones": ["a", "b"]}, {"zones": ["a"]}, [("zones[1]", "delete", False)]),
    "what the provider keeps for itself": ({"__defaults": ["name"]}, {"__defaults": []}, []),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_is_named_by_its_path(case: str) -> None:
    old, new, expected = CHANGES[case]
    found = changes(old, new, frozenset({"name", "vpc.id"}))
    assert [(change.path, change.kind, change.replaces) for change in found] == expected
