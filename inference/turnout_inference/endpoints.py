"""Every endpoint of the API, once: the application and the OpenAPI document are made from it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from turnout_inference import schemas
from turnout_inference.routes import health, infinity, ours, tei
from turnout_inference.routes.exchange import ErrorShape, Handler


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path, what serves it, and what is said of it.

    request: the body's shape; with one, it is work for the model. answer: the shape of a 200;
    a list where `many` says so; None for plain text. keyed: an API key is asked for where keys
    are configured.
    """

    path: str
    handler: Handler
    summary: str
    shape: ErrorShape = ours.error
    error: type[BaseModel] = schemas.ErrorAnswer
    request: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    also: tuple[int, ...] = ()
    keyed: bool = True
    quiet: bool = False

    @property
    def method(self) -> str:
        return "GET" if self.request is None else "POST"


_WORK = (400, 401, 408, 413, 415, 422, 429, 500, 503, 504)
_PREDICT = (400, 401, 408, 413, 415, 422, 424, 429, 503, 504)

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
    Endpoint(
        "/predict",
        tei.predict,
        "Classify, as text-embeddings-inference does.",
        shape=tei.error,
        error=schemas.PredictError,
        request=schemas.PredictRequest,
        answer=schemas.PredictAnswer,
        also=_PREDICT,
    ),
    Endpoint(
        "/",
        tei.predict,
        "The same as /predict, where its clients look when they are given the server's address.",
        shape=tei.error,
        error=schemas.PredictError,
        request=schemas.PredictRequest,
        answer=schemas.PredictAnswer,
        also=_PREDICT,
    ),
    Endpoint(
        "/invocations",
        tei.predict,
        "The same as /predict, where Amazon SageMaker looks for it.",
        shape=tei.error,
        error=schemas.PredictError,
        request=schemas.PredictRequest,
        answer=schemas.PredictAnswer,
        also=_PREDICT,
    ),
    Endpoint(
        "/classify",
        infinity.classify,
        "Classify, as infinity does.",
        shape=infinity.error,
        error=schemas.InfinityError,
        request=schemas.InfinityRequest,
        answer=schemas.InfinityAnswer,
        also=_WORK,
    ),
    Endpoint(
        "/info",
        tei.info,
        "The model and the limits, as text-embeddings-inference tells them.",
        answer=schemas.InfoAnswer,
        also=(401,),
    ),
    Endpoint(
        "/health",
        health.health,
        "Whether it can serve: 503 while loading, draining, or when the model fails.",
        answer=schemas.HealthAnswer,
        also=(503,),
        keyed=False,
        quiet=True,
    ),
    Endpoint(
        "/readyz",
        health.health,
        "The same as /health.",
        answer=schemas.HealthAnswer,
        also=(503,),
        keyed=False,
        quiet=True,
    ),
    Endpoint(
        "/ping",
        health.health,
        "The same as /health, where Amazon SageMaker looks for it.",
        answer=schemas.HealthAnswer,
        also=(503,),
        keyed=False,
        quiet=True,
    ),
    Endpoint(
        "/livez",
        health.livez,
        "Whether the process works at all.",
        answer=schemas.HealthAnswer,
        keyed=False,
        quiet=True,
    ),
    Endpoint(
        "/metrics",
        health.metrics,
        "Figures for Prometheus.",
        also=(401,),
        quiet=True,
    ),
)
