"""POST /classify: infinity's contract, by its source and by its published client."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx
import pytest
from infinity_client import Client
from infinity_client.api.default import classify as published
from infinity_client.api.default import models as published_models
from infinity_client.models import ClassifyInput, ClassifyResult, OpenAIModelInfo
from tests.inference.running import LABELS, Running, fake_model, running

from turnout_inference.fake import FakeBackend


def classify(server: Running, texts: object, **more: object) -> httpx.Response:
    return server.client.post("/classify", json={"input": texts, **more})


def failure(response: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"message", "type", "param", "code"}
    assert body["error"]["code"] == response.status_code
    error: dict[str, Any] = body["error"]
    return error


def test_every_text_gets_all_labels_best_first(server: Running) -> None:
    body = classify(server, ["abc", "de"]).json()
    assert body.keys() == {"object", "data", "model", "usage", "id", "created"}
    assert (body["object"], body["model"]) == ("classify", "fake")
    assert len(body["data"]) == 2
    for labels in body["data"]:
        assert {one["label"] for one in labels} == set(LABELS)
        scores = [one["score"] for one in labels]
        assert scores == sorted(scores, reverse=True)
    assert body["usage"] == {"prompt_tokens": 9, "total_tokens": 9}
    assert re.fullmatch(r"infinity-[0-9a-f-]{36}", body["id"])
    assert abs(body["created"] - time.time()) < 60


@pytest.mark.parametrize("texts", ["abc", [], None, [1], ["a"] * 2049])
def test_only_a_list_of_texts_is_taken(server: Running, texts: object) -> None:
    assert classify(server, texts).status_code == 422


def test_an_empty_text_is_taken_as_there(server: Running) -> None:
    assert classify(server, [""]).status_code == 200


def test_a_text_of_122880_characters_is_taken_as_there(server: Running) -> None:
    response = classify(server, ["a" * 122_880])
    assert response.status_code == 200
    assert response.headers["x-truncated"] == "1"


@pytest.mark.parametrize("name", ["fake", "default/not-specified", "SamLowe/roberta-base"])
def test_any_name_means_the_one_model_as_there(server: Running, name: str) -> None:
    response = classify(server, ["a"], model=name)
    assert response.status_code == 200
    assert response.json()["model"] == "fake"


def test_overload_is_told_in_its_words() -> None:
    with running(fake_model(FakeBackend(labels=3)), max_requests=1) as server:
        server.service.door.enter()
        response = classify(server, ["a"])
        server.service.door.leave()
        assert response.status_code == 429
        assert failure(response)["type"] == "overloaded"
        assert int(response.headers["retry-after"]) >= 1


def test_the_published_client_reads_the_answer(server: Running) -> None:
    body = ClassifyInput(input_=[chr(27), "b"], model="fake", raw_scores=True)
    answer = published.sync(client=Client(base_url=server.url), body=body)
    assert isinstance(answer, ClassifyResult)
    assert len(answer.data) == 2
    assert (answer.data[0][0].label, answer.data[0][0].score) == ("spam", 2.9)


def test_the_published_client_lists_the_model(server: Running) -> None:
    answer = published_models.sync(client=Client(base_url=server.url))
    assert isinstance(answer, OpenAIModelInfo)
    (model,) = answer.data
    assert (model.id, model.capabilities) == ("fake", ["classify"])


def test_the_list_is_what_openais_clients_read(server: Running) -> None:
    body = server.client.get("/models").json()
    assert body["object"] == "list"
    assert body["data"][0].keys() >= {"id", "object", "created", "owned_by"}
    assert abs(body["data"][0]["created"] - time.time()) < 3600


def test_only_requests_with_a_key_may_ask_for_the_list() -> None:
    with running(api_keys=("a-key-of-16-chars",)) as server:
        assert failure(server.client.get("/models"))["type"] == "unauthorized"
