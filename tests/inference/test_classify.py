"""POST /v1/classify: our own API, with the fake backend."""

from __future__ import annotations

import gzip
import json
import socket
from typing import Any

import httpx
import pytest
from tests.inference.running import LABELS, Running, fake_model, running

JSON = {"Content-Type": "application/json"}


def post(server: Running, body: bytes | str, **headers: str) -> httpx.Response:
    return server.client.post("/v1/classify", content=body, headers=JSON | headers)


def error(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/json"
    found: dict[str, Any] = response.json()["error"]
    assert found.keys() == {"code", "message", "fix", "request_id"}
    assert found["request_id"] == response.headers["x-request-id"]
    return found


def test_one_text_gives_a_list_of_one_result(server: Running) -> None:
    answer = server.classify("abc").json()
    assert answer["model"] == "fake"
    (result,) = answer["results"]
    assert list(result["scores"]) == list(LABELS)
    assert (result["tokens"], result["truncated"]) == (5, False)


def test_many_texts_give_one_result_each_in_order(server: Running) -> None:
    texts = [f"text number {number}" for number in range(40)]
    alone = [server.classify(text).json()["results"][0] for text in texts]
    assert server.classify(texts).json()["results"] == alone


def test_labels_are_those_over_their_own_threshold_best_first() -> None:
    # sum(ids) % 97 = 29, so the logits are 2.9, 1.9 and 0.9: 0.948, 0.870 and 0.711.
    with running() as server:
        (result,) = server.classify(chr(27)).json()["results"]
        assert result["scores"] == {"spam": 0.947846, "rude": 0.869892, "fine": 0.710949}
        assert result["labels"] == ["spam", "fine"]


def test_a_single_label_model_gives_its_best_label_and_softmax() -> None:
    single = fake_model(problem_type="single_label", thresholds=None)
    with running(single) as server:
        (result,) = server.classify("abc").json()["results"]
        assert result["labels"] == ["spam"]
        assert sum(result["scores"].values()) == pytest.approx(1, abs=1e-5)


def test_raw_scores_are_logits(server: Running) -> None:
    (result,) = server.classify(chr(27), raw_scores=True).json()["results"]
    assert result["scores"] == {"spam": 2.9, "rude": 1.9, "fine": 0.9}
    assert result["labels"] == ["spam", "fine"]


def test_truncation_is_reported(server: Running) -> None:
    short, long = server.classify(["a" * 62, "a" * 63]).json()["results"]
    assert (short["truncated"], short["tokens"]) == (False, 64)
    assert (long["truncated"], long["tokens"]) == (True, 64)


def test_a_text_too_long_is_refused_where_truncation_is_not_wanted(server: Running) -> None:
    response = server.classify(["a", "a" * 63], truncate=False)
    assert response.status_code == 422
    assert error(response)["message"] == "inputs[1]: at least 65 tokens, the model reads 64"


@pytest.mark.parametrize(
    "text",
    [
        "😀👨‍👩‍👧‍👦",
        "مرحبا بالعالم",
        "שלום",
        "a\u202eb",
        "한글 English 漢字 кириллица",
        "a\x00b",
        "\x07",
        "é" * 10,
    ],
)
def test_any_text_that_says_something_gets_an_answer(server: Running, text: str) -> None:
    assert server.classify(text).status_code == 200


def test_a_hundred_thousand_characters_get_an_answer(server: Running) -> None:
    (result,) = server.classify("가" * 100_000).json()["results"]
    assert result["truncated"] is True


@pytest.mark.parametrize("text", ["", " ", "\n\t\u3000"])
def test_an_empty_text_is_refused_with_its_place(server: Running, text: str) -> None:
    response = server.classify(["good", text])
    assert response.status_code == 422
    assert error(response)["code"] == "empty_text"
    assert error(response)["message"].startswith("inputs[1]: ")


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        (b"", 400, "invalid_json", "the body is empty"),
        (b"{", 400, "invalid_json", "line 1, column 2"),
        (b'{"inputs": "\xed\xa0\x80"}', 400, "invalid_json", "not UTF-8: byte 12 is 0xed"),
        (b'{"inputs": "a\xff"}', 400, "invalid_json", "byte 13 is 0xff"),
        (b'\xef\xbb\xbf{"inputs": "a"}', 400, "invalid_json", "byte-order mark"),
        (
            rb'{"inputs": "a\ud800b"}',
            400,
            "invalid_json",
            "body.inputs: character 1 is an unp",
        ),
        (rb'{"inputs": ["a", "\udc00"]}', 400, "invalid_json", "body.inputs[1]: character 0"),
        (rb'{"\ud800": 1}', 400, "invalid_json", "a key of body"),
        (b'{"inputs": "a", "inputs": "b"}', 400, "invalid_json", 'key "inputs" is given twice'),
        (b'{"inputs": NaN}', 400, "invalid_json", "NaN is not JSON"),
        (b'{"inputs": -Infinity}', 400, "invalid_json", "-Infinity is not JSON"),
        (b'{"inputs": 1e999}', 400, "invalid_json", "out of range"),
        (b'{"inputs": ' + b"9" * 5000 + b"}", 400, "invalid_json", "5000 digits"),
        (b'{"inputs": 0.' + b"9" * 5000 + b"}", 400, "invalid_json", "5002 digits"),
        (b'{"inputs": ' + b"[" * 40 + b"]" * 40 + b"}", 400, "invalid_json", "32 levels"),
        (b"[" * 10_000, 400, "invalid_json", "32 levels"),
        (b'{"a":' * 5_000, 400, "invalid_json", "32 levels"),
        (b'{"inputs": "a\nb"}', 400, "invalid_json", "control character"),
        (b'{"inputs": "a"} x', 400, "invalid_json", "Extra data"),
        (b"null", 422, "invalid_request", "body: an object was expected, not null"),
        (b"[]", 422, "invalid_request", "body: an object was expected, not a list"),
        (b"{}", 422, "invalid_request", "inputs: is required"),
        (b'{"inputs": 5}', 422, "invalid_request", "inputs: a string or a list was expected, not"),
        (b'{"inputs": ["a", 5]}', 422, "invalid_request", "inputs[1]: a string was expected, not"),
        (b'{"inputs": [["a"]]}', 422, "invalid_request", "inputs[0]: a string was expected, not a"),
        (b'{"inputs": null}', 422, "invalid_request", "not null"),
        (b'{"inputs": []}', 422, "empty_text", "inputs: the list is empty"),
        (b'{"inputs": "a", "raw_scores": 1}', 422, "invalid_request", "raw_scores: true or false"),
        (b'{"inputs": "a", "raw": true}', 422, "invalid_request", "raw: is not a key of this"),
    ],
)
def test_a_wrong_body_is_refused_with_the_place_and_the_reason(
    server: Running, body: bytes, status: int, code: str, message: str
) -> None:
    response = post(server, body)
    assert (response.status_code, error(response)["code"]) == (status, code)
    assert message in error(response)["message"]
    assert len(response.content) < 1000


def test_an_escaped_pair_of_surrogates_is_one_character(server: Running) -> None:
    assert post(server, rb'{"inputs": "\ud83d\ude00"}').json()["results"][0]["tokens"] == 3


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        'application/json; profile=x; charset="utf-16"',
        "application/jsonx",
        "application/json, text/plain",
        "",
    ],
)
def test_another_content_type_is_refused(server: Running, content_type: str) -> None:
    response = post(server, b'{"inputs": "a"}', **{"Content-Type": content_type})
    assert response.status_code == 415
    assert "application/json" in error(response)["fix"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json; profile=x",
        "application/json; profile=x; charset=utf8",
        "application/json;",
        "Application/JSON",
        "application/x+json",
    ],
)
def test_json_by_any_of_its_names_is_taken(server: Running, content_type: str) -> None:
    response = post(server, b'{"inputs": "a"}', **{"Content-Type": content_type})
    assert response.status_code == 200


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "gzip, identity", "\u00e9"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_body_in_another_coding_is_refused_by_its_header(
    server: Running, coding: str, zipped: bool
) -> None:
    body = b'{"inputs": "a"}'
    headers = [
        (b"Content-Type", b"application/json"),
        (b"Content-Encoding", coding.encode()),
    ]
    response = server.client.post(
        "/v1/classify", content=gzip.compress(body) if zipped else body, headers=headers
    )
    assert response.status_code == 415
    assert error(response)["message"].startswith("Content-Encoding is ")


def test_identity_is_no_other_coding(server: Running) -> None:
    assert post(server, b'{"inputs": "a"}', **{"Content-Encoding": "identity"}).is_success


@pytest.mark.parametrize(
    ("settings", "inputs", "message"),
    [
        ({"max_texts": 3}, ["a"] * 4, "inputs: 4 texts, 3 are allowed"),
        ({"max_characters": 10}, ["a", "b" * 11], "inputs[1]: 11 characters, 10 are allowed"),
        ({"max_request_tokens": 20}, ["abcdef"] * 3, "inputs: 24 tokens, 20 are allowed"),
        ({"max_body_bytes": 1024}, "a" * 1024, "1024 are allowed"),
    ],
)
def test_each_limit_is_kept_and_named(
    settings: dict[str, Any], inputs: object, message: str
) -> None:
    with running(**settings) as server:
        response = server.classify(inputs)
        assert response.status_code == 413
        assert message in error(response)["message"]
        assert server.classify("a").status_code == 200


def test_a_chunked_body_over_the_limit_is_cut_off() -> None:
    with running(max_body_bytes=10_000) as server, server.connect() as connection:
        connection.sendall(
            b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(11):
            connection.sendall(b"400\r\n" + b" " * 0x400 + b"\r\n")
        answer = receive(connection)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in answer


def test_a_chunked_body_is_read_as_any_other(server: Running) -> None:
    def chunks() -> Any:
        yield b'{"inputs": '
        yield b'"abc"}'

    response = server.client.post("/v1/classify", content=chunks(), headers=JSON)
    assert response.json()["results"][0]["tokens"] == 5


def test_a_client_that_expects_to_be_told_to_go_on_is_told(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(
            b"POST /v1/classify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 15\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b'{"inputs": "a"}')
        assert receive(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Content-Type: text/plain\r\nContent-Length: 15", 415),
        (b"Content-Type: application/json\r\nContent-Length: 99999999", 413),
        (b"Content-Type: application/json\r\nContent-Length: 15\r\nX-API-Key: wrong", 401),
        (b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nX-API-Key: no", 401),
    ],
)
def test_a_client_that_is_refused_is_not_told_to_go_on(headers: bytes, status: int) -> None:
    keys = ("a-key-of-16-chars",)
    with running(api_keys=keys if status == 401 else ()) as server, server.connect() as connection:
        connection.sendall(
            b"POST /v1/classify HTTP/1.1\r\nHost: x\r\n%s\r\nExpect: 100-continue\r\n\r\n" % headers
        )
        answer = receive(connection)
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert b"connection: close" in answer
        assert connection.recv(10) == b""


def test_the_model_endpoint_says_what_is_served(server: Running) -> None:
    model = server.client.get("/v1/model").json()
    assert model["labels"] == list(LABELS)
    assert model["thresholds"] == {"spam": 0.5, "rude": 0.9, "fine": 0.5}
    assert model["digest"] == "f" * 64
    assert model["limits"] == {
        "max_tokens": 64,
        "max_texts": 2048,
        "max_characters": 131_072,
        "max_request_tokens": 131_072,
        "max_body_bytes": 4 << 20,
    }


def receive(connection: socket.socket) -> bytes:
    """An answer, head and body."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65_536)
        if not part:
            return data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65_536)
    json.loads(body)
    return data
