"""Three comments, sent to a server over HTTP, and a table of what it says."""

import http.client
import json
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

# Written for this place, with everyday prejudice: the harsher ones of the public data sets would
# meet everybody who types `make up`. In English: "the actors were great, I cried at the last
# scene", "old bores, I am really fed up with them", "women should keep from driving".
SAMPLES: Final = (
    "배우들 연기가 정말 좋았고 마지막 장면에서 울었어요",
    "꼰대들 진짜 지긋지긋하다",
    "여자들은 운전 좀 하지 마라",
)


class ClassifyError(Exception):
    """The server does not answer as the API says; the text holds its answer."""


@dataclass(frozen=True)
class Classified:
    """One text, its labels over the threshold, and the score of the best of all labels."""

    text: str
    labels: tuple[str, ...]
    best: str
    score: float


def classify_samples(url: str, texts: Sequence[str] = SAMPLES) -> tuple[Classified, ...]:
    """What the server at `url` says of `texts`. Raises ClassifyError."""
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
    body = json.dumps({"inputs": list(texts)})
    try:
        connection.request("POST", "/v1/classify", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise ClassifyError(f"{url}/v1/classify does not answer: {error}") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise ClassifyError(f"{url}/v1/classify answers {answer.status}: {text[:200]}")
    return tuple(
        _classified(sent, result)
        for sent, result in zip(texts, json.loads(text)["results"], strict=True)
    )


def print_results(results: Sequence[Classified]) -> None:
    """The table that ends `turnout up`."""
    table = Table("comment", "labels", "best score", title_justify="left")
    for result in results:
        labels = ", ".join(result.labels) or "none over the threshold"
        table.add_row(escape(result.text), escape(labels), f"{result.best} {result.score:.2f}")
    console = Console(highlight=False)
    console.print()
    console.print(table)


def _classified(text: str, result: dict[str, object]) -> Classified:
    scores = result["scores"]
    labels = result["labels"]
    assert isinstance(scores, dict)  # noqa: S101 - the API's schema
    assert isinstance(labels, list)  # noqa: S101 - the API's schema
    best = max(scores, key=lambda label: scores[label])
    return Classified(text, tuple(map(str, labels)), str(best), float(scores[best]))
