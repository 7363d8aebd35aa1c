"""text-embeddings-inference's API: POST /predict, GET /info.

After its router (router/src/http, text-embeddings-inference 1.8), with one difference: a
multi-label model answers sigmoids. A cut text is told by the header X-Truncated.
"""

from __future__ import annotations

from sanic import HTTPResponse

from turnout_inference import __version__
from turnout_inference.batching import Row
from turnout_inference.errors import ApiError, Code
from turnout_inference.routes.exchange import Exchange, answer_json
from turnout_inference.routes.ours import note
from turnout_inference.schemas import PredictRequest
from turnout_inference.service import Outcome, Text


async def predict(exchange: Exchange) -> HTTPResponse:
    """All labels of a text, best first; a list of such lists for a batch."""
    body = await exchange.read(PredictRequest)
    texts, is_batch = _texts(body)
    service = exchange.service
    for index, text in enumerate(texts):
        if not text.characters:
            raise ApiError(
                400, Code.EMPTY_TEXT, "`inputs` cannot be empty", f"text {index} is empty"
            )
    outcome = await service.classify(
        texts,
        place="inputs",
        deadline=exchange.deadline,
        side="left" if body.truncation_direction.lower() == "left" else "right",
        truncate=body.truncate is not False,
    )
    note(exchange, outcome)
    answers = [ranked(service.labels, row, raw=body.raw_scores) for row in outcome.rows]
    response = answer_json(answers if is_batch else answers[0])
    response.headers.update(_headers(texts, outcome))
    return response


async def info(exchange: Exchange) -> HTTPResponse:
    """What TEI says of the model and its router."""
    service, manifest = exchange.service, exchange.service.model.manifest
    labels = manifest.labels
    return answer_json(
        {
            "model_id": manifest.name,
            "model_sha": service.model.digest,
            "model_dtype": manifest.compute_type,
            "served_model_name": manifest.name,
            "model_type": {
                "classifier": {
                    "id2label": {str(index): label for index, label in enumerate(labels)},
                    "label2id": {label: index for index, label in enumerate(labels)},
                }
            },
            "max_concurrent_requests": service.settings.max_requests,
            "max_input_length": manifest.max_tokens,
            "max_batch_tokens": service.settings.batch_tokens,
            "max_batch_requests": None,
            "max_client_batch_size": service.settings.max_texts,
            "auto_truncate": True,
            "tokenization_workers": 2,
            "version": __version__,
            "sha": None,
            "docker_label": None,
        }
    )


def error(failure: ApiError, _request_id: str) -> tuple[int, object]:
    """TEI's JSON for an error: 424 for the backend, 422 for a batch or text that is too large."""
    message = f"{failure.message}: {failure.fix}"
    status, kind = failure.status, _error_type(failure.code)
    if kind == "Backend" and failure.code is not Code.DEADLINE_EXCEEDED:
        status = 424
    if failure.code in {Code.TOO_MANY_TEXTS, Code.TEXT_TOO_LONG, Code.TOO_MANY_TOKENS}:
        status = 422
    return status, {"error": message, "error_type": kind}


def ranked(labels: tuple[str, ...], row: Row, *, raw: bool) -> list[dict[str, object]]:
    """Every label with its score, best first."""
    scores = row.logits if raw else row.probabilities
    pairs = sorted(zip(scores, labels, strict=True), key=lambda pair: -pair[0])
    return [{"score": score, "label": label} for score, label in pairs]


def _texts(body: PredictRequest) -> tuple[list[Text], bool]:
    if isinstance(body.inputs, str):
        return [Text(body.inputs)], False
    first = body.inputs[0]
    if isinstance(first, str):
        return [Text(*[item for item in body.inputs if isinstance(item, str)])], False
    return [Text(*item) for item in body.inputs if not isinstance(item, str)], True


def _headers(texts: list[Text], outcome: Outcome) -> dict[str, str]:
    total = outcome.tokenization + outcome.queue + outcome.inference
    headers = {
        "x-compute-type": "cpu+optimized",
        "x-compute-time": _milliseconds(total),
        "x-compute-characters": str(sum(text.characters for text in texts)),
        "x-compute-tokens": str(outcome.tokens),
        "x-total-time": _milliseconds(total),
        "x-tokenization-time": _milliseconds(outcome.tokenization),
        "x-queue-time": _milliseconds(outcome.queue),
        "x-inference-time": _milliseconds(outcome.inference),
    }
    if outcome.truncated:
        headers["x-truncated"] = str(outcome.truncated)
    return headers


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


def _error_type(code: Code) -> str:
    match code:
        case Code.EMPTY_TEXT:
            return "Empty"
        case Code.OVERLOADED:
            return "Overloaded"
        case Code.UNAVAILABLE:
            return "Unhealthy"
        case Code.BACKEND_FAILED | Code.INTERNAL | Code.DEADLINE_EXCEEDED:
            return "Backend"
        case _:
            return "Validation"
