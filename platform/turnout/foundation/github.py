"""Who in GitHub Actions may take on a role: trust policies, with no key that could leak."""

from collections.abc import Sequence
from typing import Final

import pulumi

# GitHub, "Configuring OpenID Connect in Amazon Web Services".
ISSUER: Final = "https://token.actions.githubusercontent.com"
AUDIENCE: Final = "sts.amazonaws.com"
_CLAIMS: Final = ISSUER.removeprefix("https://")


def branch_subject(repository: str, branch: str) -> str:
    """The subject of a workflow that runs on a push to `branch`."""
    return f"repo:{repository}:ref:refs/heads/{branch}"


def environment_subject(repository: str, environment: str) -> str:
    """The subject of a job that names the GitHub environment `environment`."""
    return f"repo:{repository}:environment:{environment}"


def pull_request_subject(repository: str) -> str:
    """The subject of a workflow that runs on a pull request from within the repository."""
    return f"repo:{repository}:pull_request"


def trust_github(provider_arn: pulumi.Input[str], subjects: Sequence[str]) -> pulumi.Output[str]:
    """The trust policy for exactly these subjects: equal, no patterns."""
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": provider_arn},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": {
                        "StringEquals": {
                            f"{_CLAIMS}:aud": AUDIENCE,
                            f"{_CLAIMS}:sub": sorted(subjects),
                        }
                    },
                }
            ],
        },
        sort_keys=True,
    )
