"""infinity's API: POST /classify (infinity_emb 0.0.77). A cut text is told by X-Truncated."""

from __future__ import annotations

import time
import uuid

from sanic import HTTPResponse

from turnout_inference.errors import ApiError, Code
from turnout_inference.routes.exchange import Exchange, answer_json
from turnout_inference.routes.ours import note
from turnout_inference.routes.tei import ranked
from turnout_inference.schemas import InfinityRequest
from turnout_inference.service import Text

ANY_MODEL = "default/not-specified"
"""What infinity's clients send when they name no model."""


async def classify(exchange: Exchange) -> HTTPResponse:
    """All labels of every text, best first."""
    body = await exchange.read(InfinityRequest)
    service = exchange.service
    name = service.model.manifest.name
    if body.model not in {ANY_MODEL, name}:
        raise ApiError(
            400,
            Code.UNKNOWN_MODEL,
            f"model {body.model[:100]!r} is not served here",
            f"send {name!r}, or leave model out",
        )
    outcome = await service.classify(
        [Text(text) for text in body.input], place="input", deadline=exchange.deadline
    )
    note(exchange, outcome)
    response = answer_json(
        {
            "object": "classify",
            "data": [ranked(service.labels, row, raw=body.raw_scores) for row in outcome.rows],
            "model": name,
            "usage": {"prompt_tokens": outcome.tokens, "total_tokens": outcome.tokens},
            "id": f"infinity-{uuid.uuid4()}",
            "created": int(time.time()),
        }
    )
    if outcome.truncated:
        response.headers["x-truncated"] = str(outcome.truncated)
    return response


def error(failure: ApiError, _request_id: str) -> tuple[int, object]:
    """infinity's JSON for an error: 422 for too many texts, as there."""
    message = f"{failure.message}: {failure.fix}"
    status = 422 if failure.code is Code.TOO_MANY_TEXTS else failure.status
    return status, {
        "error": {"message": message, "type": failure.code.value, "param": None, "code": status}
    }
