"""An execution environment from cold start to its end."""

from __future__ import annotations

import dataclasses
import shutil
import statistics
import threading
import time
from pathlib import Path

from tests.image.models import default_model, remote_model
from tests.inference.model.servers import Moto
from tests.lambda_runtime.environment import ExecutionEnvironment, Function
from tests.lambda_runtime.events import HttpAnswer, function_url, load_balancer

BODY = {"inputs": "오늘 날씨가 참 좋네요"}
SLOW = {"inputs": ["긴 댓글입니다 이것은 참 길고 깁니다 " * 12] * 2000}
"""Takes more than ten seconds of one core with the default model."""
ONE_AT_A_TIME = {
    "TURNOUT_MAX_REQUEST_TOKENS": "262144",
    "TURNOUT_MAX_WAIT": "0",
    "TURNOUT_THREADS": "1",
}
INIT_PHASE = 10.0
"""Seconds that Lambda gives an environment to start (Developer Guide, "Lambda execution
environment lifecycle"). Measured far below; the tests' machine has other work as well."""


def test_a_cold_start_ends_in_an_answer_and_warm_ones_take_milliseconds(function: Function) -> None:
    start = time.monotonic()
    with ExecutionEnvironment(function) as environment:
        first = environment.invoke(load_balancer("/v1/classify", BODY))
        cold = time.monotonic() - start
        assert HttpAnswer.of(first.json()).status == 200, environment.log
        warm = []
        for _ in range(100):
            start = time.monotonic()
            environment.invoke(load_balancer("/v1/classify", BODY))
            warm.append(time.monotonic() - start)
        print(f"cold {cold * 1e3:.0f} ms, warm p50 {statistics.median(warm) * 1e3:.1f} ms")
        assert cold < INIT_PHASE
        assert statistics.median(warm) < 0.1


def test_concurrent_invocations_have_an_environment_each(function: Function) -> None:
    statuses: list[int] = []

    def invoked() -> None:
        with ExecutionEnvironment(function) as environment:
            for _ in range(5):
                answer = environment.invoke(function_url("/v1/classify", BODY))
                statuses.append(HttpAnswer.of(answer.json()).status)

    callers = [threading.Thread(target=invoked) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert statuses == [200] * 15


def test_the_server_gives_up_before_the_function_does(function: Function) -> None:
    """504 to one caller, and the environment stays warm for the next."""
    hasty = dataclasses.replace(
        function, environment={**ONE_AT_A_TIME, "TURNOUT_REQUEST_TIMEOUT": "0.5"}
    )
    with ExecutionEnvironment(hasty) as environment:
        assert HttpAnswer.of(environment.invoke(function_url("/health")).json()).status == 200
        slow = environment.invoke(function_url("/v1/classify", SLOW))
        assert HttpAnswer.of(slow.json()).status == 504
        assert HttpAnswer.of(environment.invoke(function_url("/health")).json()).status == 200
        assert environment.log.count('"message":"serving"') == 1


def test_a_function_that_times_out_says_so_and_the_next_invocation_starts_anew(
    function: Function,
) -> None:
    short = dataclasses.replace(function, timeout=5, environment=ONE_AT_A_TIME)
    with ExecutionEnvironment(short) as environment:
        assert HttpAnswer.of(environment.invoke(function_url("/health")).json()).status == 200
        assert b"timed out" in environment.invoke(function_url("/v1/classify", SLOW)).body
        again = environment.invoke(function_url("/v1/classify", BODY))
        assert HttpAnswer.of(again.json()).status == 200, environment.log
        assert environment.log.count('"message":"serving"') == 2


def test_no_invocation_reaches_a_server_whose_model_is_refused(
    function: Function, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(default_model(function.image), folder)
    (folder / "model.bin").write_bytes(b"not a model")
    broken = dataclasses.replace(
        function,
        environment={"TURNOUT_MODEL": "/app/models"},
        mounts={"/app/models": folder},
    )
    with ExecutionEnvironment(broken) as environment:
        answer = environment.invoke(function_url("/v1/classify", BODY))
        assert answer.status == 502
        assert "model refused" in environment.log


def test_a_model_from_s3_is_fetched_before_the_first_invocation_is_answered(
    function: Function,
) -> None:
    with Moto() as s3:
        settings = remote_model(s3, function.image) | {"AWS_LWA_ASYNC_INIT": "true"}
        with ExecutionEnvironment(dataclasses.replace(function, environment=settings)) as one:
            answer = one.invoke(load_balancer("/v1/classify", BODY))
            assert HttpAnswer.of(answer.json()).status == 200, one.log


def test_512_mb_are_enough_for_the_default_model(function: Function) -> None:
    with ExecutionEnvironment(dataclasses.replace(function, memory=512)) as environment:
        answer = environment.invoke(load_balancer("/v1/classify", BODY))
        assert HttpAnswer.of(answer.json()).status == 200, environment.log


def test_an_environment_that_is_shut_down_tells_the_server(function: Function) -> None:
    with ExecutionEnvironment(function) as environment:
        environment.invoke(load_balancer("/health"))
        environment.signal("TERM")
        environment.wait()
        assert '"message":"draining"' in environment.log
