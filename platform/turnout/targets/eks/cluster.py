"""The cluster: one in EKS Auto Mode that the stack owns, or one that exists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_aws import ec2, eks, iam, kms, vpc

from turnout.config.surroundings import Logs
from turnout.config.target import Eks
from turnout.parts.account import Account
from turnout.parts.identity import Role, RoleArgs
from turnout.parts.key_policy import key_policy
from turnout.parts.logs import LogGroup, LogGroupArgs
from turnout.parts.statements import trust
from turnout.parts.tags import named
from turnout.targets.tier import Place

# AWS, "Amazon EKS Auto Mode cluster IAM role" and "... node IAM role": what each must hold.
CLUSTER_POLICIES: Final = (
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
NODE_POLICIES: Final = ("AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodeMinimalPolicy")
CONTROL_PLANE_LOGS: Final = ("api", "audit", "authenticator", "controllerManager", "scheduler")
# What a cluster is made with. AWS's emulations do not give it back, so each plan would differ; and
# the provider of before EKS Auto Mode stumbles over the update.
_CHOSEN_ONCE: Final = ("computeConfig", "storageConfig", "upgradePolicy", "zonalShiftConfig")
# AWS, "Enable or Disable Built-in NodePools": add-ons run on these, the service on its own.
_BUILT_IN_POOLS: Final = ("general-purpose", "system")
_ADMIN_POLICY: Final = "cluster-access-policy/AmazonEKSClusterAdminPolicy"
_HTTPS: Final = 443


@dataclass(frozen=True, kw_only=True)
class ClusterFacts:
    """What the service needs to know of its cluster, whoever owns it."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    certificate_authority: pulumi.Output[str]
    """In base64."""
    security_group_id: pulumi.Output[str]
    """The group that EKS gives to machines and pods."""


@dataclass(frozen=True, kw_only=True)
class AutoModeClusterArgs:
    """What the cluster is made from; `cluster_name` is its physical name."""

    cluster_name: str
    tier: Eks
    place: Place
    logs: Logs
    account: Account
    keep: bool
    tags: Mapping[str, str]


class AutoModeCluster(pulumi.ComponentResource):
    """A cluster whose machines, network and storage AWS runs."""

    facts: ClusterFacts

    def __init__(
        self, name: str, args: AutoModeClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:targets:AutoModeCluster", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # EKS would make the group itself, and keep it for ever.
        log_group = LogGroup(
            name,
            LogGroupArgs(
                log_group_name=f"/aws/eks/{args.cluster_name}/cluster",
                logs=args.logs,
                tags=args.tags,
            ),
            child,
        )
        key = kms.Key(
            name,
            description=f"Kubernetes secrets of {args.cluster_name}",
            enable_key_rotation=True,
            deletion_window_in_days=30 if args.keep else 7,
            # EKS works by grants that it makes in the name of who makes the cluster.
            policy=key_policy(args.account),
            tags=args.tags,
            # Without its key a cluster is lost.
            opts=pulumi.ResourceOptions(parent=self, protect=args.keep),
        )
        # EKS marks the sessions of this role with the cluster's name; its policies ask for it.
        cluster_role = self._role(
            f"{name}-cluster", "eks.amazonaws.com", CLUSTER_POLICIES, args, tag_session=True
        )
        node_role = self._role(f"{name}-node", "ec2.amazonaws.com", NODE_POLICIES, args)
        public = args.tier.public_access_cidrs
        api_group = self._api_group(name, args)
        cluster = eks.Cluster(
            name,
            name=args.cluster_name,
            version=args.tier.version,
            role_arn=cluster_role.arn,
            # Auto Mode brings its own; it cannot run beside the old ones.
            bootstrap_self_managed_addons=False,
            compute_config={
                "enabled": True,
                "node_pools": list(_BUILT_IN_POOLS),
                "node_role_arn": node_role.arn,
            },
            kubernetes_network_config={
                "ip_family": "ipv4",
                "elastic_load_balancing": {"enabled": True},
            },
            storage_config={"block_storage": {"enabled": True}},
            access_config={
                "authentication_mode": "API",
                # Whoever runs the first `up` must be able to make the objects in the cluster.
                "bootstrap_cluster_creator_admin_permissions": True,
            },
            vpc_config=eks.ClusterVpcConfigArgs(
                subnet_ids=list(args.place.subnet_ids),
                security_group_ids=[api_group.id],
                endpoint_private_access=True,
                endpoint_public_access=bool(public),
                public_access_cidrs=sorted(public) if public else None,
            ),
            encryption_config={"resources": ["secrets"], "provider": {"key_arn": key.arn}},
            enabled_cluster_log_types=list(CONTROL_PLANE_LOGS),
            # Outside dev a version's end must not upgrade the cluster behind the stack's back.
            upgrade_policy={"support_type": "EXTENDED" if args.keep else "STANDARD"},
            zonal_shift_config={"enabled": True},
            deletion_protection=args.keep,
            tags=args.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=list(_CHOSEN_ONCE),
                depends_on=[
                    log_group,
                    *cluster_role.attachments,
                    *node_role.attachments,
                    *args.place.routes,
                ],
            ),
        )
        self.facts = ClusterFacts(
            name=cluster.name,
            arn=cluster.arn,
            endpoint=cluster.endpoint,
            certificate_authority=cluster.certificate_authority.apply(lambda ca: ca.data or ""),
            # EKS makes a group with each cluster; an emulation of AWS may not.
            security_group_id=cluster.vpc_config.apply(
                lambda config: config.cluster_security_group_id or api_group.id
            ),
        )
        self._admit(name, cluster, args)
        self.register_outputs({"name": cluster.name, "arn": cluster.arn})

    def _role(
        self,
        name: str,
        service: str,
        policies: Sequence[str],
        args: AutoModeClusterArgs,
        *,
        tag_session: bool = False,
    ) -> "_ManagedRole":
        child = pulumi.ResourceOptions(parent=self)
        role = Role(
            name,
            RoleArgs(
                description=f"EKS Auto Mode: {name}",
                trust=trust(service, tag_session=tag_session),
                statements=[],
                tags=args.tags,
            ),
            child,
        )
        attachments = [
            iam.RolePolicyAttachment(
                f"{name}-{policy}",
                role=role.name,
                policy_arn=pulumi.Output.concat(
                    "arn:", args.account.partition, f":iam::aws:policy/{policy}"
                ),
                opts=child,
            )
            for policy in policies
        ]
        return _ManagedRole(arn=role.arn, attachments=attachments)

    def _api_group(self, name: str, args: AutoModeClusterArgs) -> ec2.SecurityGroup:
        """The private endpoint takes nobody in that no group lets in: here, the VPC."""
        child = pulumi.ResourceOptions(parent=self)
        group = ec2.SecurityGroup(
            f"{name}-api",
            description="Kubernetes API",
            vpc_id=args.place.vpc_id,
            tags=named(args.tags, f"{name}-api"),
            opts=child,
        )
        blocks: dict[str, pulumi.Input[str]] = {
            f"{name}-api": args.place.cidr,
            **{f"{name}-api-{cidr.replace('/', '-')}": cidr for cidr in args.place.more_cidrs},
        }
        for full, cidr in blocks.items():
            vpc.SecurityGroupIngressRule(
                full,
                security_group_id=group.id,
                description="Kubernetes API from the VPC",
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=_HTTPS,
                to_port=_HTTPS,
                tags=args.tags,
                opts=child,
            )
        return group

    def _admit(self, name: str, cluster: eks.Cluster, args: AutoModeClusterArgs) -> None:
        child = pulumi.ResourceOptions(parent=self)
        for principal in args.tier.admins:
            # Account, kind, path and name: what tells two principals apart.
            full = "-".join([name, *principal.split(":")[4:]]).replace("/", "-")
            entry = eks.AccessEntry(
                full,
                cluster_name=cluster.name,
                principal_arn=principal,
                type="STANDARD",
                tags=args.tags,
                opts=child,
            )
            eks.AccessPolicyAssociation(
                full,
                cluster_name=cluster.name,
                principal_arn=entry.principal_arn,
                policy_arn=pulumi.Output.concat(
                    "arn:", args.account.partition, f":eks::aws:{_ADMIN_POLICY}"
                ),
                access_scope={"type": "cluster"},
                opts=child,
            )


@dataclass(frozen=True, kw_only=True)
class _ManagedRole:
    arn: pulumi.Output[str]
    attachments: Sequence[pulumi.Resource]


def existing_cluster(name: str, place: Place, opts: pulumi.InvokeOptions) -> ClusterFacts:
    """The cluster called `name`, which must stand in the service's VPC."""
    found = eks.get_cluster_output(name=name, opts=opts)
    vpc_id = found.vpc_config.apply(lambda config: config.vpc_id)
    checked = pulumi.Output.all(vpc_id, place.vpc_id).apply(
        lambda both: check_vpc(name, str(both[0]), str(both[1]))
    )
    return ClusterFacts(
        name=checked,
        arn=found.arn,
        endpoint=found.endpoint,
        certificate_authority=found.certificate_authorities.apply(lambda all_: all_[0].data),
        security_group_id=found.vpc_config.apply(lambda config: config.cluster_security_group_id),
    )


def check_vpc(cluster: str, cluster_vpc: str, service_vpc: str) -> str:
    """The cluster's name, where it is in the service's VPC. Raises ValueError.

    An empty VPC is not known, in a plan without AWS.
    """
    if cluster_vpc not in ("", service_vpc):
        raise ValueError(
            f"target.cluster.name: {cluster} is in {cluster_vpc}, the service in {service_vpc}; "
            "a load balancer reaches pods of its own VPC: set network.existing.vpc to the cluster's"
        )
    return cluster
