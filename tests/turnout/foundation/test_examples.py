"""The example stack files and the example foundation say the same of each other."""

from typing import Any

import pytest
import yaml
from tests.turnout.foundation.programs import SAID, STACK_FILE

SERVICES = {
    path.name.split(".")[1]: said
    for path in sorted(STACK_FILE.parent.glob("Pulumi.*.yaml"))
    for said in [yaml.safe_load(path.read_text())["config"].get("turnout:service")]
    if said is not None and said["target"] != "local"
}
DEPLOYED: dict[str, list[str]] = SAID["github"]["environments"]
each = pytest.mark.parametrize("said", SERVICES.values(), ids=SERVICES)


@pytest.mark.parametrize("stack", DEPLOYED)
def test_an_environment_deploys_the_service_of_the_stack_of_its_name(stack: str) -> None:
    assert DEPLOYED[stack] == [SERVICES[stack]["name"]]
    assert SERVICES[stack]["name"] in SAID["services"]


@each
def test_an_image_comes_from_the_foundations_registry(said: dict[str, Any]) -> None:
    repository = said["image"].partition("/")[2].partition("@")[0]
    assert repository.startswith(f"{SAID['name']}-")


@each
def test_a_model_comes_from_the_foundations_bucket(said: dict[str, Any]) -> None:
    if "model" in said:
        assert said["model"]["uri"].startswith(f"s3://{SAID['name']}-models-")


@each
def test_a_secret_is_named_after_the_service_that_reads_it(said: dict[str, Any]) -> None:
    if "api_keys_secret" in said:
        assert f":secret:{said['name']}-" in said["api_keys_secret"]
