"""The names and tags that others must know of a cluster before it is made. Pure."""

from turnout import naming
from turnout.config.target import Eks


def cluster_name(tier: Eks, service: str, stack: str) -> str:
    """The cluster's name: the stack file's, or the service's and the stack's together."""
    if tier.cluster is not None:
        return str(tier.cluster.name)
    return naming.fit(f"{service}-{stack}", naming.EKS_CLUSTER)


def target_group_tags(tier: Eks, service: str, stack: str) -> dict[str, str]:
    """The tag without which Auto Mode's role may not register targets in a target group."""
    return {"eks:eks-cluster-name": cluster_name(tier, service, stack)}
