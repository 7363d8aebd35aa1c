"""What is of another region than the stack's is refused before AWS does it."""

from typing import Any

import pytest

from turnout.config import ConfigError, parse_service

DIGEST = "sha256:" + "a" * 64
HERE, THERE = "ap-northeast-2", "us-east-1"


def image(region: str) -> str:
    return f"123456789012.dkr.ecr.{region}.amazonaws.com/api@{DIGEST}"


def arn(service: str, region: str, rest: str) -> str:
    return f"arn:aws:{service}:{region}:123456789012:{rest}"


def certificate(region: str) -> str:
    return arn("acm", region, "certificate/1a2b")


def secret(region: str) -> str:
    return arn("secretsmanager", region, "secret:keys-AbCdEf")


def problems(region: str = HERE, **changes: Any) -> list[str]:
    whole = {"name": "api", "image": image(HERE), "target": "ecs", "certificate": certificate(HERE)}
    try:
        parse_service(whole | changes, region)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


CLOSED = {"network": {"create": {"nat": "none"}}}


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"certificate": certificate(THERE)}, "certificate.arn", "its own region"),
        ({"logs": {"kms_key": arn("kms", THERE, "key/1a")}}, "logs.kms_key", "of its own region"),
        ({"image": image(THERE), "target": "lambda"}, "image", "Lambda runs images of its own"),
        ({"image": image(THERE), **CLOSED}, "image", "nat: none leaves the registry"),
        ({"api_keys_secret": secret(THERE), **CLOSED}, "api_keys_secret", "nat: none leaves"),
    ],
)
def test_what_aws_takes_of_its_own_region_alone_is_compared_with_the_stacks(
    changes: dict[str, Any], place: str, words: str
) -> None:
    (said,) = problems(**changes)
    assert said.startswith(f"turnout:service.{place}: is ")
    assert THERE in said
    assert words in said
    assert said.endswith(f"and the stack is in {HERE} (aws:region)")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"image": image(THERE)},
        {"api_keys_secret": secret(THERE)},
        {"target": {"kind": "lambda", "front": "function_url"}, "certificate": certificate(THERE)},
        {"model": {"uri": "s3://models/a", "sha256": "b" * 64}},
    ],
)
def test_what_may_be_elsewhere_is_taken(changes: dict[str, Any]) -> None:
    assert problems(**changes) == []


@pytest.mark.parametrize(
    "region", ["mars-1", '{"a": "b"}', "", "ap-northeast-2a", "AP-NORTHEAST-2"]
)
def test_what_is_no_region_is_refused(region: str) -> None:
    (said,) = problems(region)
    assert said.startswith("aws:region: ")
    assert "is no AWS region; use one such as ap-northeast-2" in said


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1", "me-central-1", "us-iso-east-1"])
def test_every_regions_name_is_one(region: str) -> None:
    assert problems(region, certificate=None, plain_http=True) == []


def test_a_stack_of_this_machine_needs_no_region() -> None:
    assert problems("mars-1", target="local") == []
