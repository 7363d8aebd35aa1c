"""The OpenAPI document, from the table of endpoints and the shapes of their bodies."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from turnout_inference import __version__
from turnout_inference.endpoints import ENDPOINTS, Endpoint
from turnout_inference.schemas import HealthAnswer

_REFERENCE = "#/components/schemas/{model}"
_RETRY = {429}
_HEADERS = {
    "X-Request-Id": "The request's id: the client's own, or a new one.",
    "Retry-After": "Seconds after which to try again, as the queue says.",
    "X-Truncated": "How many texts were cut off; left out where none was.",
    "X-Compute-Type": "What computed it.",
    "X-Compute-Time": "Milliseconds of all that follows.",
    "X-Compute-Characters": "Characters of the texts.",
    "X-Compute-Tokens": "Tokens that the model read.",
    "X-Total-Time": "Milliseconds of all that follows.",
    "X-Tokenization-Time": "Milliseconds of tokenization.",
    "X-Queue-Time": "Milliseconds in the queue.",
    "X-Inference-Time": "Milliseconds in the model.",
}
_PARAMETERS = (
    ("X-Request-Id", "An id that the answer and the log repeat.", {"type": "string"}),
    (
        "X-Request-Timeout",
        "Seconds that the client waits, then 408; what would come too late is not computed.",
        {"type": "number", "exclusiveMinimum": 0},
    ),
)


def openapi(title: str, keyed: bool) -> dict[str, Any]:
    """OpenAPI 3.1. keyed: whether API keys are configured."""
    models: set[type[BaseModel]] = set()
    for endpoint in ENDPOINTS:
        models |= {m for m in (endpoint.request, endpoint.answer, endpoint.error) if m}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schemas = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=_REFERENCE
    )
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__},
        "paths": {
            endpoint.path: {endpoint.method.lower(): _operation(endpoint, keyed)}
            for endpoint in ENDPOINTS
        },
        "components": {"schemas": schemas["$defs"]},
    }
    if keyed:
        document["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    return document


def _operation(endpoint: Endpoint, keyed: bool) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{endpoint.method}{endpoint.path.replace('/', '_')}".lower(),
        "summary": endpoint.summary,
        "responses": {"200": _ok(endpoint)},
    }
    for status in endpoint.also:
        model = HealthAnswer if endpoint.answer is HealthAnswer else endpoint.error
        operation["responses"][str(status)] = _response(status, model, ())
    if endpoint.request is not None:
        operation["parameters"] = [
            {"name": name, "in": "header", "description": text, "schema": schema}
            for name, text, schema in _PARAMETERS
        ]
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _ref(endpoint.request)}},
        }
    if keyed and endpoint.keyed:
        operation["security"] = [{"bearer": []}, {"header": []}]
    return operation


def _ok(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.answer is not None:
        return _response(200, endpoint.answer, endpoint.headers)
    response = _response(200, None, ())
    response["content"] = {"text/plain": {"schema": {"type": "string"}}}
    return response


def _response(
    status: int, model: type[BaseModel] | None, headers: tuple[str, ...]
) -> dict[str, Any]:
    names = ["X-Request-Id", *(["Retry-After"] if status in _RETRY else []), *headers]
    response: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "headers": {
            name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in names
        },
    }
    if model is not None:
        response["content"] = {"application/json": {"schema": _ref(model)}}
    return response


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}
