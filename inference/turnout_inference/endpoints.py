"""Every endpoint of the API, once: the application and the OpenAPI document are made from it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import BaseModel

from turnout_inference import schemas
from turnout_inference.routes import health, infinity, ours, tei
from turnout_inference.routes.exchange import ErrorShape, Handler


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path, what serves it, and what is said of it.

    request: the body's shape; with one, it is work for the model. answer: the shape of a 200;
    None for plain text. headers: those that a 200 may have. keyed: an API key is asked for where
    keys are configured.
    """

    path: str
    handler: Handler
    summary: str
    shape: ErrorShape = ours.error
    error: type[BaseModel] = schemas.ErrorAnswer
    request: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    headers: tuple[str, ...] = ()
    also: tuple[int, ...] = ()
    keyed: bool = True
    quiet: bool = False

    @property
    def method(self) -> str:
        return "GET" if self.request is None else "POST"


_WORK = (400, 401, 408, 413, 415, 417, 422, 429, 500, 503, 504)
_COMPUTE = (
    "X-Compute-Type",
    "X-Compute-Time",
    "X-Compute-Characters",
    "X-Compute-Tokens",
    "X-Total-Time",
    "X-Tokenization-Time",
    "X-Queue-Time",
    "X-Inference-Time",
)

_PREDICT = Endpoint(
    "/predict",
    tei.predict,
    "Classify, as text-embeddings-inference does.",
    shape=tei.error,
    error=schemas.PredictError,
    request=schemas.PredictRequest,
    answer=schemas.PredictAnswer,
    headers=("X-Truncated", *_COMPUTE),
    also=(400, 401, 408, 413, 415, 417, 422, 424, 429, 503, 504),
)
_HEALTH = Endpoint(
    "/health",
    health.health,
    "Whether it can serve: 503 while loading, draining, or when the model fails.",
    answer=schemas.HealthAnswer,
    also=(503,),
    keyed=False,
    quiet=True,
)

ENDPOINTS = (
    Endpoint(
        "/v1/classify",
        ours.classify,
        "Classify one text or many.",
        request=schemas.ClassifyRequest,
        answer=schemas.ClassifyAnswer,
        also=_WORK,
    ),
    Endpoint(
        "/v1/model",
        ours.model,
        "The model that is served: name, labels, limits, licence, revision.",
        answer=schemas.ModelAnswer,
        also=(401,),
    ),
    _PREDICT,
    replace(_PREDICT, path="/", summary="The same, for clients that are given an address only."),
    replace(_PREDICT, path="/invocations", summary="The same, where Amazon SageMaker looks."),
    Endpoint(
        "/classify",
        infinity.classify,
        "Classify, as infinity does.",
        shape=infinity.error,
        error=schemas.InfinityError,
        request=schemas.InfinityRequest,
        answer=schemas.InfinityAnswer,
        headers=("X-Truncated",),
        also=_WORK,
    ),
    Endpoint(
        "/models",
        infinity.models,
        "The model, as infinity and OpenAI list theirs.",
        shape=infinity.error,
        error=schemas.InfinityError,
        answer=schemas.InfinityModels,
        also=(401,),
    ),
    Endpoint(
        "/info",
        tei.info,
        "The model and the limits, as text-embeddings-inference tells them.",
        answer=schemas.InfoAnswer,
        also=(401,),
    ),
    _HEALTH,
    replace(_HEALTH, path="/readyz", summary="The same as /health."),
    replace(_HEALTH, path="/ping", summary="The same, where Amazon SageMaker looks."),
    replace(
        _HEALTH,
        path="/livez",
        handler=health.livez,
        summary="Whether the process works at all.",
        also=(),
    ),
    Endpoint("/metrics", health.metrics, "Figures for Prometheus.", also=(401,), quiet=True),
)

ROOT_HEALTH = replace(_HEALTH, path="/", summary="The same, where text-embeddings-inference looks.")
"""Instead of the try-it page, where that is not wanted."""
