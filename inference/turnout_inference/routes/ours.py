"""turnout's own API: POST /v1/classify and GET /v1/model."""

from __future__ import annotations

from sanic import HTTPResponse

from turnout_inference.errors import ApiError, Code
from turnout_inference.routes.exchange import Exchange, answer_json
from turnout_inference.schemas import (
    ClassifyRequest,
    ErrorAnswer,
    ErrorBody,
    ModelAnswer,
    ModelLimits,
)
from turnout_inference.service import Outcome, Service, Text


async def classify(exchange: Exchange) -> HTTPResponse:
    """One result a text, always a list."""
    body = await exchange.read(ClassifyRequest)
    texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    _refuse_empty(texts)
    service = exchange.service
    outcome = await service.classify(
        [Text(text) for text in texts],
        place="inputs",
        deadline=exchange.deadline,
        truncate=body.truncate,
        blank=False,
    )
    note(exchange, outcome)
    labels = service.labels
    results = [
        {
            "labels": service.chosen(row),
            "scores": dict(
                zip(labels, row.logits if body.raw_scores else row.probabilities, strict=True)
            ),
            "truncated": encoded.truncated,
            "tokens": len(encoded.ids),
        }
        for row, encoded in zip(outcome.rows, outcome.encoded, strict=True)
    ]
    return answer_json({"model": service.model.manifest.name, "results": results})


async def model(exchange: Exchange) -> HTTPResponse:
    """What is served, and what a request may have."""
    return answer_json(describe(exchange.service).model_dump(mode="json"))


def describe(service: Service) -> ModelAnswer:
    manifest, settings = service.model.manifest, service.settings
    cuts = service.cuts
    return ModelAnswer(
        name=manifest.name,
        revision=manifest.revision,
        digest=service.model.digest,
        architecture=manifest.architecture,
        problem_type=manifest.problem_type,
        labels=list(manifest.labels),
        thresholds=None if cuts is None else dict(zip(manifest.labels, cuts, strict=True)),
        compute_type=manifest.compute_type,
        licence=manifest.licence,
        attribution=list(manifest.attribution),
        source=manifest.source,
        limits=ModelLimits(
            max_tokens=manifest.max_tokens,
            max_texts=settings.max_texts,
            max_characters=settings.max_characters,
            max_request_tokens=settings.max_request_tokens,
            max_body_bytes=settings.max_body_bytes,
        ),
    )


def error(failure: ApiError, request_id: str) -> tuple[int, object]:
    """Our JSON for an error."""
    body = ErrorBody(
        code=failure.code, message=failure.message, fix=failure.fix, request_id=request_id
    )
    return failure.status, ErrorAnswer(error=body).model_dump(mode="json")


def note(exchange: Exchange, outcome: Outcome) -> None:
    """What the log line says of the work; nothing of the texts."""
    exchange.noted.update(
        texts=len(outcome.rows),
        tokens=outcome.tokens,
        truncated=outcome.truncated or None,
        queue_ms=round(outcome.queue * 1000, 2),
        inference_ms=round(outcome.inference * 1000, 2),
    )


def _refuse_empty(texts: list[str]) -> None:
    if not texts:
        raise ApiError(422, Code.EMPTY_TEXT, "inputs: the list is empty", "send at least one text")
    for index, text in enumerate(texts):
        if not text or text.isspace():
            raise ApiError(
                422,
                Code.EMPTY_TEXT,
                f"inputs[{index}]: the text is empty",
                "leave empty texts out: no model can say anything of them",
            )
