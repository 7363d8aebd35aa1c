"""What the platform itself takes of AWS's limits, which the stack file's bounds leave free."""

import base64
import json
from typing import Any

from tests.turnout.programs import EVERYTHING, KINDS, make, plan, tier_plan

from turnout.config.fields import MOST_TAGS
from turnout.config.rules import EC2_SETTINGS_BYTES, LAMBDA_OWN_BYTES
from turnout.plan import PlannedResource
from turnout.targets.ec2.user_data import MOST_BYTES

# AWS, "Tag naming limits and requirements".
MOST_ON_A_RESOURCE = 50
TAGS = {f"tag-{number}": "x" for number in range(MOST_TAGS)}


def tag_counts(resource: PlannedResource) -> list[int]:
    specified = resource.inputs.get("tagSpecifications") or []
    every = [resource.inputs.get("tags"), *(said.get("tags") for said in specified)]
    return [len(tags) for tags in every if tags]


def test_as_many_tags_as_a_stack_file_takes_fit_on_every_resource() -> None:
    for kind in KINDS:
        found = plan({**EVERYTHING, "tags": TAGS}, target=kind)
        counts = [count for resource in found.resources for count in tag_counts(resource)]
        assert max(counts) <= MOST_ON_A_RESOURCE, kind


def test_one_resource_has_as_many_tags_as_there_may_be() -> None:
    found = plan({**EVERYTHING, "tags": TAGS}, target="eks")
    counts = [count for resource in found.resources for count in tag_counts(resource)]
    assert max(counts) == MOST_ON_A_RESOURCE


def test_as_many_settings_as_a_machine_takes_fit_into_its_user_data() -> None:
    model, secret = EVERYTHING["model"]["uri"], EVERYTHING["api_keys_secret"]
    # Less the names of the three, and what JSON puts around them.
    left = EC2_SETTINGS_BYTES - len(model) - len(secret) - 100
    service = {**EVERYTHING, "name": "x" * 32}
    settings = {"TURNOUT_CORS_ORIGINS": f"https://{'x' * (left - 8)}"}
    found = make(service, stack="y" * 60, target="ec2", settings=settings)
    (template,) = [r for r in found if r.type == "aws:ec2/launchTemplate:LaunchTemplate"]
    assert len(base64.b64decode(template.inputs["userData"])) <= MOST_BYTES


def test_what_lambda_is_told_beside_the_stack_files_own_words_has_its_room() -> None:
    (function,) = tier_plan("lambda", everything=True).of_type("aws:lambda/function:Function")
    told: dict[str, Any] = dict(function.inputs["environment"]["variables"])
    counted = ("TURNOUT_MODEL", "TURNOUT_API_KEYS_SECRET")
    own = {key: value for key, value in told.items() if key not in counted}
    # The two longest numbers that `requests` takes.
    own |= {"TURNOUT_MAX_BODY_BYTES": "100000000", "TURNOUT_REQUEST_TIMEOUT": "900"}
    size = len(json.dumps(own, separators=(",", ":")))
    assert size <= LAMBDA_OWN_BYTES
    assert size > LAMBDA_OWN_BYTES - 64, "the room kept free is more than is needed"
