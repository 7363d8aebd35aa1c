"""Where pods run in EKS Auto Mode: pools, and the share of Spot."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.targets.eks.capacity import (
    NODE_LABEL,
    SPREAD_LABEL,
    Demand,
    Split,
    node_pools,
    split,
    spread,
)

USUAL = Demand(cpu=2.0, memory=4.0, pods=10, zones=2)


def requirements(pool: dict[str, Any]) -> dict[str, list[str]]:
    found = pool["spec"]["template"]["spec"]["requirements"]
    return {requirement["key"]: requirement["values"] for requirement in found}


@pytest.mark.parametrize(
    ("share", "parts"),
    [
        (0, Split(spot=0, on_demand=1)),
        (100, Split(spot=1, on_demand=0)),
        (50, Split(spot=1, on_demand=1)),
        (70, Split(spot=7, on_demand=3)),
        (33, Split(spot=1, on_demand=2)),
        (40, Split(spot=2, on_demand=3)),
    ],
)
def test_a_share_is_split_into_few_equal_parts(share: int, parts: Split) -> None:
    assert split(share) == parts


@given(st.integers(0, 100))
def test_the_split_is_within_five_percent_of_what_was_asked(share: int) -> None:
    parts = split(share)
    total = parts.spot + parts.on_demand
    assert 1 <= total <= 10
    assert abs(100 * parts.spot / total - share) <= 5


@given(st.integers(0, 100), st.sampled_from(["x86_64", "arm64"]))
def test_each_kind_of_capacity_has_its_pool_and_its_parts(share: int, architecture: Any) -> None:
    pools = node_pools("api", architecture, share, USUAL)
    parts = split(share)
    seen = {requirements(pool)["karpenter.sh/capacity-type"][0]: pool for pool in pools}
    wanted = {"spot": parts.spot, "on-demand": parts.on_demand}
    assert set(seen) == {kind for kind, count in wanted.items() if count}
    for kind, pool in seen.items():
        assert len(requirements(pool)[SPREAD_LABEL]) == wanted[kind]
        assert requirements(pool)["kubernetes.io/arch"] == [
            {"x86_64": "amd64", "arm64": "arm64"}[architecture]
        ]
        assert pool["spec"]["template"]["metadata"]["labels"] == {NODE_LABEL: "api"}


def test_pools_cannot_grow_without_bound_but_hold_a_rollout() -> None:
    (pool,) = node_pools("api", "x86_64", 0, USUAL)
    assert int(pool["spec"]["limits"]["cpu"]) >= 2 * (10 + 3)
    assert int(pool["spec"]["limits"]["cpu"]) <= 4 * 2 * 10


@given(
    cpu=st.floats(0.25, 32),
    memory=st.floats(0.5, 256),
    pods=st.integers(1, 200),
    zones=st.integers(2, 3),
)
def test_no_pod_waits_for_ever_for_a_machine_that_the_limit_forbids(
    cpu: float, memory: float, pods: int, zones: int
) -> None:
    limit = Demand(cpu=cpu, memory=memory, pods=pods, zones=zones).vcpus
    # The smallest machine of the r category that holds one pod, with a tenth for the system.
    machine = next(v for v in (2**n for n in range(1, 9)) if v > cpu and 8 * v > memory * 1.1)
    assert limit >= zones * machine
    if pods == 1:
        # A rollout has two pods, in two zones.
        assert limit >= 2 * machine


@pytest.mark.parametrize(
    ("demand", "least"),
    [
        # The least pod there is, once: still a machine of two vCPUs for each zone.
        (Demand(cpu=0.25, memory=0.5, pods=1, zones=2), 4),
        # Memory decides: 16 GiB come with four vCPUs, since two bring no more than 16 themselves.
        (Demand(cpu=1, memory=16, pods=10, zones=2), 4 * 13),
    ],
)
def test_memory_and_the_least_machine_count_in_a_pools_limit(demand: Demand, least: int) -> None:
    assert least <= demand.vcpus <= 2 * least


def test_two_pools_have_two_names() -> None:
    names = [pool["metadata"]["name"] for pool in node_pools("api", "arm64", 30, USUAL)]
    assert names == ["api-on-demand", "api-spot"]


def test_pods_spread_over_zones_and_over_capacity_only_where_it_is_mixed() -> None:
    def keys(share: int) -> list[str]:
        return [constraint["topologyKey"] for constraint in spread({"a": "b"}, share)]

    assert keys(0) == ["topology.kubernetes.io/zone"]
    assert keys(100) == ["topology.kubernetes.io/zone"]
    assert keys(40) == [SPREAD_LABEL, "topology.kubernetes.io/zone"]


def test_a_lost_zone_does_not_keep_pods_from_running() -> None:
    assert all(c["whenUnsatisfiable"] == "ScheduleAnyway" for c in spread({"a": "b"}, 50))
