"""The Kubernetes objects of one service, as plain data: what `kubectl apply` would take.

Values may be Pulumi outputs; nothing here makes a resource.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pulumi import Input

from turnout.config.surroundings import Scaling
from turnout.targets.eks.lifecycle import Leaving

Manifest = dict[str, Any]
LoadBalancing = Literal["auto_mode", "controller"]

# docs/container.md
_UID: Final = 10001
# A model in int8 and its copy while it is fetched; the largest in use are under 1 GiB.
SCRATCH: Final = "4Gi"
# AWS, "Learn how EKS Pod Identity grants pods access": the agent's address on every node.
_POD_IDENTITY_AGENT: Final = "169.254.170.23/32"
# EKS Auto Mode's group, and that of the AWS Load Balancer Controller.
_BINDING_API: Final[Mapping[LoadBalancing, str]] = {
    "auto_mode": "eks.amazonaws.com/v1",
    "controller": "elbv2.k8s.aws/v1beta1",
}
# Kubernetes: an HPA policy looks back over 1 to 1800 seconds.
_LONGEST_HPA_PERIOD: Final = 1800


@dataclass(frozen=True, kw_only=True)
class Objects:
    """What the service's objects are made from. Times in seconds."""

    name: str
    namespace: str
    image: Input[str]
    port: int
    environment: Mapping[str, Input[str]]
    cpu: str
    memory: str
    node_selector: Mapping[str, str]
    spread: list[dict[str, Any]]
    leaving: Leaving
    settling: int
    scaling: Scaling
    load_balancing: LoadBalancing
    target_group_arn: Input[str]
    client_cidrs: Sequence[Input[str]]
    """Where the load balancer's addresses lie."""

    @property
    def selector(self) -> dict[str, str]:
        """The labels that find the pods; a Deployment's can never change."""
        return {"app.kubernetes.io/name": self.name}

    @property
    def labels(self) -> dict[str, str]:
        """Kubernetes' recommended labels."""
        return self.selector | {
            "app.kubernetes.io/instance": self.name,
            "app.kubernetes.io/component": "inference",
            "app.kubernetes.io/part-of": "turnout",
            "app.kubernetes.io/managed-by": "pulumi",
        }


def namespace(objects: Objects) -> Manifest:
    """A namespace that admits only pods of the `restricted` Pod Security Standard."""
    security = {
        f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
    }
    # The controller holds a new pod back until the load balancer finds it healthy.
    gate = (
        {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}
        if objects.load_balancing == "controller"
        else {}
    )
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": objects.namespace, "labels": objects.labels | security | gate},
    }


def service_account(objects: Objects) -> Manifest:
    """The account that Pod Identity gives a role to. No token for the Kubernetes API."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _metadata(objects),
        "automountServiceAccountToken": False,
    }


def service(objects: Objects) -> Manifest:
    """What the TargetGroupBinding reads the pods' addresses from; nobody calls it by name."""
    metadata = _metadata(objects)
    # Pulumi would wait for pods, and the pods wait for the binding, which needs the Service.
    metadata["annotations"] = {"pulumi.com/skipAwait": "true"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {
            "type": "ClusterIP",
            "selector": objects.selector,
            "ports": [{"name": "http", "port": objects.port, "targetPort": "http"}],
        },
    }


def target_group_binding(objects: Objects) -> Manifest:
    """Pods' addresses into the load balancer's target group.

    Without `networking`: the security groups are the stack's own, and the controller changes
    none of them.
    """
    return {
        "apiVersion": _BINDING_API[objects.load_balancing],
        "kind": "TargetGroupBinding",
        "metadata": _metadata(objects),
        "spec": {
            "serviceRef": {"name": objects.name, "port": objects.port},
            "targetGroupARN": objects.target_group_arn,
            "targetType": "ip",
        },
    }


def deployment(objects: Objects) -> Manifest:
    """The pods. `replicas` is not said: it is the autoscaler's alone."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(objects),
        "spec": {
            "selector": {"matchLabels": objects.selector},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0},
            },
            "minReadySeconds": objects.settling,
            "progressDeadlineSeconds": 600 + objects.settling,
            "revisionHistoryLimit": 3,
            "template": {"metadata": {"labels": objects.labels}, "spec": _pod(objects)},
        },
    }


def _pod(objects: Objects) -> dict[str, Any]:
    return {
        "serviceAccountName": objects.name,
        "automountServiceAccountToken": False,
        # A Service called turnout would otherwise be taken for settings of the server.
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": objects.leaving.grace,
        "nodeSelector": dict(objects.node_selector),
        "topologySpreadConstraints": objects.spread,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _UID,
            "runAsGroup": _UID,
            "fsGroup": _UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(objects)],
        "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": SCRATCH}}],
    }


def _container(objects: Objects) -> dict[str, Any]:
    # Limits equal to requests: the server takes as many threads as its quota, not as the
    # machine has, and Container Insights measures use against the limit.
    resources = {"cpu": objects.cpu, "memory": objects.memory, "ephemeral-storage": SCRATCH}
    environment = dict(objects.environment) | {
        "TURNOUT_CACHE_DIR": "/tmp/turnout",  # noqa: S108 - the mount below
        **objects.leaving.drain.environment(),
    }
    return {
        "name": "server",
        "image": objects.image,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": objects.port, "protocol": "TCP"}],
        "env": [{"name": name, "value": environment[name]} for name in sorted(environment)],
        "resources": {"requests": resources, "limits": resources},
        # Five minutes for a model to be fetched; from then on the other two decide.
        "startupProbe": _probe("/readyz", period=2, failures=150),
        "readinessProbe": _probe("/readyz", period=5, failures=2),
        "livenessProbe": _probe("/livez", period=10, failures=3),
        "lifecycle": {"preStop": {"sleep": {"seconds": objects.leaving.pre_stop}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [{"name": "scratch", "mountPath": "/tmp"}],  # noqa: S108
    }


def _probe(path: str, *, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def autoscaler(objects: Objects) -> Manifest:
    """Pods by CPU, between the stack file's bounds."""
    scaling = objects.scaling
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": _metadata(objects),
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": objects.name,
            },
            "minReplicas": scaling.min,
            "maxReplicas": scaling.max,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": scaling.cpu},
                    },
                }
            ],
            "behavior": {
                "scaleUp": {
                    "stabilizationWindowSeconds": 0,
                    "selectPolicy": "Max",
                    "policies": [
                        _step("Percent", 100, scaling.scale_out_cooldown),
                        _step("Pods", 2, scaling.scale_out_cooldown),
                    ],
                },
                "scaleDown": {
                    "stabilizationWindowSeconds": scaling.scale_in_cooldown,
                    "selectPolicy": "Max",
                    "policies": [
                        _step("Percent", 25, scaling.scale_in_cooldown),
                        _step("Pods", 1, scaling.scale_in_cooldown),
                    ],
                },
            },
        },
    }


def _step(kind: str, value: int, seconds: int) -> dict[str, Any]:
    period = min(max(seconds, 1), _LONGEST_HPA_PERIOD)
    return {"type": kind, "value": value, "periodSeconds": period}


def disruption_budget(objects: Objects) -> Manifest:
    """One pod at a time may be moved: it always allows a disruption, and never two."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(objects),
        "spec": {
            "maxUnavailable": 1,
            # A pod that is not ready anyway must not hold a machine's update up.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": objects.selector},
        },
    }


def network_policy(objects: Objects) -> Manifest:
    """In: the load balancer, on the server's port. Out: names, HTTPS, Pod Identity.

    Names go to any address: in Auto Mode the resolver is a process of the machine, which no
    pod selector matches.
    """
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(objects),
        "spec": {
            "podSelector": {"matchLabels": objects.selector},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {
                    "from": [{"ipBlock": {"cidr": cidr}} for cidr in objects.client_cidrs],
                    "ports": [{"protocol": "TCP", "port": objects.port}],
                }
            ],
            "egress": [
                {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]},
                {"ports": [{"protocol": "TCP", "port": 443}]},
                {
                    "to": [{"ipBlock": {"cidr": _POD_IDENTITY_AGENT}}],
                    "ports": [{"protocol": "TCP", "port": 80}],
                },
            ],
        },
    }


def network_policy_switch() -> Manifest:
    """What makes Auto Mode hold network policies; without it they are accepted and ignored.

    AWS, "Use Network Policies with EKS Auto Mode".
    """
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "amazon-vpc-cni",
            "namespace": "kube-system",
            # The key is ours even where EKS has made the object itself.
            "annotations": {"pulumi.com/patchForce": "true"},
        },
        "data": {"enable-network-policy-controller": "true"},
    }


def _metadata(objects: Objects) -> dict[str, Any]:
    return {"name": objects.name, "namespace": objects.namespace, "labels": objects.labels}
