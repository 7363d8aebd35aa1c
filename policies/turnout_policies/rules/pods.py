"""Kubernetes pods, wherever they are templated."""

from __future__ import annotations

import re
from collections.abc import Callable

from turnout_policies.facts import containers
from turnout_policies.facts.containers import Variable
from turnout_policies.facts.workloads import SERVING, WITH_PODS, containers_of, pod_of
from turnout_policies.properties import Properties
from turnout_policies.rule import (
    Check,
    Context,
    Finding,
    Outcomes,
    Rule,
    Severity,
    each,
)

# Kubernetes' own default, in seconds.
_GRACE_PERIOD = 30
# Of `sleep 30` or `sh -c "sleep 30; nginx -s quit"`.
_SLEEP = re.compile(r"(?:^|[\s;&])sleep (\d+)")


def _per_container(
    check: Callable[[Properties, Properties], Outcomes], *, init: bool = True
) -> Check:
    """A check of a workload that looks at its containers apart from each other."""

    def check_workload(workload: Properties, _: Context) -> Outcomes:
        pod = pod_of(workload)
        yield from each(containers_of(workload, init=init), lambda item: check(item, pod))

    return check_workload


def _read_only_root(container: Properties, _: Properties) -> Outcomes:
    if not container.flag("securityContext", "readOnlyRootFilesystem"):
        yield Finding(f"{container.text('name')} may write to its root file system")


def _not_root(container: Properties, pod: Properties) -> Outcomes:
    for key, is_safe in (("runAsNonRoot", _is_true), ("runAsUser", _is_not_zero)):
        own = container.at("securityContext", key)
        value = own if own.has() else pod.at("securityContext", key)
        if is_safe(value):
            return
    yield Finding(f"{container.text('name')} may run as root")


def _is_true(value: Properties) -> bool:
    return value.flag()


def _is_not_zero(value: Properties) -> bool:
    return (value.number() or 0) > 0


def _no_escalation(container: Properties, _: Properties) -> Outcomes:
    context = container.at("securityContext")
    if context.flag("privileged"):
        yield Finding(f"{container.text('name')} is privileged")
        return
    if context.flag("allowPrivilegeEscalation", default=True):
        yield Finding(f"{container.text('name')} may gain rights (allowPrivilegeEscalation)")
    added = containers.added_capabilities(context)
    if added:
        yield Finding(f"{container.text('name')} has the rights of {', '.join(added)}")


def _no_secret_variables(container: Properties, _: Properties) -> Outcomes:
    for item in container.each("env"):
        if item.has("valueFrom"):
            continue
        if containers.holds_secret(Variable(item.text("name"), item.at("value"))):
            yield Finding(f"{container.text('name')} gets {item.text('name')} in plain text")


def _has_resources(container: Properties, _: Properties) -> Outcomes:
    for kind, names in (("requests", ("cpu", "memory")), ("limits", ("memory",))):
        absent = [name for name in names if not container.has("resources", kind, name)]
        if absent:
            yield Finding(f"{container.text('name')} has no {kind} of {' and '.join(absent)}")


def _has_probes(container: Properties, _: Properties) -> Outcomes:
    # Another container's probe cannot speak for this one, but a sidecar without a port serves
    # nobody.
    if not container.each("ports"):
        return
    absent = [name for name in ("readinessProbe", "livenessProbe") if not container.has(name)]
    if absent:
        yield Finding(f"{container.text('name')} has no {' and no '.join(absent)}")


def _image_pinned(container: Properties, _: Properties) -> Outcomes:
    image = container.text("image")
    if image and not containers.is_pinned(image):
        yield Finding(f"{container.text('name')} runs {image}")


def _no_host_namespaces(workload: Properties, _: Context) -> Outcomes:
    pod = pod_of(workload)
    shared = [key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.flag(key)]
    if shared:
        yield Finding(f"it shares the node's {', '.join(shared)}")


def _no_host_paths(workload: Properties, _: Context) -> Outcomes:
    def check(volume: Properties) -> Outcomes:
        if volume.has("hostPath"):
            path = volume.text("hostPath", "path") or "a path"
            yield Finding(f"volume {volume.text('name')} is {path} of the node")

    yield from each(pod_of(workload).each("volumes"), check)


def _grace_covers_pre_stop(workload: Properties, _: Context) -> Outcomes:
    pod = pod_of(workload)
    grace = pod.number("terminationGracePeriodSeconds")
    grace = _GRACE_PERIOD if grace is None else grace
    for container in containers_of(workload, init=False):
        hook = container.at("lifecycle", "preStop")
        seconds = hook.number("sleep", "seconds")
        command = " ".join(item.text() for item in hook.each("exec", "command"))
        slept = _SLEEP.findall(command)
        if seconds is None and slept:
            seconds = sum(float(item) for item in slept)
        if seconds is not None and seconds >= grace:
            yield Finding(
                f"{container.text('name')} waits {seconds:g} s before it stops, and is killed "
                f"after {grace:g} s"
            )


RULES = (
    Rule(
        id="pod-read-only-root",
        title="Pods have a read-only root file system",
        why="Who gets in cannot leave a tool behind where nothing can be written.",
        concern="security",
        severity=Severity.MEDIUM,
        types=WITH_PODS,
        check=_per_container(_read_only_root),
        elsewhere=("compliance-policies kubernetes-apps-v1-deployment-*",),
        remediation='"securityContext": {"readOnlyRootFilesystem": True}',
    ),
    Rule(
        id="pod-not-root",
        title="Pods do not run as root",
        why="Root inside is one kernel bug away from root outside.",
        concern="security",
        severity=Severity.HIGH,
        types=WITH_PODS,
        check=_per_container(_not_root),
        elsewhere=("Pod Security Standards: restricted",),
        remediation='"securityContext": {"runAsNonRoot": True, "runAsUser": 10001}',
    ),
    Rule(
        id="pod-no-privilege-escalation",
        title="Pods cannot gain rights",
        why="A set-uid program in the image is otherwise a way to root.",
        concern="security",
        severity=Severity.HIGH,
        types=WITH_PODS,
        check=_per_container(_no_escalation),
        elsewhere=("Pod Security Standards: restricted",),
        remediation='"securityContext": {"allowPrivilegeEscalation": False}',
    ),
    Rule(
        id="pod-no-host-namespaces",
        title="Pods do not share the node's namespaces",
        why="On the node's network a pod can ask for the node's role.",
        concern="security",
        severity=Severity.HIGH,
        types=WITH_PODS,
        check=_no_host_namespaces,
        elsewhere=("Pod Security Standards: baseline",),
        remediation='"hostNetwork": False',
    ),
    Rule(
        id="pod-no-host-paths",
        title="Pods mount no path of the node",
        why="Who can write to the node's disk, or to its container socket, owns the node.",
        concern="security",
        severity=Severity.HIGH,
        types=WITH_PODS,
        check=_no_host_paths,
        elsewhere=("Pod Security Standards: baseline",),
        remediation='"emptyDir": {}  # or a PersistentVolumeClaim',
    ),
    Rule(
        id="pod-no-secrets-in-environment",
        title="Secrets reach pods by reference, not in the environment's text",
        why="A pod's spec is readable to everybody who may list pods.",
        concern="security",
        severity=Severity.HIGH,
        types=WITH_PODS,
        check=_per_container(_no_secret_variables),
        remediation='{"name": "API_KEY", "valueFrom": {"secretKeyRef": {...}}}',
    ),
    Rule(
        id="pod-image-pinned",
        title="Pods run a named version of their image",
        why="`latest` is another program on every node that pulls it.",
        concern="reliability",
        severity=Severity.MEDIUM,
        types=WITH_PODS,
        check=_per_container(_image_pinned),
        remediation='"image": f"{repository}@sha256:..."',
    ),
    Rule(
        id="pod-has-resources",
        title="Pods say what they need and what they may use",
        why="Without requests the scheduler packs blindly; without a memory limit one pod takes "
        "the node down.",
        concern="reliability",
        severity=Severity.MEDIUM,
        types=SERVING,
        check=_per_container(_has_resources, init=False),
        remediation='"resources": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": '
        '{"memory": "2Gi"}}',
    ),
    Rule(
        id="pod-has-probes",
        title="Pods that serve say when they are ready and when they are dead",
        why="Without a readiness probe every release sends requests to a server that is loading.",
        concern="reliability",
        severity=Severity.HIGH,
        types=SERVING,
        check=_per_container(_has_probes, init=False),
        remediation='"readinessProbe": {"httpGet": {"path": "/readyz", "port": 8000}}',
    ),
    Rule(
        id="pod-grace-covers-pre-stop",
        title="A pod's grace period is longer than its preStop wait",
        why="The grace period runs during the wait: too short, and the drain never begins.",
        concern="reliability",
        severity=Severity.MEDIUM,
        types=SERVING,
        check=_grace_covers_pre_stop,
        remediation='"terminationGracePeriodSeconds": 60',
    ),
)
