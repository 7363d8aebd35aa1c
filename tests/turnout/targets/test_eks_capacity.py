"""Where pods run in EKS Auto Mode: pools, and the share of Spot."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.targets.eks.capacity import NODE_LABEL, SPREAD_LABEL, Split, node_pools, split, spread


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
    pools = node_pools("api", architecture, share, 2.0, 10)
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
    (pool,) = node_pools("api", "x86_64", 0, cpu=2.0, most_pods=10)
    assert int(pool["spec"]["limits"]["cpu"]) >= 2 * (10 + 3)
    assert int(pool["spec"]["limits"]["cpu"]) <= 4 * 2 * 10


def test_two_pools_have_two_names() -> None:
    names = [pool["metadata"]["name"] for pool in node_pools("api", "arm64", 30, 1.0, 4)]
    assert names == ["api-on-demand", "api-spot"]


def test_pods_spread_over_zones_and_over_capacity_only_where_it_is_mixed() -> None:
    def keys(share: int) -> list[str]:
        return [constraint["topologyKey"] for constraint in spread({"a": "b"}, share)]

    assert keys(0) == ["topology.kubernetes.io/zone"]
    assert keys(100) == ["topology.kubernetes.io/zone"]
    assert keys(40) == [SPREAD_LABEL, "topology.kubernetes.io/zone"]


def test_a_lost_zone_does_not_keep_pods_from_running() -> None:
    assert all(c["whenUnsatisfiable"] == "ScheduleAnyway" for c in spread({"a": "b"}, 50))
