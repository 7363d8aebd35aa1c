"""Which image machines start from, and which types may stand in for another on Spot. Pure."""

from typing import Final

from turnout.config.target import Ec2
from turnout.sizing import Architecture

# Canonical, "Find Ubuntu images on AWS": the parameter that names its newest image.
_UBUNTU: Final = (
    "/aws/service/canonical/ubuntu/server/22.04/stable/current/{architecture}/hvm/ebs-gp2/ami-id"
)
_CANONICAL: Final[dict[Architecture, str]] = {"x86_64": "amd64", "arm64": "arm64"}

# Families of the same architecture with the same CPU and memory for each size, so that Spot has
# pools to choose from: Amazon EC2, "Instance types".
_ALIKE: Final = (
    ("t3", "t3a", "m5", "m5a", "m6i", "m6a"),
    ("m5", "m5a", "m6i", "m6a", "m7i"),
    ("c5", "c5a", "c6i", "c6a", "c7i"),
    ("r5", "r5a", "r6i", "r6a", "r7i"),
    ("t4g", "m6g", "m7g"),
    ("m6g", "m7g"),
    ("c6g", "c7g"),
    ("r6g", "r7g"),
)
# Sizes that every family above has; t3.medium has no m5 of its size.
_SHARED_SIZES: Final = frozenset({"large", "xlarge", "2xlarge"})


def image_id(tier: Ec2) -> str:
    """The stack file's image, or Canonical's newest Ubuntu 22.04 at each start of a machine."""
    if tier.ami is not None:
        return str(tier.ami)
    return f"resolve:ssm:{_UBUNTU.format(architecture=_CANONICAL[tier.architecture])}"


def alternatives(instance_type: str) -> tuple[str, ...]:
    """The type itself, then those that do the same work; only itself where none is known."""
    family, _, size = instance_type.partition(".")
    if size not in _SHARED_SIZES:
        return (instance_type,)
    for row in _ALIKE:
        if family in row:
            return (instance_type, *(f"{other}.{size}" for other in row if other != family))
    return (instance_type,)
