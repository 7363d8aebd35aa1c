"""The kubeconfig that Pulumi's Kubernetes provider reaches an EKS cluster with."""

import json
from typing import Any


def kubeconfig(
    *, name: str, endpoint: str, certificate_authority: str, region: str, profile: str | None
) -> str:
    """A kubeconfig in JSON whose token the AWS CLI makes anew each time: none is ever stored.

    `certificate_authority` is in base64, as EKS gives it; `profile` is one of the AWS CLI's.
    """
    arguments = ["--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"]
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
