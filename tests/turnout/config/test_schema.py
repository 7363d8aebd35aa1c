"""The JSON schema says what the model says, as far as a schema can."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from turnout.config import ConfigError, parse_service, stack_file_schema

IMAGE = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/hate-speech-api@sha256:" + "a" * 64
VALIDATOR = Draft202012Validator(stack_file_schema())


def stack(**changes: Any) -> dict[str, Any]:
    service = {"name": "hate-speech-api", "image": IMAGE, "target": "ecs", "plain_http": True}
    return {"config": {"aws:region": "ap-northeast-2", "turnout:service": service | changes}}


def accepted(file: dict[str, Any]) -> bool:
    by_schema = VALIDATOR.is_valid(file)
    try:
        parse_service(file["config"]["turnout:service"])
    except ConfigError:
        return False
    assert by_schema, list(VALIDATOR.iter_errors(file))
    return by_schema


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(stack_file_schema())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"target": {"kind": "ecs", "cpu": 1024, "memory": 2048}},
        {"target": {"kind": "ec2", "spot": True}},
        {"target": {"kind": "eks", "cpu": 2, "memory": "4Gi"}},
        {"image": {"build": True}},
        {"network": {}},
        {"scaling": {"schedules": [{"name": "n", "cron": "0 20 * * *", "min": 0, "max": 1}]}},
        {"alarms": {"notify": ["ops@example.com", "https://hooks.example.com/x"]}},
        {"plain_http": False, "certificate": "arn:aws:acm:us-east-1:123456789012:certificate/1a"},
        {"settings": {"TURNOUT_LOG_LEVEL": "debug"}, "tags": {"team": "safety"}},
    ],
)
def test_what_the_model_takes_the_schema_takes(changes: dict[str, Any]) -> None:
    assert accepted(stack(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Hate"},
        {"nmae": "x"},
        {"target": "esc"},
        {"target": {"kind": "ecs", "memroy": 1}},
        {"target": {"kind": "ec2", "disk": 1}},
        {"image": "repo:latest"},
        {"access": "public"},
        {"logs": {"retention": 31}},
        {"scaling": {"min": "2"}},
        {"settings": {"PORT": "1"}},
    ],
)
def test_slips_that_an_editor_can_mark_are_in_the_schema(changes: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(stack(**changes))
    assert not accepted(stack(**changes))


def test_every_key_is_described() -> None:
    bare = [
        f"{name}.{key}"
        for name, definition in stack_file_schema()["$defs"].items()
        for key, value in definition.get("properties", {}).items()
        if not ({"description", "$ref", "const", "enum", "default", "anyOf"} & set(value))
    ]
    assert bare == []
