"""Names that AWS and Kubernetes accept, made from a service's name.

Pure string work. Pulumi's autonaming adds a hyphen and seven hexadecimal digits to a logical
name, so a logical name has eight characters less than AWS's limit.
"""

import hashlib
from typing import Final

AUTONAME_SUFFIX: Final = 8
_DIGEST: Final = 6

# Longest physical names. AWS: "Create an Application Load Balancer" (32), "CreateTargetGroup" (32),
# "IAM and STS quotas" (role 64), "CreateFunction" (64), "CreateCluster" of EKS (100),
# "PutMetricAlarm" (255), "PutDashboard" (255), "General purpose bucket naming rules" (63).
# Kubernetes: "Object Names and IDs", DNS label (63).
LOAD_BALANCER: Final = 32
TARGET_GROUP: Final = 32
ROLE: Final = 64
FUNCTION: Final = 64
EKS_CLUSTER: Final = 100
ALARM: Final = 255
DASHBOARD: Final = 255
BUCKET: Final = 63
DNS_LABEL: Final = 63


def fit(name: str, limit: int) -> str:
    """`name`, or where it is longer than `limit` its start and six digits of its hash.

    Two different names stay different, and the same name always gives the same result.
    Raises ValueError where `limit` leaves no room for a name (under 8).
    """
    if limit < _DIGEST + 2:
        raise ValueError(f"a limit of {limit} characters leaves no room for a name")
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    return f"{name[: limit - _DIGEST - 1].rstrip('-')}-{digest}"


def logical(name: str, limit: int) -> str:
    """A logical name short enough that Pulumi's automatic physical name keeps AWS's `limit`."""
    return fit(name, limit - AUTONAME_SUFFIX)
