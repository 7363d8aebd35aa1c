"""Kubernetes services and deployments, with what scales and disrupts them."""

from __future__ import annotations

from turnout_policies.facts.workloads import (
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    K8S_SERVICE,
    SERVING,
    autoscalers_of,
    least_replicas,
    selects,
)
from turnout_policies.properties import Properties
from turnout_policies.rule import (
    Context,
    Finding,
    Level,
    Outcomes,
    Rule,
    Setting,
    Severity,
    any_holds,
)

_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance")


def _two_replicas(workload: Properties, context: Context) -> Outcomes:
    least = context.settings["min"]
    scalers = autoscalers_of(workload, context.stack)
    for scaler in scalers:
        lowest = least_replicas(scaler)
        if lowest < least:
            yield Finding(f"its autoscaler goes down to {lowest:g} replica")
    if scalers:
        return
    given = workload.number("spec", "replicas")
    replicas = 1.0 if given is None else given
    if replicas < least:
        yield Finding(f"{replicas:g} replica", "spec.replicas")


def _replicas_left_to_autoscaler(workload: Properties, context: Context) -> Outcomes:
    if workload.has("spec", "replicas") and autoscalers_of(workload, context.stack):
        yield Finding(
            "each update sets replicas back while an autoscaler moves it", "spec.replicas"
        )


def _labelled(workload: Properties, context: Context) -> Outcomes:
    labels = {key for key, _ in workload.at("metadata", "labels").entries()}
    absent = [name for name in context.settings["labels"] if name not in labels]
    if absent:
        yield Finding(f"no label {', '.join(absent)}", "metadata.labels")


def _no_load_balancer(service: Properties, _: Context) -> Outcomes:
    if service.text("spec", "type") == "LoadBalancer":
        yield Finding("it makes a load balancer that this stack does not know", "spec.type")


def _budget_allows_disruption(budget: Properties, context: Context) -> Outcomes:
    most = budget.text("spec", "maxUnavailable")
    if most in ("0", "0%"):
        yield Finding(f"maxUnavailable {most}: no node can be drained", "spec.maxUnavailable")
        return
    least = budget.text("spec", "minAvailable")
    if least == "100%":
        yield Finding("minAvailable 100%: no node can be drained", "spec.minAvailable")
    elif least.isdecimal():
        yield from _enough_replicas(budget, int(least), context)


def _enough_replicas(budget: Properties, least: int, context: Context) -> Outcomes:
    for workload in context.stack.of(*SERVING):
        if not selects(budget, workload):
            continue
        scalers = autoscalers_of(workload, context.stack)
        own = workload.number("spec", "replicas")
        replicas = min(map(least_replicas, scalers), default=1 if own is None else own)
        if replicas <= least:
            yield Finding(
                f"minAvailable {least} of {replicas:g} replicas: no node can be drained",
                "spec.minAvailable",
            )


def _has_budget(workload: Properties, context: Context) -> Outcomes:
    scalers = autoscalers_of(workload, context.stack)
    replicas = workload.number("spec", "replicas")
    if not scalers and (replicas is None or replicas < 2):
        return
    budgets = context.stack.of(DISRUPTION_BUDGET)
    if not any_holds(budgets, lambda budget: selects(budget, workload)):
        yield Finding("a node drain may take all its pods at once")


RULES = (
    Rule(
        id="kubernetes-service-not-load-balancer",
        title="No Kubernetes service makes a load balancer of its own",
        why="Such a balancer has no firewall, no logs and no certificate of this stack's.",
        concern="security",
        severity=Severity.MEDIUM,
        types=(K8S_SERVICE,),
        check=_no_load_balancer,
        elsewhere=("compliance-policies kubernetes-core-v1-service-disallow-load-balancer",),
        remediation='"type": "ClusterIP"  # and a TargetGroupBinding',
    ),
    Rule(
        id="deployment-two-replicas",
        title="Deployments run two replicas or more",
        why="With one, each release and each node drain is an outage.",
        concern="reliability",
        severity=Severity.MEDIUM,
        scope="stack",
        types=(DEPLOYMENT,),
        check=_two_replicas,
        elsewhere=("compliance-policies kubernetes-apps-v1-deployment-*",),
        settings={"min": Setting({"type": "integer", "minimum": 1}, 2)},
        remediation='"replicas": 2',
    ),
    Rule(
        id="deployment-replicas-left-to-autoscaler",
        title="A deployment that is autoscaled does not set its replicas",
        why="Each update would undo what the autoscaler has just done.",
        concern="reliability",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        scope="stack",
        types=(DEPLOYMENT,),
        check=_replicas_left_to_autoscaler,
        remediation="# leave replicas out of the spec",
    ),
    Rule(
        id="deployment-has-disruption-budget",
        title="Deployments with several replicas have a disruption budget",
        why="Without one a cluster upgrade may evict them all at once.",
        concern="reliability",
        severity=Severity.MEDIUM,
        level=Level.ADVISORY,
        scope="stack",
        types=(DEPLOYMENT,),
        check=_has_budget,
        elsewhere=("compliance-policies kubernetes-policy-v1-poddisruptionbudget-*",),
        remediation='kubernetes.policy.v1.PodDisruptionBudget("api", spec={"maxUnavailable": 1, '
        '"selector": {"matchLabels": labels}})',
    ),
    Rule(
        id="disruption-budget-allows-disruption",
        title="A disruption budget lets one pod go",
        why="A budget that allows nothing blocks every node upgrade.",
        concern="reliability",
        severity=Severity.MEDIUM,
        scope="stack",
        types=(DISRUPTION_BUDGET,),
        check=_budget_allows_disruption,
        elsewhere=("compliance-policies kubernetes-policy-v1-poddisruptionbudget-*",),
        remediation='"maxUnavailable": 1',
    ),
    Rule(
        id="deployment-labelled",
        title="Deployments have the recommended labels",
        why="Tools, alarms and people find what belongs together by them.",
        concern="reliability",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        types=(DEPLOYMENT,),
        check=_labelled,
        elsewhere=("compliance-policies kubernetes-apps-v1-deployment-*",),
        settings={"labels": Setting({"type": "array", "items": {"type": "string"}}, list(_LABELS))},
        remediation='"labels": {"app.kubernetes.io/name": "api", "app.kubernetes.io/instance": '
        '"api-prod"}',
    ),
)
