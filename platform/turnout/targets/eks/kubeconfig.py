"""The kubeconfig that Pulumi's Kubernetes provider reaches an EKS cluster with."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def role_to_assume(said: Sequence[Mapping[str, Any]]) -> str | None:
    """The role of the provider's `aws:assumeRoles`, for the token too; None where it has none.

    Raises ValueError for what `aws eks get-token` cannot do: a chain of roles, an external id.
    """
    if not said:
        return None
    if len(said) > 1 or said[0].get("externalId"):
        what = "an external id" if len(said) == 1 else f"a chain of {len(said)} roles"
        raise ValueError(
            f"aws:assumeRoles: `aws eks get-token` cannot take {what}; set aws:profile to a "
            "profile of the AWS CLI that does"
        )
    role = said[0].get("roleArn")
    return None if role is None else str(role)


def kubeconfig(
    *,
    name: str,
    endpoint: str,
    certificate_authority: str,
    region: str,
    profile: str | None,
    role: str | None,
) -> str:
    """A kubeconfig in JSON whose token the AWS CLI makes anew each time: none is ever stored.

    `certificate_authority` is in base64, as EKS gives it; `profile` is one of the AWS CLI's, `role`
    the ARN of a role to assume first.
    """
    arguments = ["--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"]
    if role is not None:
        arguments += ["--role-arn", role]
    if profile is not None:
        arguments = ["--profile", profile, *arguments]
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": endpoint,
                    "certificate-authority-data": certificate_authority,
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [
            {
                "name": name,
                "user": {
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1beta1",
                        "command": "aws",
                        "args": arguments,
                        "interactiveMode": "Never",
                    }
                },
            }
        ],
    }
    return json.dumps(document)
