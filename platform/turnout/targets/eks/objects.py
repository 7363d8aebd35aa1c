"""The service's Kubernetes objects as resources, in the order that they need each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes import apiextensions, apps, autoscaling, core, networking, policy
from pulumi_kubernetes.provider import Provider

from turnout.targets.eks import manifests
from turnout.targets.eks.manifests import Manifest, Objects


@dataclass(frozen=True, kw_only=True)
class KubernetesServiceArgs:
    """`ready` must stand before a pod starts: its identity, its way in, the add-ons."""

    objects: Objects
    creates_namespace: bool
    """Otherwise the namespace is there, and others' labels are on it."""
    node_pools: Sequence[Manifest]
    """Empty in a cluster that has its own."""
    owns_cluster: bool
    provider: Provider
    ready: Sequence[pulumi.Resource]


class KubernetesService(pulumi.ComponentResource):
    """Namespace, pods, and everything around them."""

    pods: pulumi.Resource
    """The Deployment: made once its first pods are ready."""

    def __init__(
        self,
        name: str,
        args: KubernetesServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("turnout:targets:KubernetesService", name, None, opts)
        objects = args.objects

        def child(*after: pulumi.Resource, **more: Any) -> pulumi.ResourceOptions:
            return pulumi.ResourceOptions(
                parent=self, provider=args.provider, depends_on=list(after), **more
            )

        pools = [
            _custom(pool["metadata"]["name"], pool, child(*args.ready)) for pool in args.node_pools
        ]
        if args.owns_cluster:
            switch = manifests.network_policy_switch()
            core.v1.ConfigMap(
                f"{name}-network-policy",
                metadata=switch["metadata"],
                data=switch["data"],
                opts=child(*args.ready),
            )
        before: Sequence[pulumi.Resource] = args.ready
        if args.creates_namespace:
            before = [
                core.v1.Namespace(
                    name, metadata=manifests.namespace(objects)["metadata"], opts=child(*args.ready)
                )
            ]
        account = manifests.service_account(objects)
        service_account = core.v1.ServiceAccount(
            name,
            metadata=account["metadata"],
            automount_service_account_token=account["automountServiceAccountToken"],
            opts=child(*before),
        )
        fence = networking.v1.NetworkPolicy(
            name, **_said(manifests.network_policy(objects)), opts=child(*before)
        )
        policy.v1.PodDisruptionBudget(
            name, **_said(manifests.disruption_budget(objects)), opts=child(*before)
        )
        service = core.v1.Service(name, **_said(manifests.service(objects)), opts=child(*before))
        # Before the pods: a controller with a readiness gate gives it to new pods only, and on the
        # way down the binding must still be there while pods leave.
        binding = _custom(
            name,
            manifests.target_group_binding(objects),
            child(
                service,
                # The controllers refuse another target group for a binding that exists.
                replace_on_changes=["spec.targetGroupARN"],
                delete_before_replace=True,
            ),
        )
        self.pods = apps.v1.Deployment(
            name,
            **_said(manifests.deployment(objects)),
            opts=child(
                service_account,
                fence,
                binding,
                *pools,
                # A machine must start, a model be fetched, and the load balancer be convinced.
                custom_timeouts=pulumi.CustomTimeouts(create="20m", update="30m"),
            ),
        )
        autoscaling.v2.HorizontalPodAutoscaler(
            name, **_said(manifests.autoscaler(objects)), opts=child(self.pods)
        )
        self.register_outputs({})


def _said(manifest: Manifest) -> dict[str, Any]:
    return {"metadata": manifest["metadata"], "spec": manifest["spec"]}


def _custom(
    name: str, manifest: Manifest, opts: pulumi.ResourceOptions
) -> apiextensions.CustomResource:
    return apiextensions.CustomResource(
        name,
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        opts=opts,
        **_said(manifest),
    )
