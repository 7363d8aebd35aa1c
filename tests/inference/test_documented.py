"""Every exchange that docs/api.md shows is what the server says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.inference.running import Running, running

from turnout_inference.errors import Code
from turnout_inference.metrics import Metrics
from turnout_inference.model.fetch import DEFAULT_MODEL
from turnout_inference.worker import load_model

DOCS = Path(__file__).parents[2] / "docs"
EXCHANGE = re.compile(r"```http\n(.+?)\n\n(.+?)\n```\n```json\n(.+?)\n```", re.DOTALL)
EXCHANGES = EXCHANGE.findall((DOCS / "api.md").read_text())


@pytest.fixture(scope="module")
def real() -> Iterator[Running]:
    with running(load_model(DEFAULT_MODEL, threads=1, threads_per_batch=1)) as found:
        yield found


@pytest.mark.parametrize(("head", "body", "answer"), EXCHANGES)
def test_the_documented_exchange_is_what_happens(
    real: Running, head: str, body: str, answer: str
) -> None:
    line, *headers = head.splitlines()
    method, path, _ = line.split(" ")
    given = dict(one.split(": ", 1) for one in headers)
    response = real.client.request(method, path, content=body.encode(), headers=given)
    assert_alike(response.json(), json.loads(answer))


def assert_alike(found: Any, shown: Any) -> None:
    """Equal, but for the rounding of int8 on another CPU."""
    if isinstance(shown, dict):
        assert list(found) == list(shown)
        for key, value in shown.items():
            assert_alike(found[key], value)
    elif isinstance(shown, list):
        assert len(found) == len(shown)
        for one, other in zip(found, shown, strict=True):
            assert_alike(one, other)
    elif isinstance(shown, float):
        assert found == pytest.approx(shown, abs=0.02)
    else:
        assert found == shown


def test_there_are_exchanges() -> None:
    assert len(EXCHANGES) >= 2


@pytest.mark.parametrize("code", list(Code))
def test_every_error_code_is_documented(code: Code) -> None:
    assert f"`{code.value}`" in (DOCS / "api.md").read_text()


def test_every_metric_is_documented_and_no_other() -> None:
    exposed = re.findall(r"^# TYPE (turnout_\w+) ", Metrics().exposition().decode(), re.MULTILINE)
    names = {name.removesuffix("_created") for name in exposed if not name.endswith("_created")}
    documented = set(
        re.findall(r"`(turnout_[a-z_]+)(?:\{[^`]*)?`", (DOCS / "server.md").read_text())
    )
    assert documented == names
