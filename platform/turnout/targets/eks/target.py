"""The EKS tier: a cluster, what watches it, and the service's objects in it."""

from typing import Any

import pulumi
from pulumi_aws import eks
from pulumi_kubernetes.provider import Provider

from turnout import contract, sizing
from turnout.config.target import Eks
from turnout.parts.identity import Role, RoleArgs
from turnout.parts.security_group import EdgeArgs, admit_balancer
from turnout.parts.statements import read_at_start, trust
from turnout.targets.eks.capacity import (
    KUBERNETES_ARCHITECTURE,
    NODE_LABEL,
    Demand,
    node_pools,
    spread,
)
from turnout.targets.eks.cluster import (
    AutoModeCluster,
    AutoModeClusterArgs,
    ClusterFacts,
    existing_cluster,
)
from turnout.targets.eks.kubeconfig import kubeconfig, role_to_assume
from turnout.targets.eks.lifecycle import leaving, settling
from turnout.targets.eks.manifests import LoadBalancing, Manifest, Objects
from turnout.targets.eks.objects import KubernetesService, KubernetesServiceArgs
from turnout.targets.eks.observability import (
    Observability,
    ObservabilityArgs,
    pod_log_group,
    pod_signals,
)
from turnout.targets.eks.physical import cluster_name
from turnout.targets.tier import Door, TierArgs, server_environment


class EksTarget(pulumi.ComponentResource):
    """The service as pods behind the load balancer."""

    deployment: contract.Deployment

    def __init__(
        self, name: str, args: TierArgs[Eks], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:targets:Eks", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        if args.door is None:
            raise ValueError("the eks tier stands behind a load balancer")
        tier, workload = args.tier, args.workload
        physical = cluster_name(tier, workload.name, pulumi.get_stack())
        namespace = tier.namespace or workload.name
        cluster, ready = self._cluster(name, physical, args)
        admit_balancer(
            name,
            EdgeArgs(
                balancer_group_id=args.door.security_group_id,
                service_group_id=cluster.security_group_id,
                port=workload.port,
                tags=args.tags,
            ),
            child,
        )
        ready = [*ready, args.door.route, *self._identity(name, cluster, namespace, args)]
        KubernetesService(
            name,
            KubernetesServiceArgs(
                objects=_objects(args, args.door, namespace),
                creates_namespace=tier.create_namespace,
                node_pools=_node_pools(args),
                owns_cluster=tier.cluster is None,
                provider=self._kubernetes(name, cluster, args),
                ready=ready,
            ),
            child,
        )
        cpu, memory = pod_signals(cluster.name, namespace, workload.name, args.alarms)
        self.deployment = contract.Deployment(
            kind="eks",
            architecture=tier.architecture,
            target_group=args.door.target_group,
            security_group_id=cluster.security_group_id,
            log_group=pulumi.Output.from_input(pod_log_group(physical)),
            url=None,
            signals=contract.Signals(
                cpu=cpu,
                memory=memory,
                healthy_hosts=args.door.signals["healthy_hosts"],
                response_time=args.door.signals["response_time"],
                errors=args.door.signals["errors"],
                extra={},
            ),
            ready=(self,),
        )
        self.register_outputs({"clusterName": cluster.name})

    def _cluster(
        self, name: str, physical: str, args: TierArgs[Eks]
    ) -> tuple[ClusterFacts, list[pulumi.Resource]]:
        """The cluster, and what must stand in it before a pod starts."""
        if args.tier.cluster is not None:
            asked = pulumi.InvokeOptions(parent=self)
            return existing_cluster(physical, args.place, asked), []
        child = pulumi.ResourceOptions(parent=self)
        made = AutoModeCluster(
            name,
            AutoModeClusterArgs(
                cluster_name=physical,
                tier=args.tier,
                place=args.place,
                logs=args.logs,
                account=args.account,
                keep=args.keep,
                tags=args.tags,
            ),
            child,
        )
        watched = Observability(
            name,
            ObservabilityArgs(
                cluster_name=physical,
                cluster=made,
                logs=args.logs,
                account=args.account,
                tags=args.tags,
            ),
            child,
        )
        return made.facts, [made, *watched.add_ons]

    def _identity(
        self, name: str, cluster: ClusterFacts, namespace: str, args: TierArgs[Eks]
    ) -> list[pulumi.Resource]:
        """A role for the pods' service account, where there is anything that they must read."""
        workload = args.workload
        statements = read_at_start(workload, args.account)
        if not statements:
            return []
        child = pulumi.ResourceOptions(parent=self)
        only_these_pods: dict[str, dict[str, Any]] = {
            "StringEquals": {
                "aws:RequestTag/eks-cluster-arn": cluster.arn,
                "aws:RequestTag/kubernetes-namespace": namespace,
                "aws:RequestTag/kubernetes-service-account": workload.name,
            }
        }
        role = Role(
            f"{name}-pods",
            RoleArgs(
                description=f"What the pods of {workload.name} may read",
                trust=trust("pods.eks.amazonaws.com", only_these_pods, tag_session=True),
                statements=statements,
                tags=args.tags,
            ),
            child,
        )
        association = eks.PodIdentityAssociation(
            name,
            cluster_name=cluster.name,
            namespace=namespace,
            service_account=workload.name,
            role_arn=role.arn,
            tags=args.tags,
            opts=child,
        )
        return [association, *role.permissions]

    def _kubernetes(self, name: str, cluster: ClusterFacts, args: TierArgs[Eks]) -> Provider:
        provider = pulumi.Config("aws")
        profile = provider.get("profile")
        try:
            role = role_to_assume(provider.get_object("assumeRoles") or [])
        except ValueError as problem:
            raise pulumi.RunError(str(problem)) from None
        document = pulumi.Output.all(
            cluster.name, cluster.endpoint, cluster.certificate_authority, args.account.region
        ).apply(
            lambda known: kubeconfig(
                name=known[0],
                endpoint=known[1],
                certificate_authority=known[2],
                region=known[3],
                profile=profile,
                role=role,
            )
        )
        return Provider(
            name,
            kubeconfig=document,
            # A cluster is its ARN: a new endpoint certificate must not replace every object.
            cluster_identifier=cluster.arn,
            enable_server_side_apply=True,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _objects(args: TierArgs[Eks], door: Door, namespace: str) -> Objects:
    tier, workload = args.tier, args.workload
    owned = tier.cluster is None
    load_balancing: LoadBalancing = (
        "auto_mode" if tier.cluster is None else tier.cluster.load_balancing
    )
    node_selector = {"kubernetes.io/arch": KUBERNETES_ARCHITECTURE[tier.architecture]}
    if owned:
        node_selector[NODE_LABEL] = workload.name
    elif tier.cluster is not None:
        node_selector |= tier.cluster.node_selector
    selector = {"app.kubernetes.io/name": workload.name}
    return Objects(
        name=workload.name,
        namespace=namespace,
        image=workload.image,
        port=workload.port,
        environment=server_environment(workload),
        cpu=tier.cpu,
        memory=tier.memory,
        node_selector=node_selector,
        spread=spread(selector, tier.spot),
        leaving=leaving(workload.deregistration_delay, args.requests.timeout),
        settling=settling(args.health_check.interval, args.health_check.healthy_threshold),
        scaling=args.scaling,
        load_balancing=load_balancing,
        target_group_arn=door.target_group.arn,
        client_cidrs=args.place.balancer_cidrs,
    )


def _node_pools(args: TierArgs[Eks]) -> list[Manifest]:
    tier = args.tier
    if tier.cluster is not None:
        return []
    return node_pools(
        args.workload.name,
        tier.architecture,
        tier.spot,
        Demand(
            cpu=sizing.kubernetes_quantity(tier.cpu),
            memory=sizing.kubernetes_quantity(tier.memory) / 1024**3,
            pods=args.scaling.max,
            zones=len(args.place.subnet_ids),
        ),
    )
