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
    (github(environments=["*"]), "github.environments.*", "one GitHub environment"),
    (github(environments=["a", "a"]), "github.environments", "lists a twice"),
    (github(environments={"a": ["pay"]}), "", "pay is none of services; use hate-speech-api"),
    (github(environments={"a": "pay"}), "github.environments.a", "is not a list"),
    (github(provider="arn:aws:iam::123456789012:role/x"), "github.provider", "oidc-provider"),
    ({"state": {"url": "file://state"}}, "state.url", "s3://<bucket>"),
    ({"state": {"url": "s3://hate-speech-api-state/x"}}, "", "state.url: the bucket hate-speech"),
    ({"models": {"buckets": ["hate-speech-api"]}}, "", "models.buckets[0]: the bucket hate-speech"),
    ({"models": {"buckets": ["Models"]}}, "models.buckets[0]", "the name of an S3 bucket"),
    ({"secrets": ["keys"]}, "secrets[0]", "ARN of a Secrets Manager secret"),
    ({"clusters": ["a cluster"]}, "clusters[0]", "the name of an EKS cluster"),
    ({"services": ["hate-speech-api"] * 2}, "services", "lists hate-speech-api twice"),
    ({"zones": ["Z0123456789ABCDEF"] * 2}, "zones", "lists Z0123456789ABCDEF twice"),
    (github(branches=["main", "main"]), "github.branches", "lists main twice; name each once"),
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


FIVE = ["alpha", "bravo", "charlie", "delta", "echo"]


def test_an_environment_that_deploys_more_than_a_role_can_change_is_told_to_share_it() -> None:
    with pytest.raises(ConfigError, match="deploys 5 services, and AWS lets a role change 4"):
        parse_foundation({**BASELINE, "services": FIVE})
    apart = github(environments={"one": FIVE[:4], "two": FIVE[4:]})
    assert parse_foundation({**BASELINE, "services": FIVE, **apart}).deployed_by("two") == ("echo",)


def test_a_service_that_begins_like_another_environments_is_refused() -> None:
    services = ["speech", "speech-api"]
    apart = github(environments={"one": ["speech"], "two": ["speech-api"]})
    with pytest.raises(ConfigError, match="speech may change what begins with that name"):
        parse_foundation({**BASELINE, "services": services, **apart})
    # Where the same people deploy both there is nobody to be kept apart.
    parse_foundation({**BASELINE, "services": services, **github(environments=["both"])})


def test_the_baseline_is_accepted_and_asks_for_little() -> None:
    config = parse_foundation(BASELINE)
    assert config.github.branches == ("main",)
    assert config.keep is True
    assert config.state is None


@pytest.mark.parametrize("data", [None, [], "x"])
def test_anything_but_a_mapping_is_refused(data: object) -> None:
    with pytest.raises(ConfigError, match="must be a mapping"):
        parse_foundation(data)
