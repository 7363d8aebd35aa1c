"""Kubernetes objects: pods wherever they are templated, and what selects them."""

from __future__ import annotations

from collections.abc import Mapping

from turnout_policies.properties import Properties
from turnout_policies.stack import Stack

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
DAEMON_SET = "kubernetes:apps/v1:DaemonSet"
JOB = "kubernetes:batch/v1:Job"
CRON_JOB = "kubernetes:batch/v1:CronJob"
REPLICA_SET = "kubernetes:apps/v1:ReplicaSet"
REPLICATION_CONTROLLER = "kubernetes:core/v1:ReplicationController"
POD = "kubernetes:core/v1:Pod"
K8S_SERVICE = "kubernetes:core/v1:Service"
DISRUPTION_BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
AUTOSCALERS = (
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    "kubernetes:autoscaling/v2beta2:HorizontalPodAutoscaler",
    "kubernetes:autoscaling/v1:HorizontalPodAutoscaler",
)
SERVING = (DEPLOYMENT, STATEFUL_SET)
WITH_PODS = (
    DEPLOYMENT,
    STATEFUL_SET,
    DAEMON_SET,
    JOB,
    CRON_JOB,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    POD,
)


def pod_of(workload: Properties) -> Properties:
    """The pod's spec inside a workload."""
    match workload.resource.type:
        case t if t == POD:
            return workload.at("spec")
        case t if t == CRON_JOB:
            return workload.at("spec", "jobTemplate", "spec", "template", "spec")
        case _:
            return workload.at("spec", "template", "spec")


def containers_of(workload: Properties, *, init: bool = True) -> list[Properties]:
    pod = pod_of(workload)
    return [*pod.each("containers"), *(pod.each("initContainers") if init else ())]


def name_of(item: Properties) -> str:
    """An object's name in the cluster; empty where Pulumi chooses it."""
    return item.text("metadata", "name")


def pod_labels(workload: Properties) -> Properties:
    return workload.at("spec", "template", "metadata", "labels")


def selects(budget: Properties, workload: Properties) -> bool:
    """Whether a disruption budget's selector matches a workload's pods."""
    labels = pod_labels(workload).value
    wanted = budget.at("spec", "selector", "matchLabels").value
    if not isinstance(labels, Mapping) or not isinstance(wanted, Mapping) or not wanted:
        return False
    return all(labels.get(key) == value for key, value in wanted.items())


def autoscalers_of(workload: Properties, stack: Stack) -> list[Properties]:
    """The horizontal autoscalers that scale a workload."""
    found = []
    for scaler in stack.of(*AUTOSCALERS):
        place = scaler.at("spec", "scaleTargetRef", "name")
        named = place.known and place.text() != "" and place.text() == name_of(workload)
        if named or any(
            item.resource.urn == workload.resource.urn for item in stack.targets(place)
        ):
            found.append(scaler)
    return found
