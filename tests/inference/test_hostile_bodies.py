"""Bodies that are small to send and could be long to read: refused at once, nobody waits."""

from __future__ import annotations

import threading
import time
import tracemalloc

import httpx
import pytest
from tests.inference.running import Running, running

from turnout_inference.errors import ApiError
from turnout_inference.schemas import (
    ClassifyRequest,
    InfinityRequest,
    PredictRequest,
    RequestShape,
    parse,
)
from turnout_inference.strict_json import decode, has_more_parts

MOST = 4_000_000
"""Bytes, just below the default of TURNOUT_MAX_BODY_BYTES."""
PATIENCE = 1.0
"""Seconds, on a machine that others use; each of these once took up to twenty."""


def many(item: bytes, size: int = MOST) -> bytes:
    """A list of as many items as fit."""
    return b"[" + b",".join([item] * (size // (len(item) + 1) - 10)) + b"]"


def keys(size: int) -> bytes:
    return b"{" + b",".join(b'"%d":0' % number for number in range(size // 11)) + b"}"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/classify", b'{"inputs":' + many(b"1") + b"}", 413),
        ("/v1/classify", b'{"inputs":' + many(b'"a"') + b"}", 413),
        ("/v1/classify", b'{"inputs":["\\ud83d\\ude00",' + many(b'"a"')[1:] + b"}", 413),
        ("/v1/classify", b'{"x":' + many(b"[]") + b"}", 413),
        ("/v1/classify", b'{"inputs":"a","x":' + many(b"{}") + b"}", 413),
        ("/v1/classify", keys(MOST), 413),
        ("/v1/classify", many(b"1"), 413),
        ("/v1/classify", b'{"inputs":"' + b'\\"' * (MOST // 2), 400),
        ("/v1/classify", b'{"inputs":"' + b'\\"' * (MOST // 2) + b"\\", 400),
        ("/v1/classify", keys(50_000), 422),
        ("/predict", b'{"inputs":' + many(b"1") + b"}", 422),
        ("/predict", b'{"inputs":' + many(b"[]") + b"}", 422),
        ("/predict", b'{"inputs":' + many(b'["a"]') + b"}", 422),
        ("/predict", keys(MOST), 422),
        ("/classify", b'{"input":' + many(b'"a"') + b"}", 422),
    ],
)
def test_a_body_of_a_million_parts_is_refused_while_others_are_served(
    server: Running, path: str, body: bytes, status: int
) -> None:
    assert len(body) < 4 << 20
    found: list[httpx.Response] = []
    headers = {"Content-Type": "application/json"}
    sender = threading.Thread(
        target=lambda: found.append(httpx.post(server.url + path, content=body, headers=headers))
    )
    sender.start()
    longest = 0.0
    while sender.is_alive():
        began = time.monotonic()
        assert server.client.get("/livez").status_code == 200
        longest = max(longest, time.monotonic() - began)
    sender.join()
    assert found[0].status_code == status
    assert len(found[0].content) < 1000
    assert longest < PATIENCE


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (ClassifyRequest, {"inputs": [1] * 100_000}),
        (ClassifyRequest, {"inputs": "a"} | {str(number): 0 for number in range(100_000)}),
        (PredictRequest, {"inputs": [1] * 100_000}),
        (PredictRequest, {"inputs": [[]] * 100_000}),
        (PredictRequest, {"inputs": ["a"] * 100_000}),
        (PredictRequest, {"inputs": [[1] * 100_000]}),
        (InfinityRequest, {"input": [1] * 2048}),
        (InfinityRequest, {"input": ["a"] * 100_000}),
    ],
)
def test_of_a_hundred_thousand_faults_a_few_are_looked_at(
    shape: type[RequestShape], body: dict[str, object]
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ApiError) as caught:
            parse(shape, body, max_texts=100_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.status == 422
    assert len(caught.value.message) < 500
    assert peak < 100_000


@pytest.mark.parametrize("inside", [b"", b'"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["', b"0"])
def test_32_levels_are_not_too_deep_and_33_are(inside: bytes) -> None:
    decode(b"[" * 32 + inside + b"]" * 32)
    with pytest.raises(ApiError) as caught:
        decode(b"[" * 33 + inside + b"]" * 33)
    assert "deeper than 32 levels" in caught.value.message


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"0", 0),
        (b'"a"', 1),
        (b'{"inputs": ["a,[{", "\\"[,"]}', 6),
        (b'{"inputs": [["a", "b"], ["c"]]}', 10),
        (b'"no end, [[[', 1),
        (b'"no end \\', 1),
    ],
)
def test_parts_of_a_body_are_counted_outside_of_its_strings(body: bytes, parts: int) -> None:
    assert not has_more_parts(body, parts)
    assert parts == 0 or has_more_parts(body, parts - 1)


def test_as_many_pairs_as_are_allowed_are_taken() -> None:
    pairs = [["a," * 8, '"[{']] * 2048
    more = {"parameters": {str(number): None for number in range(100)}}
    with running() as server:
        response = server.client.post("/predict", json={"inputs": pairs} | more)
        assert response.status_code == 200
        assert len(response.json()) == 2048


def test_the_last_of_many_keys_given_twice_is_found_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(ApiError) as caught:
        decode(keys(MOST)[:-1] + b',"300000":0}')
    assert "300000" in caught.value.message
    assert time.monotonic() - began < 5
