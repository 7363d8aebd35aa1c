"""Kubernetes objects: pods wherever they are templated, and what selects them."""

from __future__ import annotations

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
# KEDA's, which makes a horizontal autoscaler of its own.
SCALED_OBJECT = "kubernetes:keda.sh/v1alpha1:ScaledObject"
AUTOSCALERS = (
    SCALED_OBJECT,
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
    selector = budget.at("spec", "selector")
    if selector.value is None or not _share_namespace(budget, workload):
        return False
    labels = pod_labels(workload)
    # A selector that asks for nothing selects every pod of its namespace.
    return all(
        _are_equal(labels.at(key), value) for key, value in selector.entries("matchLabels")
    ) and all(_holds(expression, labels) for expression in selector.each("matchExpressions"))


def _share_namespace(one: Properties, other: Properties) -> bool:
    places = [item.at("metadata", "namespace") for item in (one, other)]
    if any(not place.known and place.referred_urns() for place in places):
        return True  # outputs of one namespace, as a rule
    first, second = (place.text() or "default" for place in places)
    return first == second


def _are_equal(one: Properties, other: Properties) -> bool:
    """Whether two values are the same, be they known or outputs of the same resources."""
    same_output = not one.known and one.referred_urns() and one.raw == other.raw
    return bool(same_output) or (one.value is not None and one.text() == other.text())


def _holds(expression: Properties, labels: Properties) -> bool:
    """Whether an expression of a label selector holds for labels."""
    label = labels.at(expression.text("key"))
    among = any(_are_equal(label, value) for value in expression.each("values"))
    match expression.text("operator"):
        case "In":
            return among
        case "NotIn":
            return not among
        case "Exists":
            return label.value is not None
        case "DoesNotExist":
            return label.value is None
        case _:
            return False


def least_replicas(scaler: Properties) -> float:
    """How far an autoscaler goes down: its own setting or its kind's default."""
    if scaler.resource.type == SCALED_OBJECT:
        return scaler.number("spec", "minReplicaCount") or 0
    found = scaler.number("spec", "minReplicas")
    return 1 if found is None else found


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
