"""Where the pods may run in EKS Auto Mode: node pools, and how pods are spread over them.

Auto Mode's own `general-purpose` pool has neither Spot nor arm64 (AWS, "Enable or Disable
Built-in NodePools"), so the service brings its own. Pure data; no Pulumi.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from turnout.sizing import Architecture

NODE_LABEL: Final = "turnout/service"
SPREAD_LABEL: Final = "turnout/capacity"

KUBERNETES_ARCHITECTURE: Final[dict[Architecture, str]] = {"x86_64": "amd64", "arm64": "arm64"}
# One copy in ten is as fine as a share is worth: fewer copies than parts cannot keep it.
_MOST_PARTS: Final = 10
# A pod of 2 CPU does not fit on a machine of 2: the system takes its part.
_NODE_SLACK: Final = 2
# GiB of memory for each vCPU in the category that has the most, r: Amazon EC2, "Instance types".
_MOST_GIB_PER_VCPU: Final = 8
# The least that c, m and r machines of x86 have: `large`.
_LEAST_MACHINE: Final = 2
# AVX-512 VNNI, which int8 is fast with, came with the fifth generation (Graviton2 with the sixth).
_RECENT: Final = {
    "key": "eks.amazonaws.com/instance-generation",
    "operator": "Gt",
    "values": ["4"],
}


@dataclass(frozen=True)
class Split:
    """How many of `parts` equal parts of the pods run on Spot, and how many on demand."""

    spot: int
    on_demand: int


def split(spot_share: int) -> Split:
    """The simplest split, in at most ten parts, nearest to `spot_share` percent on Spot."""
    share = Fraction(spot_share, 100).limit_denominator(_MOST_PARTS)
    return Split(spot=share.numerator, on_demand=share.denominator - share.numerator)


@dataclass(frozen=True)
class Demand:
    """What the pods ask for: `cpu` in vCPU and `memory` in GiB a pod, at most `pods` of them."""

    cpu: float
    memory: float
    pods: int
    zones: int

    @property
    def vcpus(self) -> int:
        """The vCPUs that a pool may grow to: it bounds a mistake, and must never starve a pod."""
        # A machine comes with so much memory for each vCPU, so memory is paid for in vCPUs too.
        pod = max(self.cpu, self.memory / _MOST_GIB_PER_VCPU)
        # While a rollout surges, a quarter more pods run.
        pods = self.pods + math.ceil(self.pods / 4)
        return math.ceil(_NODE_SLACK * pod * pods) + self.zones * _machine(pod)


def _machine(pod: float) -> int:
    """The vCPUs of the smallest machine that holds a pod of `pod` vCPUs beside the system."""
    vcpus = _LEAST_MACHINE
    while vcpus <= pod:
        vcpus *= 2
    return vcpus


def node_pools(
    service: str, architecture: Architecture, spot_share: int, demand: Demand
) -> list[dict[str, Any]]:
    """The `karpenter.sh/v1` NodePools of the service's pods: one for each kind of capacity."""
    parts = split(spot_share)
    kinds = [
        (capacity, count)
        for capacity, count in (("on-demand", parts.on_demand), ("spot", parts.spot))
        if count
    ]
    return [
        _node_pool(service, architecture, capacity, count, demand.vcpus)
        for capacity, count in kinds
    ]


def _node_pool(
    service: str, architecture: Architecture, capacity: str, parts: int, vcpus: int
) -> dict[str, Any]:
    requirements = {
        "karpenter.sh/capacity-type": [capacity],
        "kubernetes.io/arch": [KUBERNETES_ARCHITECTURE[architecture]],
        "eks.amazonaws.com/instance-category": ["c", "m", "r"],
        SPREAD_LABEL: [f"{capacity}-{number}" for number in range(1, parts + 1)],
    }
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": f"{service}-{capacity}"},
        "spec": {
            "template": {
                "metadata": {"labels": {NODE_LABEL: service}},
                "spec": {
                    "nodeClassRef": {
                        "group": "eks.amazonaws.com",
                        "kind": "NodeClass",
                        "name": "default",
                    },
                    "requirements": [
                        {"key": key, "operator": "In", "values": values}
                        for key, values in requirements.items()
                    ]
                    + [_RECENT],
                },
            },
            "limits": {"cpu": str(vcpus)},
            "disruption": {
                "consolidationPolicy": "WhenEmptyOrUnderutilized",
                "consolidateAfter": "5m",
            },
        },
    }


def spread(labels: dict[str, str], spot_share: int) -> list[dict[str, Any]]:
    """Spread over zones, and over kinds of capacity in the share asked for.

    Each is a wish, not a rule: with a zone or Spot gone, the pods run where there is room.
    """
    keys = ["topology.kubernetes.io/zone"]
    parts = split(spot_share)
    if parts.spot and parts.on_demand:
        keys.insert(0, SPREAD_LABEL)
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": labels},
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in keys
    ]
