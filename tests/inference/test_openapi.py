"""Our OpenAPI document is valid, complete, and the server keeps to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_schema_validator import OAS31Validator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from tests.inference.running import Running, running

from turnout_inference.openapi import openapi

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]


@pytest.fixture(scope="module")
def served() -> Iterator[Running]:
    with running(max_texts=20, max_characters=500, request_timeout=5) as found:
        yield found


@pytest.fixture(scope="module")
def api(served: Running) -> Any:
    return schemathesis.openapi.from_url(f"{served.url}/openapi.json")


OPERATIONS = [
    (path, method.upper(), mode)
    for path, item in openapi("fake", keyed=False)["paths"].items()
    for method in item
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or "requestBody" in item[method]
]


@pytest.mark.parametrize(("path", "method", "mode"), OPERATIONS)
def test_the_server_keeps_to_its_document(
    api: Any, path: str, method: str, mode: GenerationMode
) -> None:
    @given(case=api[path][method].as_strategy(generation_mode=mode))
    @settings(
        max_examples=20,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    def calls(case: Any) -> None:
        case.call_and_validate(checks=CHECKS, timeout=30)

    calls()


@pytest.mark.parametrize("keyed", [False, True])
def test_every_shape_in_the_document_is_a_valid_schema(keyed: bool) -> None:
    document = openapi("model", keyed)
    for shape in document["components"]["schemas"].values():
        OAS31Validator.check_schema(shape)
    assert ("securitySchemes" in document["components"]) == keyed
    assert ("security" in document["paths"]["/v1/classify"]["post"]) == keyed
    assert "security" not in document["paths"]["/health"]["get"]


def test_every_path_that_is_served_is_described(served: Running) -> None:
    pages = {"/docs", "/openapi.json", "/assets/try.js", "/assets/style.css", "/assets/icon.svg"}
    routes = {f"/{route.path}" for route in served.serving.app.router.routes}
    described = set(served.client.get("/openapi.json").json()["paths"])
    assert routes == described | pages
