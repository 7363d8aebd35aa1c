"""Reading resources: from a plan, from an exported stack, by their older names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from turnout_policies.properties import NotKnownYet, Properties, render_path
from turnout_policies.resources import (
    SECRET,
    UNKNOWN,
    Resource,
    UnknownValue,
    canonical_type,
    decode,
    from_export,
    from_plan,
)
from turnout_policies.stack import Stack

URN = "urn:pulumi:prod::shop::aws:lb/listener:Listener::https"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_MARK = "1b47061264138c4ac30d75fd1eb44270"


def view(**properties: Any) -> Properties:
    return Properties(Resource(URN, "aws:lb/listener:Listener", "https", None, properties))


@pytest.mark.parametrize(
    ("token", "canonical"),
    [
        ("aws:alb/listener:Listener", "aws:lb/listener:Listener"),
        ("aws:elasticloadbalancingv2/listener:Listener", "aws:lb/listener:Listener"),
        ("aws:applicationloadbalancing/listener:Listener", "aws:lb/listener:Listener"),
        ("aws:elasticloadbalancing/loadBalancer:LoadBalancer", "aws:elb/loadBalancer:LoadBalancer"),
        ("aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket"),
        ("aws:s3/bucketObjectv2:BucketObjectv2", "aws:s3/bucketObjectv2:BucketObjectv2"),
        ("aws:lb/listener:Listener", "aws:lb/listener:Listener"),
        ("kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:Deployment"),
        ("turnout:index:Service", "turnout:index:Service"),
    ],
)
def test_older_names_mean_the_same_resource(token: str, canonical: str) -> None:
    assert canonical_type(token) == canonical


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"__unknown__": {"sources": ["urn:a", "urn:b"]}}, UnknownValue(("urn:a", "urn:b"))),
        ({"__unknown__": True}, UNKNOWN),
        ({"__unknown__": "urn:a"}, UnknownValue(("urn:a",))),
        ("04da6b54-80e4-46f7-96ec-b56ff0331ba9", UNKNOWN),
        ("3eeb2bf0-c639-47a8-9e75-3b44932eb421", UNKNOWN),
        ("[secret]", SECRET),
        ({SIGNATURE: SECRET_MARK, "plaintext": json.dumps("hush")}, "hush"),
        ({SIGNATURE: SECRET_MARK, "value": {"a": 1}}, {"a": 1}),
        ({SIGNATURE: SECRET_MARK, "ciphertext": "v1:x"}, SECRET),
        ({"a": [1, {"__unknown__": True}], "__defaults": ["a"]}, {"a": [1, UNKNOWN]}),
        (None, None),
        (1.5, 1.5),
    ],
)
def test_markers_of_the_engine_and_of_the_plan_are_understood(written: Any, meant: Any) -> None:
    assert decode(written) == meant


def test_a_plan_gives_its_resources_with_their_dependencies() -> None:
    record = {
        "resources": [
            {"urn": URN, "type": "aws:lb/listener:Listener", "name": "https", "parent": "urn:p",
             "inputs": {"port": 443}, "dependencies": {"loadBalancerArn": ["urn:alb"]}},
            {"urn": "urn:c", "type": "turnout:index:Service", "name": "c", "custom": False},
            {"urn": "urn:x", "type": "pulumi:providers:aws", "name": "x", "inputs": {}},
        ]
    }  # fmt: skip
    (resource,) = from_plan(record)
    assert resource.name == "https"
    assert resource.parent == "urn:p"
    assert resource.properties == {"port": 443}
    assert resource.dependencies == {"loadBalancerArn": ("urn:alb",)}
    assert not resource.external


def test_a_name_that_a_plan_leaves_out_is_read_from_the_urn() -> None:
    (resource,) = from_plan({"resources": [{"urn": URN, "type": "aws:lb/listener:Listener"}]})
    assert (resource.name, resource.properties) == ("https", {})


def test_an_exported_stack_gives_what_lives_in_it() -> None:
    state = {
        "deployment": {
            "resources": [
                {"urn": URN, "type": "aws:lb/listener:Listener", "custom": True, "id": "arn:l",
                 "inputs": {"port": 443}, "outputs": {"arn": "arn:l"},
                 "dependencies": ["urn:alb"],
                 "propertyDependencies": {"loadBalancerArn": ["urn:alb"], "port": None}},
                {"urn": "urn:old", "type": "aws:lb/listener:Listener", "custom": True,
                 "delete": True},
                {"urn": "urn:pulumi:prod::shop::aws:ec2/vpc:Vpc::read",
                 "type": "aws:ec2/vpc:Vpc", "custom": True, "external": True, "id": "vpc-1"},
                {"urn": "urn:c", "type": "shop:index:Part", "custom": False},
            ]
        }
    }  # fmt: skip
    listener, read = from_export(state)
    assert listener.outputs == {"arn": "arn:l", "id": "arn:l"}
    assert listener.dependencies == {"loadBalancerArn": ("urn:alb",), "port": ()}
    assert read.external


def test_an_empty_stack_has_no_resources() -> None:
    assert from_export({"deployment": {}}) == ()


def test_scalars_are_read_whichever_way_they_are_written() -> None:
    properties = view(port="443", weight=1.0, share=0.5, on="true", off="False", name=7)
    assert properties.number("port") == 443
    assert properties.text("weight") == "1"
    assert properties.text("share") == "0.5"
    assert properties.flag("on")
    assert not properties.flag("off", default=True)
    assert properties.flag("absent", default=True)
    assert properties.text("name") == "7"
    assert view(on=True).text("on") == "true"
    assert properties.number("on") is None


def test_a_lone_block_and_a_list_of_one_read_alike() -> None:
    assert view(check={"path": "/a"}).text("check", "path") == "/a"
    assert view(check=[{"path": "/a"}]).text("check", "path") == "/a"
    assert len(view(check={"path": "/a"}).each("check")) == 1
    assert view(check=[{"path": "/a"}, {"path": "/b"}]).text("check", "path") == ""
    assert view(check=None).each("check") == []


def test_an_unknown_is_never_taken_for_an_absent_value() -> None:
    properties = view(arn=UNKNOWN, some=UnknownValue(("urn:x",)), keep=SECRET)
    with pytest.raises(NotKnownYet) as raised:
        properties.text("arn")
    assert raised.value.path == ("arn",)
    with pytest.raises(NotKnownYet):
        properties.has("arn")
    with pytest.raises(NotKnownYet):
        properties.at("arn", "below")
    assert properties.has("some")
    assert properties.has("keep")
    assert properties.at("keep").secret


def test_documents_are_read_from_text_and_from_maps() -> None:
    assert view(policy='{"a": {"b": 1}}').document("policy").number("a", "b") == 1
    assert view(policy={"a": {"b": 1}}).document("policy").number("a", "b") == 1
    assert view(policy="no JSON").document("policy").value is None
    assert view().document("policy").each("Statement") == []


def test_a_place_is_written_as_people_write_it() -> None:
    assert render_path(("ingress", 0, "cidrBlocks", 1)) == "ingress[0].cidrBlocks[1]"


def resource(name: str, type_: str = "t", **more: Any) -> Resource:
    return Resource(f"urn:{name}", type_, name, None, more.pop("properties", {}), **more)


def test_references_follow_sources_dependencies_ids_and_names() -> None:
    target = resource("target", outputs={"id": "sg-1", "arn": "arn:1"})
    twin = resource("twin", outputs={"id": "sg-1"})
    by_source = resource("a", properties={"group": UnknownValue(("urn:target",))})
    by_record = resource(
        "b", properties={"group": UNKNOWN}, dependencies={"group": ("urn:target",)}
    )
    by_id = resource("c", properties={"group": ["sg-1"]})
    nothing = resource("d", properties={"group": "sg-2"})
    stack = Stack([target, twin, by_source, by_record, by_id, nothing])
    found = [item.resource.name for item in stack.referrers(stack.view(target), "group", "t")]
    assert found == ["a", "b", "c"]
    names = {item.resource.name for item in stack.targets(stack.view(by_id).at("group"))}
    assert names == {"target", "twin"}


def test_a_reference_that_may_be_anything_is_said_to_be_unknown() -> None:
    target = resource("target", properties={})
    open_one = resource("open", properties={"group": UNKNOWN})
    stack = Stack([target, open_one])
    with pytest.raises(NotKnownYet):
        stack.referrers(stack.view(target), "group", "t")
    with pytest.raises(NotKnownYet):
        stack.targets(stack.view(open_one).at("group"))
    sure = resource("sure", properties={"group": UnknownValue(("urn:target",))})
    stack = Stack([target, open_one, sure])
    found = stack.referrers(stack.view(target), "group", "t")
    assert [item.resource.name for item in found] == ["sure"]
    with pytest.raises(NotKnownYet):
        stack.referrers(stack.view(target), "group", "t", every=True)


def test_what_configures_another_is_found_by_its_name_as_text() -> None:
    bucket = resource("bucket", "b", properties={"bucket": "models"})
    part = resource("part", "p", properties={"bucket": "models"})
    other = resource("other", "p", properties={"bucket": "logs"})
    stack = Stack([bucket, part, other])
    found = stack.configuring(stack.view(bucket), "bucket", "bucket", "p")
    assert [item.resource.name for item in found] == ["part"]
