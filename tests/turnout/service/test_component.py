"""`Service` among others: providers, regions, transformations, several in one program."""

import json
from pathlib import Path
from typing import Final

import pytest
from tests.turnout.programs import BASELINE, KINDS, REGION

from turnout.plan import Plan, ProgramError, plan_program

PROVIDER: Final = "pulumi:providers:aws"


def run(folder: Path, program: str) -> Plan:
    """The plan of a program of somebody else's."""
    (folder / "__main__.py").write_text(program)
    return plan_program(
        folder, project="theirs", stack="test", config={"aws:region": REGION, "theirs:x": "1"}
    )


def service(name: str, kind: str, opts: str = "") -> str:
    said = json.dumps({**BASELINE, "name": name, "target": kind})
    return f"Service({name!r}, parse_service(json.loads({said!r})){opts})\n"


HEAD: Final = """
import json
import pulumi
import pulumi_aws as aws
from turnout.config import parse_service
from turnout.service import Service
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_provider_that_is_passed_reaches_every_resource_and_every_question(
    kind: str, tmp_path: Path
) -> None:
    opts = ", pulumi.ResourceOptions(provider=aws.Provider('tokyo', region='ap-northeast-1'))"
    found = run(tmp_path, HEAD + service("classifier", kind, opts))
    made = [r for r in found.resources if r.type.startswith("aws:")]
    assert len(made) > 40
    assert {resource.provider for resource in made} == {
        f"urn:pulumi:test::theirs::{PROVIDER}::tokyo"
    }


def test_one_program_holds_services_in_several_regions(tmp_path: Path) -> None:
    program = HEAD
    for region in ("ap-northeast-1", "us-east-1"):
        opts = f", pulumi.ResourceOptions(provider=aws.Provider({region!r}, region={region!r}))"
        program += service(f"classifier-{region[:2]}", "ecs", opts)
    found = run(tmp_path, program)
    assert len(found.of_type("turnout:index:Service")) == 2
    providers = {r.provider for r in found.resources if r.type.startswith("aws:")}
    assert {str(provider).rpartition("::")[2] for provider in providers} == {
        "ap-northeast-1",
        "us-east-1",
    }


def test_a_transformation_of_the_program_reaches_the_service(tmp_path: Path) -> None:
    program = HEAD + (
        "def longer(args):\n"
        "    if args.type_ == 'aws:cloudwatch/logGroup:LogGroup':\n"
        "        return pulumi.ResourceTransformationResult(\n"
        "            {**args.props, 'retention_in_days': 365}, args.opts)\n"
        "opts = pulumi.ResourceOptions(transformations=[longer])\n"
    )
    found = run(tmp_path, program + service("classifier", "ecs", ", opts"))
    groups = found.of_type("aws:cloudwatch/logGroup:LogGroup")
    assert len(groups) == 4
    assert {group.inputs["retentionInDays"] for group in groups} == {365}


def test_the_components_name_is_the_programs_and_the_resources_are_the_services(
    tmp_path: Path,
) -> None:
    program = HEAD + service("classifier", "ecs").replace("Service('classifier'", "Service('main'")
    found = run(tmp_path, program)
    (component,) = found.of_type("turnout:index:Service")
    assert component.name == "main"
    (cluster,) = found.of_type("aws:ecs/cluster:Cluster")
    assert cluster.name == "classifier-ecs"


def test_a_wrong_stack_file_ends_in_words_and_not_in_a_traceback(tmp_path: Path) -> None:
    program = "from turnout.service import configured\nconfigured()\n"
    with pytest.raises(ProgramError, match="turnout:service: must be a mapping"):
        run(tmp_path, program)
