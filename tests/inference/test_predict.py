"""POST /predict: text-embeddings-inference's contract, by its source and by a published client."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from huggingface_hub import InferenceClient
from tests.inference.running import LABELS, Running, fake_model, running

from turnout_inference.fake import FakeBackend

HEADERS = {
    "x-compute-type",
    "x-compute-time",
    "x-compute-characters",
    "x-compute-tokens",
    "x-total-time",
    "x-tokenization-time",
    "x-queue-time",
    "x-inference-time",
}


def predict(server: Running, inputs: object, **more: object) -> httpx.Response:
    return server.client.post("/predict", json={"inputs": inputs, **more})


def failure(response: httpx.Response) -> dict[str, str]:
    body: dict[str, str] = response.json()
    assert body.keys() == {"error", "error_type"}
    return body


def tokens(response: httpx.Response) -> int:
    return int(response.headers["x-compute-tokens"])


@pytest.mark.parametrize("inputs", ["abc", ["abc"]])
def test_one_text_gives_all_labels_best_first(server: Running, inputs: object) -> None:
    predictions = predict(server, inputs).json()
    assert [set(one) for one in predictions] == [{"score", "label"}] * len(LABELS)
    assert {one["label"] for one in predictions} == set(LABELS)
    scores = [one["score"] for one in predictions]
    assert scores == sorted(scores, reverse=True)


def test_two_flat_texts_are_one_pair(server: Running) -> None:
    pair = predict(server, ["abc", "de"])
    assert isinstance(pair.json()[0], dict)
    assert tokens(pair) == 3 + 2 + 4


def test_a_list_of_lists_is_a_batch_of_texts_and_pairs(server: Running) -> None:
    response = predict(server, [["abc"], ["de"], ["abc", "de"]])
    alone = [predict(server, one).json() for one in ("abc", "de", ["abc", "de"])]
    assert response.json() == alone
    assert tokens(response) == 5 + 4 + 9


@pytest.mark.parametrize("inputs", [["a", "b", "c"], [], [[]], [["a", "b", "c"]], 1, None, [1]])
def test_other_shapes_are_rejected(server: Running, inputs: object) -> None:
    response = predict(server, inputs)
    assert response.status_code == 422
    assert failure(response)["error_type"] == "Validation"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["a", "b", "c"], "inputs[0]: a list was expected, not a string: a text is "),
        ([], "inputs: is empty: a text is "),
        ([["a", "b", "c"]], "inputs[0]: has more items than are allowed: a text is "),
        ([["a"], []], "inputs[1]: is empty: a text is "),
    ],
)
def test_a_wrong_shape_is_told_with_what_a_batch_looks_like(
    server: Running, inputs: object, message: str
) -> None:
    said = failure(predict(server, inputs))["error"]
    assert message in said
    assert 'a batch [["a"], ["b"]]' in said


def test_an_empty_text_is_its_own_error(server: Running) -> None:
    response = predict(server, "")
    assert response.status_code == 400
    assert failure(response)["error_type"] == "Empty"
    assert "`inputs` cannot be empty" in failure(response)["error"]


def test_a_multi_label_model_is_not_softmaxed(server: Running) -> None:
    assert predict(server, chr(27)).json()[0] == {"score": 0.947846, "label": "spam"}


def test_a_single_label_model_is_softmaxed() -> None:
    with running(fake_model(problem_type="single_label", thresholds=None)) as server:
        scores = [one["score"] for one in predict(server, "abc").json()]
        assert sum(scores) == pytest.approx(1, abs=1e-5)


def test_raw_scores_are_logits(server: Running) -> None:
    assert predict(server, chr(27), raw_scores=True).json()[0] == {"score": 2.9, "label": "spam"}


def test_the_headers_say_what_it_took(server: Running) -> None:
    response = predict(server, [["abc"], ["가나"]])
    assert response.headers.keys() >= HEADERS
    assert response.headers["x-compute-characters"] == "5"
    assert tokens(response) == 5 + 4
    for name in HEADERS - {"x-compute-type"}:
        assert response.headers[name].isdigit()


@pytest.mark.parametrize(
    ("direction", "kept"), [("Right", "a"), ("right", "a"), ("Left", "b"), ("left", "b")]
)
def test_truncation_keeps_the_side_that_was_asked_for(
    server: Running, direction: str, kept: str
) -> None:
    long = predict(server, "a" * 62 + "b" * 62, truncation_direction=direction, truncate=True)
    assert long.json() == predict(server, kept * 62).json()
    assert long.headers["x-truncated"] == "1"
    assert "x-truncated" not in predict(server, kept * 62).headers


def test_a_text_too_long_is_refused_when_truncation_is_off(server: Running) -> None:
    response = predict(server, "a" * 63, truncate=False)
    assert response.status_code == 422
    assert failure(response)["error_type"] == "Validation"


def test_a_batch_too_large_is_a_validation_error() -> None:
    with running(max_texts=2) as server:
        response = predict(server, [["a"]] * 3)
        assert response.status_code == 422
        assert failure(response)["error_type"] == "Validation"


def test_a_model_that_fails_is_a_backend_error() -> None:
    with running(fake_model(FakeBackend(labels=3))) as server:
        backend = server.service.model.backend
        assert isinstance(backend, FakeBackend)
        backend.error = RuntimeError("secret detail")
        response = predict(server, "a")
        assert response.status_code == 424
        assert failure(response)["error_type"] == "Backend"
        assert "secret detail" not in response.text


def test_overload_is_told_in_its_words_with_a_retry_after() -> None:
    with running(fake_model(FakeBackend(labels=3)), max_requests=1) as server:
        server.service.door.enter()
        response = predict(server, "a")
        server.service.door.leave()
        assert response.status_code == 429
        assert failure(response)["error_type"] == "Overloaded"
        assert int(response.headers["retry-after"]) >= 1


def test_unknown_keys_are_ignored_as_there(server: Running) -> None:
    assert predict(server, "a", parameters={"top_k": 3}).status_code == 200


def test_info_describes_a_classifier(server: Running) -> None:
    info: dict[str, Any] = server.client.get("/info").json()
    labels = info["model_type"]["classifier"]
    assert labels["id2label"] == {"0": "spam", "1": "rude", "2": "fine"}
    assert labels["label2id"] == {"spam": 0, "rude": 1, "fine": 2}
    assert info["max_input_length"] == 64
    assert info.keys() >= {"model_id", "model_sha", "max_client_batch_size", "auto_truncate"}


@pytest.mark.parametrize("path", ["", "/predict", "/invocations"])
def test_the_published_client_of_hugging_face_reads_the_answer(server: Running, path: str) -> None:
    # The client reads the first of the list: TEI answers one text with a flat list.
    best: Any = InferenceClient(model=server.url + path).text_classification(chr(27))
    assert (best.label, best.score) == ("spam", 0.947846)
