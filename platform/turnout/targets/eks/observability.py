"""Container Insights and the metrics server: what the autoscaler and the alarms look at."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_aws import eks, iam

from turnout.config.surroundings import Alarms, Logs
from turnout.contract import Metric, Signal
from turnout.parts.account import Account
from turnout.parts.identity import Role, RoleArgs
from turnout.parts.logs import LogGroup, LogGroupArgs
from turnout.parts.statements import trust

_KINDS: Final = ("application", "dataplane", "host", "performance")
# The service account of the add-on's agent: AWS, "Quick start with the Amazon CloudWatch
# Observability EKS add-on".
_AGENT: Final = "cloudwatch-agent"
_AGENT_NAMESPACE: Final = "amazon-cloudwatch"
# Container Insights alone; the add-on would otherwise instrument every pod of the cluster.
_CONFIGURATION: Final = {
    "agent": {
        "config": {
            "logs": {"metrics_collected": {"kubernetes": {"enhanced_container_insights": True}}}
        }
    },
    "containerLogs": {"enabled": True},
}


def pod_log_group(cluster_name: str) -> str:
    """The log group that Container Insights writes the pods' output to."""
    return _log_group(cluster_name, "application")


def _log_group(cluster_name: str, kind: str) -> str:
    return f"/aws/containerinsights/{cluster_name}/{kind}"


@dataclass(frozen=True, kw_only=True)
class ObservabilityArgs:
    """The cluster to be watched; `cluster_name` is its physical name."""

    cluster_name: str
    cluster: pulumi.Resource
    logs: Logs
    account: Account
    tags: Mapping[str, str]


class Observability(pulumi.ComponentResource):
    """Two add-ons: the metrics server, which Auto Mode does not bring, and CloudWatch's agent."""

    add_ons: Sequence[pulumi.Resource]

    def __init__(
        self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:targets:Observability", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # The agent would make the groups itself, and keep them for ever.
        groups = [
            LogGroup(
                f"{name}-{kind}",
                LogGroupArgs(
                    log_group_name=_log_group(args.cluster_name, kind),
                    logs=args.logs,
                    tags=args.tags,
                ),
                child,
            )
            for kind in _KINDS
        ]
        role = Role(
            f"{name}-agent",
            RoleArgs(
                description="CloudWatch agent: pod metrics and logs",
                trust=trust("pods.eks.amazonaws.com", tag_session=True),
                statements=[],
                tags=args.tags,
            ),
            child,
        )
        # AWS's own list of what the agent needs; it changes with the add-on's versions.
        allowed = iam.RolePolicyAttachment(
            f"{name}-agent",
            role=role.name,
            policy_arn=pulumi.Output.concat(
                "arn:", args.account.partition, ":iam::aws:policy/CloudWatchAgentServerPolicy"
            ),
            opts=child,
        )
        # Before the add-on: a pod learns what it may do when it starts.
        identity = eks.PodIdentityAssociation(
            f"{name}-agent",
            cluster_name=args.cluster_name,
            namespace=_AGENT_NAMESPACE,
            service_account=_AGENT,
            role_arn=role.arn,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.cluster, allowed]),
        )
        self.add_ons = [
            eks.Addon(
                f"{name}-metrics-server",
                cluster_name=args.cluster_name,
                addon_name="metrics-server",
                resolve_conflicts_on_create="OVERWRITE",
                resolve_conflicts_on_update="OVERWRITE",
                tags=args.tags,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[args.cluster]),
            ),
            eks.Addon(
                f"{name}-cloudwatch",
                cluster_name=args.cluster_name,
                addon_name="amazon-cloudwatch-observability",
                configuration_values=json.dumps(_CONFIGURATION, sort_keys=True),
                resolve_conflicts_on_create="OVERWRITE",
                resolve_conflicts_on_update="OVERWRITE",
                tags=args.tags,
                opts=pulumi.ResourceOptions(
                    parent=self, depends_on=[args.cluster, identity, *groups]
                ),
            ),
        ]
        self.register_outputs({})


def pod_signal(
    name: str, cluster: pulumi.Input[str], namespace: str, workload: str, threshold: int
) -> Signal:
    """One of Container Insights' pod metrics, over a Deployment's pods, in percent of the limit."""
    return Signal(
        metric=Metric(
            namespace="ContainerInsights",
            name=name,
            dimensions={"ClusterName": cluster, "Namespace": namespace, "PodName": workload},
            statistic="Average",
        ),
        unit="percent",
        bad_when="above",
        threshold=threshold,
        # The agent runs on every machine: silence means that it, or every pod, is gone.
        missing="breaching",
    )


def pod_signals(
    cluster: pulumi.Input[str], namespace: str, workload: str, alarms: Alarms
) -> tuple[Signal, Signal]:
    """CPU and memory of the pods, against their limits."""
    return (
        pod_signal("pod_cpu_utilization_over_pod_limit", cluster, namespace, workload, alarms.cpu),
        pod_signal(
            "pod_memory_utilization_over_pod_limit", cluster, namespace, workload, alarms.memory
        ),
    )
