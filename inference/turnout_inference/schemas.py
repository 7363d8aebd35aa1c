"""The shapes of requests and answers; the OpenAPI document is made from them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError
from pydantic_core import ErrorDetails

from turnout_inference.errors import ApiError, Code, too_many_texts

MAX_KEYS = 64
"""Keys of a body; no request has a use for more, and to name each would take long."""
Texts = Annotated[list[str], Field(fail_fast=True)]
"""The first wrong text is told, and the rest not looked at: a stranger may send a million."""
_OneOrTwo = Annotated[list[str], Field(min_length=1, max_length=2, fail_fast=True)]


class RequestShape(BaseModel):
    """A request's body; `texts` names the key that holds them."""

    texts: ClassVar[str] = "inputs"
    hint: ClassVar[str] = "the request's shape is described at /openapi.json"


class _Request(RequestShape):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Lenient(RequestShape):
    """As the servers whose contract it is: unknown keys are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ClassifyRequest(_Request):
    """One text or many."""

    inputs: str | Texts = Field(
        description="A text, or a list of texts.", examples=["오늘 날씨가 참 좋네요"]
    )
    raw_scores: bool = Field(
        default=False, description="Scores as the model's logits instead of probabilities."
    )
    truncate: bool = Field(
        default=True,
        description="Cut a text that is too long for the model, and say so; false: refuse it.",
    )


class ClassifyResult(_Answer):
    """The answer to one text."""

    labels: list[str] = Field(
        description="Labels over their threshold, best first; a single-label model gives one."
    )
    scores: dict[str, float] = Field(description="A score for every label of the model.")
    truncated: bool = Field(description="Whether the end of the text was cut off.")
    tokens: int = Field(description="Tokens that the model read, special ones included.")


class ClassifyAnswer(_Answer):
    """One result a text, in the order of the request."""

    model: str
    results: list[ClassifyResult]


class ModelLimits(_Answer):
    """What a request may have; a text of more tokens is cut off."""

    max_tokens: int
    max_texts: int
    max_characters: int
    max_request_tokens: int
    max_body_bytes: int


class ModelAnswer(_Answer):
    """The model that is served."""

    name: str
    revision: str
    digest: str = Field(description="sha256 of the model's turnout.json.")
    architecture: str
    problem_type: Literal["multi_label", "single_label"]
    labels: list[str]
    thresholds: dict[str, float] | None = Field(
        description="The least probability of each label; null for a single-label model."
    )
    compute_type: str
    licence: str
    attribution: list[str]
    source: str
    limits: ModelLimits


class ErrorBody(_Answer):
    """What is wrong, and what to do about it."""

    code: Code
    message: str
    fix: str
    request_id: str


class ErrorAnswer(_Answer):
    """Every answer of ours that is not 2xx."""

    error: ErrorBody


class HealthAnswer(_Answer):
    """`ok`, or why not."""

    status: Literal["ok", "loading", "draining", "unhealthy"]


class PredictRequest(_Lenient):
    """text-embeddings-inference's request.

    inputs: a text, `["text"]`, `["text", "its pair"]`, or a batch: a list of such lists.
    """

    hint: ClassVar[str] = 'a text is "a" or ["a"], a pair ["a", "b"], a batch [["a"], ["b"]]'

    inputs: str | _OneOrTwo | Annotated[list[_OneOrTwo], Field(min_length=1, fail_fast=True)] = (
        Field(examples=["오늘 날씨가 참 좋네요"])
    )
    truncate: bool | None = None
    truncation_direction: Literal["Right", "Left", "right", "left"] = "Right"
    raw_scores: bool = False


class Prediction(_Answer):
    """One label of one text."""

    score: float
    label: str


class PredictAnswer(RootModel[list[Prediction] | list[list[Prediction]]]):
    """All labels of a text, best first; a list of such lists for a batch."""


class InfoLabels(_Answer):
    """Which index is which label, both ways."""

    id2label: dict[str, str]
    label2id: dict[str, int]


class InfoModelType(_Answer):
    """text-embeddings-inference's kinds of model; ours is always a classifier."""

    classifier: InfoLabels


class InfoAnswer(_Answer):
    """text-embeddings-inference's description of a server."""

    model_id: str
    model_sha: str | None
    model_dtype: str
    served_model_name: str
    model_type: InfoModelType
    max_concurrent_requests: int
    max_input_length: int
    max_batch_tokens: int
    max_batch_requests: int | None
    max_client_batch_size: int
    auto_truncate: bool
    tokenization_workers: int
    version: str
    sha: str | None
    docker_label: str | None


class PredictError(_Answer):
    """text-embeddings-inference's error."""

    error: str
    error_type: Literal["Unhealthy", "Backend", "Overloaded", "Validation", "Tokenizer", "Empty"]


class InfinityRequest(_Lenient):
    """infinity's request."""

    texts: ClassVar[str] = "input"

    input: Texts = Field(min_length=1, max_length=2048, examples=[["오늘 날씨가 참 좋네요"]])
    model: str = Field(default="default/not-specified", description="Any name: there is one model.")
    raw_scores: bool = False


class InfinityUsage(_Answer):
    """Tokens that the model read."""

    prompt_tokens: int
    total_tokens: int


class InfinityAnswer(_Answer):
    """infinity's answer: for each text all labels, best first."""

    object: Literal["classify"] = "classify"
    data: list[list[Prediction]]
    model: str
    usage: InfinityUsage
    id: str
    created: int


class InfinityModel(_Answer):
    """A model, as infinity and OpenAI describe one."""

    id: str
    object: Literal["model"] = "model"
    owned_by: Literal["infinity"] = "infinity"
    created: int = Field(description="When this process started, in seconds since the epoch.")
    backend: str
    capabilities: list[str]
    stats: dict[str, int]


class InfinityModels(_Answer):
    """infinity's list of models."""

    object: Literal["list"] = "list"
    data: list[InfinityModel]


class InfinityErrorBody(_Answer):
    """infinity's error, after OpenAI's."""

    message: str
    type: str
    param: str | None = None
    code: int


class InfinityError(_Answer):
    """infinity's error."""

    error: InfinityErrorBody


Shape = TypeVar("Shape", bound=RequestShape)


def parse(shape: type[Shape], value: Any, max_texts: int) -> Shape:
    """A decoded body as a request; 422 names every key that is wrong, never its text."""
    if isinstance(value, dict):
        _check_size(shape, value, max_texts)
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        problems = _problems(error.errors(include_url=False, include_context=False))
        raise ApiError(
            422,
            Code.INVALID_REQUEST,
            "; ".join(problems[:5]),
            shape.hint,
        ) from None


def _check_size(shape: type[RequestShape], body: dict[str, Any], max_texts: int) -> None:
    """What could take long to look at is refused by its length alone."""
    if len(body) > MAX_KEYS:
        raise ApiError(
            422,
            Code.INVALID_REQUEST,
            f"body: {len(body)} keys, {MAX_KEYS} are allowed",
            shape.hint,
        )
    texts = body.get(shape.texts)
    if isinstance(texts, list) and len(texts) > max_texts:
        raise too_many_texts(shape.texts, len(texts), max_texts)


def _problems(errors: Iterable[ErrorDetails]) -> list[str]:
    """One line a place. Of a key that may have several shapes, the shape that fits furthest."""
    wanted: dict[str, list[str]] = {}
    given: dict[str, object] = {}
    said: dict[str, str] = {}
    depths: dict[object, int] = {}
    ordered = sorted(errors, key=lambda error: -_depth(error["loc"]))
    for error in ordered:
        key = error["loc"][0] if error["loc"] else ""
        if _depth(error["loc"]) < depths.setdefault(key, _depth(error["loc"])):
            continue
        path = _path(error["loc"])
        if expected := _EXPECTED.get(error["type"]):
            wanted.setdefault(path, []).append(expected)
            given[path] = error["input"]
        else:
            said[path] = _PLAIN.get(error["type"], error["msg"])
    for path, kinds in wanted.items():
        found = _KINDS.get(type(given[path]), "this")
        said.setdefault(path, f"{' or '.join(dict.fromkeys(kinds))} was expected, not {found}")
    return sorted(f"{path}: {words}" for path, words in said.items())


def _depth(location: tuple[int | str, ...]) -> int:
    return sum(isinstance(step, int) for step in location)


def _path(location: tuple[int | str, ...]) -> str:
    """`inputs[3]` from pydantic's location, without the names of a union's members."""
    path = "body"
    for place, step in enumerate(location):
        if isinstance(step, int):
            path += f"[{step}]"
        elif not place:
            path = step[:80]
    return path


_EXPECTED = {
    "string_type": "a string",
    "list_type": "a list",
    "bool_type": "true or false",
    "model_type": "an object",
}
_PLAIN = {
    "missing": "is required",
    "extra_forbidden": "is not a key of this request",
    "too_short": "is empty",
    "too_long": "has more items than are allowed",
}
_KINDS: dict[type, str] = {
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
    list: "a list",
    dict: "an object",
}
