"""What the stand-in for Kubernetes refuses."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engine.account import altered
from tests.engine.standin.cloud import Cloud, RefusedError
from tests.engine.standin.kubernetes import (
    DEPLOYMENT,
    NAMESPACE,
    PACKAGE,
    SERVICE,
    configuration_problems,
)
from tests.engine.standin.resources import Resources

BINDING = "kubernetes:eks.amazonaws.com/v1:TargetGroupBinding"
SCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
ABOUT = {"name": "api", "namespace": "api"}
LABELS = {"app": "api"}
GOOD: dict[str, dict[str, Any]] = {
    NAMESPACE: {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "api"}},
    SERVICE: {
        "apiVersion": "v1", "kind": "Service", "metadata": ABOUT,
        "spec": {"selector": LABELS, "ports": [{"port": 8000}]},
    },
    DEPLOYMENT: {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ABOUT,
        "spec": {
            "selector": {"matchLabels": LABELS},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": {"containers": [{"name": "api", "image": "api"}]},
            },
        },
    },
    SCALER: {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": ABOUT,
        "spec": {
            "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
        },
    },
    BINDING: {
        "apiVersion": "eks.amazonaws.com/v1", "kind": "TargetGroupBinding", "metadata": ABOUT,
        "spec": {"serviceRef": {"name": "api", "port": 8000}, "targetGroupARN": "gone"},
    },
}  # fmt: skip


class Cluster:
    """A cluster, one call at a time and without an engine."""

    def __init__(self) -> None:
        self.resources = Resources(PACKAGE, Cloud(), "https://cluster")

    def create(self, token: str, inputs: dict[str, Any]) -> None:
        _, found = self.resources.check(token, "api", {}, inputs, b"")
        if found:
            raise RefusedError("; ".join(f"{p.path}: {p.reason}" for p in found))
        self.resources.create(token, inputs, preview=False)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_good_objects_are_accepted_in_their_order(cluster: Cluster) -> None:
    for token in (NAMESPACE, SERVICE, DEPLOYMENT, SCALER):
        cluster.create(token, GOOD[token])


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a property that is none": (DEPLOYMENT, {"spec.colour": "red"}, "no property 'colour'"),
    "text for a number": (DEPLOYMENT, {"spec.replicas": "two"}, "expected integer"),
    "no name": (NAMESPACE, {"metadata": {}}, "no automatic names"),
    "a container without name": (
        DEPLOYMENT, {"spec.template.spec.containers": [{"image": "api"}]}, "'name'"),
    "a selector that selects other pods": (
        DEPLOYMENT, {"spec.selector.matchLabels": {"app": "other"}}, "does not match"),
    "a namespace that is not there": (DEPLOYMENT, {"metadata.namespace": "gone"}, "not found"),
    "a service account that is not there": (
        DEPLOYMENT, {"spec.template.spec.serviceAccountName": "gone"}, "not found"),
    "a scaler of nothing": (SCALER, {}, "Deployment 'api/api' not found"),
    "a binding of nothing": (BINDING, {}, "Service 'api/api' not found"),
    "a binding without target group": (BINDING, {"spec.targetGroupARN": None}, "is required"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, cluster: Cluster) -> None:
    token, changes, reason = REFUSED[case]
    if token != NAMESPACE:
        cluster.create(NAMESPACE, GOOD[NAMESPACE])
    with pytest.raises(RefusedError, match=reason):
        cluster.create(token, altered(GOOD[token], changes))


def test_a_namespace_with_objects_is_not_deleted(cluster: Cluster) -> None:
    cluster.create(NAMESPACE, GOOD[NAMESPACE])
    cluster.create(SERVICE, GOOD[SERVICE])
    with pytest.raises(RefusedError, match="still holds"):
        cluster.resources.delete(NAMESPACE, "api")


@pytest.mark.parametrize(
    ("path", "replaces"),
    [("metadata.name", True), ("spec.selector.matchLabels", True), ("spec.replicas", False)],
)
def test_some_changes_replace_a_deployment(path: str, replaces: bool, cluster: Cluster) -> None:
    value: Any = {"app": "other"} if path.endswith("Labels") else 3
    new = altered(GOOD[DEPLOYMENT], {path: value})
    found = cluster.resources.diff(DEPLOYMENT, GOOD[DEPLOYMENT], new)
    assert {change.replaces for change in found} == {replaces}


@pytest.mark.parametrize("document", [None, "{", "{}"])
def test_a_kubeconfig_that_is_none_is_refused(document: str | None) -> None:
    given = {} if document is None else {"kubeconfig": document}
    assert configuration_problems(given)
