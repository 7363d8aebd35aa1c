"""infinity's API: POST /classify, GET /models (infinity_emb 0.0.77).

A cut text is told by the header X-Truncated.
"""

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

STARTED = int(time.time())
"""When this process did, for what asks when a model was made: its files do not say."""


async def classify(exchange: Exchange) -> HTTPResponse:
    """All labels of every text, best first; by whatever name the model is asked for, as there."""
    body = await exchange.read(InfinityRequest)
    service = exchange.service
    outcome = await service.classify(
        [Text(text) for text in body.input], place="input", deadline=exchange.deadline
    )
    note(exchange, outcome)
    response = answer_json(
        {
            "object": "classify",
            "data": [ranked(service.labels, row, raw=body.raw_scores) for row in outcome.rows],
            "model": service.model.manifest.name,
            "usage": {"prompt_tokens": outcome.tokens, "total_tokens": outcome.tokens},
            "id": f"infinity-{uuid.uuid4()}",
            "created": int(time.time()),
        }
    )
    if outcome.truncated:
        response.headers["x-truncated"] = str(outcome.truncated)
    return response


async def models(exchange: Exchange) -> HTTPResponse:
    """The one model, as infinity and OpenAI list theirs."""
    service = exchange.service
    model = {
        "id": service.model.manifest.name,
        "object": "model",
        "owned_by": "infinity",
        "created": STARTED,
        "backend": "ctranslate2",
        "capabilities": ["classify"],
        "stats": {"results_pending": service.door.requests},
    }
    return answer_json({"object": "list", "data": [model]})


def error(failure: ApiError, _request_id: str) -> tuple[int, object]:
    """infinity's JSON for an error: 422 for too many texts, as there."""
    message = f"{failure.message}: {failure.fix}"
    status = 422 if failure.code is Code.TOO_MANY_TEXTS else failure.status
    return status, {
        "error": {"message": message, "type": failure.code.value, "param": None, "code": status}
    }
