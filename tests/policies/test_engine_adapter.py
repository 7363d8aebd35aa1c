"""The rules as Pulumi policies, given what the framework gives: proxies, floats, unknowns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi_policy
import pytest
from pulumi_policy.deserialize import deserialize_properties, serialize_properties
from pulumi_policy.proxy import (
    UNKNOWN_ARRAY_VALUE,
    UNKNOWN_NUMBER_VALUE,
    UNKNOWN_STRING_VALUE,
    UnknownValueError,
    unknown_checking_proxy,
)

from turnout_policies.engine import plain, policies
from turnout_policies.packs import PACKS, Pack
from turnout_policies.resources import UNKNOWN
from turnout_policies.rules import ALL

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
VPC = "aws:ec2/vpc:Vpc"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
Said = list[tuple[str, str | None]]


def options() -> pulumi_policy.PolicyResourceOptions:
    timeouts = pulumi_policy.PolicyCustomTimeouts(0, 0, 0)
    return pulumi_policy.PolicyResourceOptions(False, [], None, [], timeouts, [])


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:prod::shop::{type_}::{name}"


def resource_args(
    type_: str, properties: dict[str, Any], config: Mapping[str, Any] | None = None
) -> pulumi_policy.ResourceValidationArgs:
    return pulumi_policy.ResourceValidationArgs(
        type_, unknown_checking_proxy(properties), urn(type_, "it"), "it", options(), None, config
    )


def shown(
    type_: str, name: str, outputs: dict[str, Any], *referred: pulumi_policy.PolicyResource
) -> pulumi_policy.PolicyResource:
    dependencies = {"vpcId": list(referred)}
    proxy = unknown_checking_proxy(outputs)
    return pulumi_policy.PolicyResource(
        type_, proxy, urn(type_, name), name, options(), None, None, [], dependencies
    )


def named(*names: str) -> dict[str, Any]:
    """The policies of a pack with these rules, by name."""
    rules = tuple(rule for rule in ALL if rule.id in names)
    return {policy.name: policy for policy in policies(Pack("some", "some rules", rules))}


def validate(policy: Any, args: Any) -> Said:
    said: Said = []
    policy.validate(args, lambda message, where=None: said.append((message, where)))
    return said


def test_every_rule_becomes_a_policy_with_its_words_and_settings() -> None:
    for pack in PACKS:
        made = policies(pack)
        assert [policy.name for policy in made] == [rule.id for rule in pack.rules]
        for policy, rule in zip(made, pack.rules, strict=True):
            assert policy.description.startswith(rule.title)
            assert policy.remediation_steps == rule.remediation
            assert policy.config_schema is not None
            assert set(policy.config_schema.properties) == {*rule.settings, "exemptions"}
            stack_rule = isinstance(policy, pulumi_policy.StackValidationPolicy)
            assert stack_rule == (rule.scope == "stack")


def test_proxies_become_plain_values_and_unknowns_stay_unknown() -> None:
    proxy = unknown_checking_proxy(
        {"a": [1.0, UNKNOWN_NUMBER_VALUE], "b": {"c": UNKNOWN_STRING_VALUE, "__defaults": []},
         "d": UNKNOWN_ARRAY_VALUE, "e": None, "__defaults": ["e"]}
    )  # fmt: skip
    assert plain(proxy) == {"a": [1.0, UNKNOWN], "b": {"c": UNKNOWN}, "d": UNKNOWN, "e": None}


def test_floats_and_older_names_are_judged_as_the_engine_gives_them() -> None:
    policy = named("security-group-public-ports-only")["security-group-public-ports-only"]
    block = {"protocol": "tcp", "fromPort": 8080.0, "toPort": 8080.0, "cidrBlocks": ["0.0.0.0/0"]}
    ((message, where),) = validate(policy, resource_args(GROUP, {"ingress": [block]}))
    assert message == "tcp 8080 from 0.0.0.0/0: only 80 and 443 may be open to the internet"
    assert where == urn(GROUP, "it")
    assert validate(policy, resource_args(VPC, {"ingress": [block]})) == []


def test_a_known_mistake_is_reported_before_the_unknown_is_raised() -> None:
    policy = named("security-group-public-ports-only")["security-group-public-ports-only"]
    block = {"protocol": "tcp", "fromPort": 8080.0, "toPort": 8080.0}
    args = resource_args(
        GROUP,
        {"ingress": [
            {**block, "cidrBlocks": UNKNOWN_ARRAY_VALUE},
            {**block, "cidrBlocks": ["0.0.0.0/0"]},
        ]},
    )  # fmt: skip
    said: Said = []
    with pytest.raises(UnknownValueError) as raised:
        policy.validate(args, lambda message, where=None: said.append((message, where)))
    assert "ingress[0].cidrBlocks" in raised.value.message
    assert len(said) == 1


def test_a_setting_and_an_exemption_reach_the_rule() -> None:
    policy = named("log-group-retention")["log-group-retention"]
    config: dict[str, Any] = {"minDays": 30.0}
    ((message, _),) = validate(policy, resource_args(LOG_GROUP, {"retentionInDays": 7.0}, config))
    assert "7 days, less than 30" in message
    exemption = {"resource": "it", "reason": "kept by law", "expires": "2999-01-01"}
    config["exemptions"] = [exemption]
    assert validate(policy, resource_args(LOG_GROUP, {"retentionInDays": 7.0}, config)) == []
    assert policy.remediate(resource_args(LOG_GROUP, {}, config)) is None


def test_a_stack_rule_follows_references_whose_ids_are_not_known() -> None:
    policy = named("vpc-flow-log")["vpc-flow-log"]
    vpc = shown(VPC, "vpc", {"id": UNKNOWN_STRING_VALUE})
    flows = shown(FLOW_LOG, "flows", {"vpcId": UNKNOWN_STRING_VALUE}, vpc)
    assert validate(policy, pulumi_policy.StackValidationArgs([vpc, flows])) == []
    assert validate(policy, pulumi_policy.StackValidationArgs([vpc])) == [
        ("nothing records what flows through it", urn(VPC, "vpc"))
    ]


def test_a_stack_rule_judges_what_the_program_asked_for_not_what_was_filled_in() -> None:
    made = named("sns-topic-encrypted", "log-group-retention")
    type_ = "aws:sns/topic:Topic"
    validate(made["log-group-retention"], resource_args(type_, {"name": "alarms"}))
    topic = shown(type_, "it", {"kmsMasterKeyId": UNKNOWN_STRING_VALUE})
    read = shown(type_, "read", {})
    said = validate(made["sns-topic-encrypted"], pulumi_policy.StackValidationArgs([topic, read]))
    # `it` was asked for without a key; `read` was never shown as an input: it is another's.
    assert said == [("messages lie unencrypted", urn(type_, "it"))]


def test_a_later_run_in_the_same_process_sees_the_later_stack() -> None:
    made = named("sns-topic-encrypted", "log-group-retention")
    type_ = "aws:sns/topic:Topic"
    topic = pulumi_policy.StackValidationArgs([shown(type_, "it", {})])
    validate(made["log-group-retention"], resource_args(type_, {}))
    assert validate(made["sns-topic-encrypted"], topic)
    validate(made["log-group-retention"], resource_args(type_, {"kmsMasterKeyId": "alias/own"}))
    assert validate(made["sns-topic-encrypted"], topic) == []


def test_a_remedy_leaves_secrets_and_unknowns_as_they_are() -> None:
    policy = named("log-group-retention")["log-group-retention"]
    wire = {
        "name": {SIGNATURE: SECRET, "value": "hush"},
        "kmsKeyId": UNKNOWN_STRING_VALUE,
        "tags": {"a": "b"},
    }
    args = resource_args(LOG_GROUP, {})
    args.props = unknown_checking_proxy(deserialize_properties(wire, True))
    remedied = policy.remediate(args)
    assert serialize_properties(remedied) == {**wire, "retentionInDays": 30}
    assert policy.remediate(resource_args(LOG_GROUP, {"retentionInDays": 7})) is None
    assert policy.remediate(resource_args(VPC, {})) is None
