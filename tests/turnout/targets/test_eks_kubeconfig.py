"""The kubeconfig that the Kubernetes provider gets."""

import json

import pytest

from turnout.targets.eks.kubeconfig import kubeconfig, role_to_assume

ROLE = "arn:aws:iam::123456789012:role/deploy"


def parsed(profile: str | None = None, role: str | None = None) -> dict[str, object]:
    text = kubeconfig(
        name="api-prod",
        endpoint="https://0123.gr7.ap-northeast-2.eks.amazonaws.com",
        certificate_authority="LS0t",
        region="ap-northeast-2",
        profile=profile,
        role=role,
    )
    document: dict[str, object] = json.loads(text)
    return document


def test_it_holds_no_credential() -> None:
    assert "token" not in json.dumps(parsed()).replace("get-token", "")


def test_its_context_names_a_cluster_and_a_user_that_are_there() -> None:
    document = parsed()
    assert document["current-context"] == "api-prod"
    for part in ("clusters", "contexts", "users"):
        named = document[part]
        assert isinstance(named, list)
        assert [entry["name"] for entry in named] == ["api-prod"]


def test_the_token_is_asked_for_with_the_providers_region_and_profile() -> None:
    users = parsed(profile="staging")["users"]
    assert isinstance(users, list)
    arguments = users[0]["user"]["exec"]["args"]
    assert arguments[:4] == ["--profile", "staging", "--region", "ap-northeast-2"]
    assert arguments[-4:] == ["--cluster-name", "api-prod", "--output", "json"]


def test_the_token_is_asked_for_as_the_role_that_the_provider_assumes() -> None:
    users = parsed(role=role_to_assume([{"roleArn": ROLE, "sessionName": "pulumi"}]))["users"]
    assert isinstance(users, list)
    arguments = users[0]["user"]["exec"]["args"]
    assert arguments[-2:] == ["--role-arn", ROLE]
    assert role_to_assume([]) is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([{"roleArn": ROLE}, {"roleArn": ROLE}], "a chain of 2 roles"),
        ([{"roleArn": ROLE, "externalId": "x"}], "an external id"),
    ],
)
def test_what_the_token_cannot_be_asked_with_is_refused(
    said: list[dict[str, str]], words: str
) -> None:
    with pytest.raises(ValueError, match=rf"aws:assumeRoles: .*{words}; set aws:profile"):
        role_to_assume(said)
