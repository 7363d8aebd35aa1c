"""Each rule of `turnout:foundation`: a valid baseline, and one mutation a case with its words."""

from typing import Any

import pytest

from turnout.config.errors import ConfigError
from turnout.config.foundation import parse_foundation

BASELINE: dict[str, Any] = {
    "name": "hate-speech",
    "services": ["hate-speech-api"],
    "github": {"repository": "example/hate-speech-api", "environments": ["production"]},
}


def github(**more: Any) -> dict[str, Any]:
    return {"github": {**BASELINE["github"], **more}}


CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"services": []}, "services", "give 1 or more"),
    ({"services": ["hate-speech"]}, "services", "rename the foundation"),
    ({"services": ["hate"]}, "services", "rename the foundation"),
    ({"services": ["Hate_Speech"]}, "services[0]", "lower-case letters"),
    ({"github": {}}, "github.repository", "is missing"),
    (github(repository="hate-speech-api"), "github.repository", "<owner>/<name>"),
    (github(repository="*/*"), "github.repository", "<owner>/<name>"),
    (github(branches=["release/*"]), "github.branches[0]", "one branch"),
    (github(branches=["main:environment:production"]), "github.branches[0]", "one branch"),
    (github(environments=["*"]), "github.environments[0]", "one GitHub environment"),
    (github(environments=["a", "a"]), "", "lists a twice"),
    (github(provider="arn:aws:iam::123456789012:role/x"), "github.provider", "oidc-provider"),
    ({"state": {"url": "file://state"}}, "state.url", "s3://<bucket>"),
    ({"zones": ["example.com"]}, "zones[0]", "a Route 53 hosted zone's id"),
    ({"models": {"noncurrent_days": 0}}, "models.noncurrent_days", "use 1 or more"),
    ({"branches": ["main"]}, "branches", "is not known"),
]


@pytest.mark.parametrize(("change", "place", "words"), CASES)
def test_what_is_wrong_is_named_with_its_fix(
    change: dict[str, Any], place: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_foundation({**BASELINE, **change})
    (problem,) = caught.value.problems
    assert problem.path == f"turnout:foundation.{place}".rstrip(".")
    assert words in problem.message


def test_the_baseline_is_accepted_and_asks_for_little() -> None:
    config = parse_foundation(BASELINE)
    assert config.github.branches == ("main",)
    assert config.keep is True
    assert config.state is None


@pytest.mark.parametrize("data", [None, [], "x"])
def test_anything_but_a_mapping_is_refused(data: object) -> None:
    with pytest.raises(ConfigError, match="must be a mapping"):
        parse_foundation(data)
