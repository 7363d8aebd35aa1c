"""The stack files that people start from, deployed as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pulumi.automation import OpType
from tests.engine.harness import ROOT, Workbench
from tests.engine.seeds import seeded_cloud

pytestmark = pytest.mark.engine

FILES = sorted(
    path
    for path in (ROOT / "stacks").glob("Pulumi.*.yaml")
    # It needs no cloud: the local tier has tests of its own.
    if path.name != "Pulumi.local.yaml"
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_stack_file_deploys_as_it_is(path: Path, bench: Workbench) -> None:
    config = yaml.safe_load(path.read_text())["config"]
    deployment = bench.deployment(config, cloud=seeded_cloud(config))
    up = deployment.up()
    assert up.errors == ()
    assert set(up.counts) <= {OpType.CREATE, OpType.READ}


def test_what_is_costly_to_lose_in_production_is_not_destroyed(bench: Workbench) -> None:
    config = yaml.safe_load((ROOT / "stacks/Pulumi.prod-ecs.yaml").read_text())["config"]
    deployment = bench.deployment(config, cloud=seeded_cloud(config))
    assert deployment.up().errors == ()
    destroyed = deployment.destroy()
    assert not destroyed.ok
    assert deployment.cloud.of("aws:lb/loadBalancer:LoadBalancer")
