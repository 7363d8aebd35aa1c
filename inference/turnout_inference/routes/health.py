"""Whether it can serve, whether it lives, and its figures."""

from __future__ import annotations

from sanic import HTTPResponse

from turnout_inference.routes.exchange import Exchange, answer_json


async def health(exchange: Exchange) -> HTTPResponse:
    """200 when it can serve; 503 while loading, draining, or when the model fails."""
    status = exchange.service.status
    return answer_json({"status": status}, 200 if status == "ok" else 503, cache_control="no-store")


async def livez(exchange: Exchange) -> HTTPResponse:
    """200 while the process works at all."""
    del exchange
    return answer_json({"status": "ok"}, cache_control="no-store")


async def metrics(exchange: Exchange) -> HTTPResponse:
    """Prometheus's text format."""
    service = exchange.service
    return HTTPResponse(service.metrics.exposition(), content_type=service.metrics.content_type)
