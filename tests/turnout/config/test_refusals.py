"""What runs: each rule of name, image, model and tiers, and one mutation a case with its words."""

from typing import Any

import pytest
from tests.turnout.config.changed import (
    DIGEST,
    IMAGE,
    REMOVED,
    VPC,
    ecs,
    lambda_,
    problems,
    refused,
    weighted,
)

from turnout.config import ConfigError, parse_service

# What was changed, the place that is named, words that must be in the message.
CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"name": REMOVED}, "name", "is missing"),
    ({"name": "Hate_Speech"}, "name", "lower-case letters"),
    ({"name": "x" * 33}, "name", "2 to 32"),
    ({"name": "internal-api"}, "name", "begins with internal-, which AWS keeps for itself"),
    ({"name": "sg-api"}, "name", "begins with sg-"),
    ({"name": 5}, "name", "5 is not text; put it in quotes"),
    ({"scalng": {}}, "scalng", "did you mean scaling?"),
    ({"cpu": 1024}, "cpu", "it belongs to target of kind ecs or target of kind eks"),
    ({"alarms": {"retention": 30}}, "alarms.retention", "is not known here; it belongs to logs"),
    (ecs(disk=30), "target.disk", "it belongs to target of kind ec2"),
    (ecs(image=IMAGE), "target.image", "it belongs to the whole"),
    ({"alarms": None}, "alarms", "is empty; give a mapping of keys to values, or remove the key"),
    ({"name": None}, "name", "is empty; give text"),
    ({"alarms": {"cpu": "true"}}, "alarms.cpu", "true is not a whole number"),
    ({"plain_http": "false"}, "plain_http", "false is not true or false; remove the quotes"),
    ({"access": None}, "access", "is empty; give internal or internet, or remove the key"),
    ({"name": {"a": ["b", True]}}, "name", '{"a": ["b", true]} is not text'),
    ({"target": {"kind": True}}, "target.kind", "true is not a tier"),
    ({"zzz": 1}, "zzz", "the keys here are name,"),
    ({"image": REMOVED}, "image", "the ecs tier runs"),
    ({"image": "repo:latest"}, "image", "repo:latest must be an image by digest"),
    ({"image": f"repo@{DIGEST[:-1]}"}, "image", "64 hexadecimal digits"),
    ({"image": {"build": False}}, "image.build", "use true"),
    ({"image": {"biuld": True}}, "image.biuld", "did you mean build?"),
    ({"model": {"uri": "s3://models/x"}}, "model.sha256", "is missing"),
    ({"model": {"uri": "ftp://x/y", "sha256": "b" * 64}}, "model.uri", "s3://<bucket>/<prefix>"),
    ({"model": {"uri": "s3://models/x", "sha256": "B" * 64}}, "model.sha256", "64 hexadecimal"),
    ({"model": {"uri": "file:m", "sha256": "b" * 64}}, "model.uri", "turnout-model push"),
    ({"target": REMOVED}, "target", "is missing; say which tier"),
    ({"target": "esc"}, "target.kind", "did you mean ecs?"),
    ({"target": {"cpu": 1}}, "target.kind", "is missing; use local, ec2"),
    ({"target": 7}, "target", "7 is not a mapping"),
    ({"targets": [{"kind": "ecs", "weight": 100}]}, "targets", "cannot stand beside target"),
    (ecs(weight=80), "target.weight", "leaves the rest to nobody"),
    (ecs(cpu=1000), "target.cpu", "is not a Fargate CPU size"),
    (
        ecs(cpu=1024, memory=3000),
        "target.memory",
        "3000 is not a Fargate size for cpu 1024; use 2048, 3072, …, 8192",
    ),
    (ecs(cpu=1024, memory=16384), "target.memory", "(or cpu 2048 / 4096 / 8192)"),
    (ecs(memroy=4096), "target.memroy", "did you mean memory?"),
    (ecs(cpu="2048"), "target.cpu", "remove the quotes"),
    (ecs(spot=101), "target.spot", "use 100 or less"),
    (ecs(architecture="arm"), "target.architecture", "did you mean arm64?"),
    ({"target": {"kind": "ec2", "instance_type": "t3.small"}}, "target.instance_type", "2 GiB"),
    ({"target": {"kind": "ec2", "instance_type": "big"}}, "target.instance_type", "such as t3"),
    ({"target": {"kind": "ec2", "instance_type": "t9zz.large"}}, "target.instance_type", "such as"),
    ({"target": {"kind": "ec2", "instance_type": "mac2.metal"}}, "target.instance_type", "a Mac"),
    ({"target": {"kind": "ec2", "disk": 10}}, "target.disk", "use 20 or more"),
    ({"target": {"kind": "ec2", "ami": "ubuntu"}}, "target.ami", "an image's id"),
    (
        {"target": {"kind": "ec2", "ssh": {"cidrs": ["0.0.0.0/0"], "key_name": "ops"}}},
        "target.ssh.cidrs[0]",
        "is the whole internet",
    ),
    (
        {"target": {"kind": "ec2", "ssh": {"cidrs": ["2001:DB8::/32"] * 2, "key_name": "ops"}}},
        "target.ssh.cidrs",
        "lists 2001:db8::/32 twice; name each once",
    ),
    ({"target": {"kind": "eks", "version": 1.3}}, "target.version", "put it in quotes"),
    ({"target": {"kind": "eks", "version": "latest"}}, "target.version", "a Kubernetes version"),
    ({"target": {"kind": "eks", "cpu": "100m"}}, "target.cpu", "use 250m or more"),
    ({"target": {"kind": "eks", "cpu": "400"}}, "target.cpu", "use 192 or less"),
    ({"target": {"kind": "eks", "version": "1.360"}}, "target.version", "no version of Kubernetes"),
    (
        {"target": {"kind": "eks", "namespace": "default"}},
        "target.namespace",
        "of the service's own",
    ),
    (
        {"target": {"kind": "eks", "namespace": "kube-system"}},
        "target.namespace",
        "`pulumi destroy` would delete it with everything in it",
    ),
    ({"name": "kube-public", "target": "eks"}, "target.namespace", "belongs to the cluster"),
    (
        {"target": {"kind": "eks", "admins": ["arn:aws:iam::123456789012:role/ops"] * 2}},
        "target.admins",
        "lists arn:aws:iam::123456789012:role/ops twice",
    ),
    (
        {"target": {"kind": "eks", "public_access_cidrs": ["10.0.0.0/8"]}},
        "target.public_access_cidrs[0]",
        "holds private addresses",
    ),
    (
        {"target": {"kind": "eks", "public_access_cidrs": ["2001:db8::/32"]}},
        "target.public_access_cidrs[0]",
        "is IPv6",
    ),
    ({"target": {"kind": "eks", "memory": "4GB"}}, "target.memory", "a Kubernetes quantity"),
    (
        {"target": {"kind": "eks", "public_access_cidrs": ["::/0"]}},
        "target.public_access_cidrs[0]",
        "is the whole internet",
    ),
    (
        {"target": {"kind": "eks", "cluster": {"name": "shared"}, "version": "1.36"}},
        "target",
        "version cannot be set with an existing cluster",
    ),
    ({"target": {"kind": "eks", "version": "1.31"}}, "target.version", "no longer run by EKS"),
    (
        {"target": {"kind": "eks", "cluster": {"name": "shared"}}},
        "target.cluster",
        "give that VPC as network.existing",
    ),
    (
        {"target": {"kind": "eks", "cluster": {"name": "shared"}, "spot": 50}},
        "target",
        "spot cannot be set with an existing cluster",
    ),
    (
        {"target": {"kind": "eks", "create_namespace": False}},
        "target",
        "create_namespace: false needs an existing cluster",
    ),
    ({"target": {"kind": "ecs", "retire": True}}, "target.retire", "leaves nobody to serve"),
    ({"callers": ["10.0.0.0/8"], "access": "internet"}, "callers", "are among everybody"),
    ({"callers": ["0.0.0.0/0"]}, "callers[0]", "is the whole internet"),
    ({"callers": ["2001:db8::/32"]}, "callers[0]", "is IPv6"),
    (
        {
            "target": REMOVED,
            "targets": [
                {"kind": "eks", "weight": 10, "retire": True},
                {"kind": "ecs", "weight": 90},
            ],
        },
        "targets[0].retire",
        "eks still gets 10 % of the requests",
    ),
    (
        lambda_() | {"image": f"ghcr.io/team/hate-speech-api@{DIGEST}"},
        "image",
        "Lambda runs images of a private ECR registry",
    ),
    (
        {
            "target": REMOVED,
            "targets": [
                {"kind": "lambda", "weight": 50, "architecture": "arm64"},
                {"kind": "ecs", "weight": 50},
            ],
        },
        "targets[0].architecture",
        "Lambda takes no image of several platforms",
    ),
    (
        {"target": {"kind": "eks"}, "scaling": {"min": 0}},
        "scaling.min",
        "below what the autoscaler of eks keeps",
    ),
    (lambda_(memory=100), "target.memory", "512 to 10240"),
    (lambda_(timeout=901), "target.timeout", "1 to 900"),
    (lambda_(reserved_concurrency=2, provisioned_concurrency=3), "target", "raise the second"),
    (lambda_(reserved_concurrency=10**20), "target.reserved_concurrency", "use 100000 or less"),
    (lambda_(spot=True), "target.spot", "is not known"),
    (lambda_(timeout=25), "requests.timeout", "is not shorter than target.timeout 25"),
    (lambda_() | {"requests": {"max_body": 3_000_000}}, "requests.max_body", "at most 1000000"),
    (
        lambda_(front="function_url") | {"requests": {"max_body": 7_000_000}},
        "requests.max_body",
        "at most 6000000",
    ),
    (lambda_() | {"scaling": {"min": 1}}, "scaling", "reserved_concurrency"),
    ({"target": "local", "image": REMOVED}, "scaling", "target.workers"),
    (weighted(("lambda", 80), ("ecs", 30)), "targets", "add to 110; they must add to 100"),
    (weighted(("ecs", 50), ("ecs", 50)), "targets[1].kind", "ecs is there twice"),
    (weighted(("lambda", 80), ("ecs", None)), "targets[1].weight", "is missing"),
    (weighted(("local", 50), ("ecs", 50)), "targets[0]", "without the load balancer"),
    (weighted(), "targets", "give 1 or more"),
]


def test_the_baseline_is_accepted() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("changes", "place", "words"), CASES, ids=[f"{case[1]}: {case[2]}" for case in CASES]
)
def test_a_broken_rule_names_its_place_and_its_fix(
    changes: dict[str, Any], place: str, words: str
) -> None:
    path, message = refused(changes)
    assert path == place
    assert words in message


def test_all_problems_are_told_at_once() -> None:
    said = problems(scaling={"min": 5, "max": 2}, access="public", target="esc")
    assert {line.split(": ")[0] for line in said} == {
        "turnout:service.scaling.max",
        "turnout:service.access",
        "turnout:service.target.kind",
    }


@pytest.mark.parametrize(
    ("data", "said"),
    [(None, "nothing"), ("ecs", "text"), (5, "a number"), (True, "true or false"), ([], "a list")],
)
def test_what_is_no_mapping_is_refused_as_such(data: object, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_service(data)
    assert str(caught.value) == (
        f"turnout:service: must be a mapping of keys to values, not {said}"
    )


def test_a_namespace_of_the_cluster_can_be_used_where_it_is_not_made() -> None:
    target = {"kind": "eks", "cluster": {"name": "shared"}, "create_namespace": False}
    for namespace in ("default", "kube-system"):
        said = problems(target=target | {"namespace": namespace}, network={"existing": VPC})
        assert said == []


def test_a_long_or_unprintable_value_does_not_flood_the_message() -> None:
    said = problems(name="x" * 5000 + "\x1b[31m")
    assert len(said[0]) < 300
    assert "\x1b" not in said[0]
