"""Each way in which Lambda is asked over HTTP, to the server and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.lambda_runtime.environment import ExecutionEnvironment, Function
from tests.lambda_runtime.events import HttpAnswer, function_url, load_balancer

BODY = {"inputs": "오늘 날씨가 참 좋네요"}
LABEL = "not_hate_speech"
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def warm(function: Function) -> Iterator[ExecutionEnvironment]:
    with ExecutionEnvironment(function) as environment:
        environment.invoke(load_balancer("/health"))
        yield environment


@pytest.mark.parametrize(
    "event",
    [
        load_balancer("/v1/classify", BODY),
        load_balancer("/v1/classify", BODY, multi_value=True),
        load_balancer("/v1/classify", BODY, binary=True),
        function_url("/v1/classify", BODY),
        function_url("/v1/classify", BODY, binary=True),
    ],
    ids=["alb", "alb-multi-value", "alb-base64", "url", "url-base64"],
)
def test_a_comment_is_classified(warm: ExecutionEnvironment, event: dict[str, Any]) -> None:
    result = warm.invoke(event).json()
    answer = HttpAnswer.of(result)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["results"][0]["labels"] == [LABEL]


def test_a_group_with_multi_value_headers_is_answered_with_them(warm: ExecutionEnvironment) -> None:
    result = warm.invoke(load_balancer("/v1/classify", BODY, multi_value=True)).json()
    assert result["multiValueHeaders"]["content-type"]


def test_the_load_balancers_health_check_is_answered(warm: ExecutionEnvironment) -> None:
    event = load_balancer("/health", headers={"user-agent": "ELB-HealthChecker/2.0"})
    assert HttpAnswer.of(warm.invoke(event).json()).status == 200


def test_the_callers_request_id_comes_back(warm: ExecutionEnvironment) -> None:
    event = load_balancer("/v1/classify", BODY, headers={"x-request-id": "a-caller-s-own-1"})
    assert HttpAnswer.of(warm.invoke(event).json()).headers["x-request-id"] == "a-caller-s-own-1"


def test_a_wrong_request_is_an_answer_and_no_failed_function(warm: ExecutionEnvironment) -> None:
    event = function_url("/v1/classify", {"inputs": 3})
    answer = HttpAnswer.of(warm.invoke(event).json())
    assert answer.status == 422
    assert "inputs" in answer.json()["error"]["message"]


def test_a_page_is_served_as_text(warm: ExecutionEnvironment) -> None:
    answer = HttpAnswer.of(warm.invoke(function_url("/docs")).json())
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")


def comments(size: int) -> str:
    """As many comments as a request may have, in JSON padded to this many bytes."""
    texts = json.dumps(["오늘도 좋은 하루 보내세요"] * 2048, ensure_ascii=False)
    body = f'{{"inputs": {texts}'
    return body + " " * (size - len(body.encode()) - 1) + "}"


def test_a_body_at_the_load_balancers_limit_is_classified_within_its_limit_for_answers(
    warm: ExecutionEnvironment,
) -> None:
    """A load balancer takes 1 MB for a Lambda target, and 1 MB from it (Elastic Load Balancing
    guide, "Lambda functions as targets")."""
    result = warm.invoke(load_balancer("/v1/classify", comments(MEBIBYTE)))
    answer = HttpAnswer.of(result.json())
    assert answer.status == 200, answer.body
    assert len(answer.json()["results"]) == 2048
    assert len(result.body) < MEBIBYTE


def test_a_body_that_the_server_does_not_take_is_413(warm: ExecutionEnvironment) -> None:
    """Lambda's own limit is 6 MB an event; the server's is TURNOUT_MAX_BODY_BYTES (4 MiB)."""
    event = function_url("/v1/classify", comments(5 * MEBIBYTE))
    answer = HttpAnswer.of(warm.invoke(event).json())
    assert answer.status == 413
    assert HttpAnswer.of(warm.invoke(load_balancer("/health")).json()).status == 200
