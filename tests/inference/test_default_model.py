"""The real model behind the real server, in this process."""

from __future__ import annotations

import random
from collections.abc import Iterator

import httpx
import pytest
from tests.inference.running import Running, running

from turnout_inference.model.fetch import DEFAULT_MODEL
from turnout_inference.worker import load_model

TEXTS = (
    "오늘 날씨가 참 좋네요",
    "이 영화 정말 재미있게 봤습니다. 배우들 연기가 훌륭하고 음악도 좋았어요",
    "정치인들은 다 똑같다",
    "ㅋㅋㅋㅋㅋ",
    "배송이 늦었지만 제품은 만족합니다",
    "What a lovely day",
    "😀👍",
    "여자들은 운전을 왜 저렇게 하냐",
    "가" * 300,
    "그 사람은 종교 때문에 그런 말을 했다고 한다. 나는 그렇게 생각하지 않는다.",
)
ROUNDING = 0.02
"""How far int8 may move a probability with the rest of its batch; labels stay."""


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    model = load_model(DEFAULT_MODEL, threads=2, threads_per_batch=1)
    with running(model) as found:
        yield found


def results(response: httpx.Response) -> list[dict[str, object]]:
    assert response.status_code == 200
    found: list[dict[str, object]] = response.json()["results"]
    return found


def difference(one: dict[str, object], other: dict[str, object]) -> float:
    first, second = one["scores"], other["scores"]
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    return float(max(abs(first[label] - second[label]) for label in first))


def test_scores_do_not_depend_on_what_else_is_in_the_batch(server: Running) -> None:
    alone = {text: results(server.classify(text))[0] for text in TEXTS}
    for seed in range(5):
        mixed = list(TEXTS) * 6
        random.Random(seed).shuffle(mixed)
        for text, result in zip(mixed, results(server.classify(mixed)), strict=True):
            assert difference(result, alone[text]) < ROUNDING
            assert result["labels"] == alone[text]["labels"]


def test_the_three_apis_give_the_same_scores(server: Running) -> None:
    text = TEXTS[1]
    ours = results(server.classify(text))[0]["scores"]
    assert isinstance(ours, dict)
    predicted = server.client.post("/predict", json={"inputs": text}).json()
    classified = server.client.post("/classify", json={"input": [text]}).json()["data"][0]
    for theirs in (predicted, classified):
        assert {one["label"]: one["score"] for one in theirs} == pytest.approx(ours, abs=1e-6)


def test_what_is_said_kindly_is_not_hate_speech(server: Running) -> None:
    assert results(server.classify(TEXTS[0]))[0]["labels"] == ["not_hate_speech"]


def test_hostile_texts_are_computed_like_any_other(server: Running) -> None:
    hostile = ["\x00x", "a\u202eb", "\u200b\u200bx", "🏳️‍🌈" * 500, "؀" * 50, "a\ufffd", "﷽" * 100]
    for result in results(server.classify(hostile)):
        scores = result["scores"]
        assert isinstance(scores, dict)
        assert all(0 <= score <= 1 for score in scores.values())


def test_a_pair_is_scored_as_one_input(server: Running) -> None:
    pair = server.client.post("/predict", json={"inputs": [TEXTS[0], TEXTS[2]]})
    assert pair.status_code == 200
    assert len(pair.json()) == 9


@pytest.mark.parametrize("text", ["\u200b", "\ufeff\u200f", "\x07", "\u200b \n"])
def test_a_text_of_which_the_model_reads_nothing_is_refused_as_an_empty_one(
    server: Running, text: str
) -> None:
    response = server.classify(["good", text])
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "empty_text"
    assert response.json()["error"]["message"].startswith("inputs[1]: ")
    # The servers whose contract it is answer these.
    assert server.client.post("/predict", json={"inputs": text}).status_code == 200
    assert server.client.post("/classify", json={"input": [text]}).status_code == 200
