"""The registry of the service's images."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_aws import ecr

# Thirty releases: each is an index, two images, and the attestation and signature of each.
KEPT_IMAGES: Final = 30 * 8
# How the tags begin that a deployment gives to the image that it runs.
DEPLOYED: Final = "deployed-"
# By all stacks together: one stack's count would take an image that another still runs. So a
# stack's image is there until others have been deployed this often without it.
KEPT_DEPLOYED: Final = 300
UNTAGGED_DAYS: Final = 7


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """With `keep` the images outlive the stack; `keep_untagged` where they are pushed by digest."""

    keep: bool
    keep_untagged: bool = False
    tags: Mapping[str, str]


class Registry(pulumi.ComponentResource):
    """An ECR repository: scanned on push, immutable tags, old images dropped."""

    arn: pulumi.Output[str]
    name: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(
        self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:parts:Registry", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        repository = ecr.Repository(
            name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "AES256"}],
            force_delete=not args.keep,
            tags=args.tags,
            # A rollback needs yesterday's image: no `destroy` takes it along unasked.
            opts=pulumi.ResourceOptions(parent=self, protect=args.keep),
        )
        ecr.LifecyclePolicy(
            name,
            repository=repository.name,
            policy=json.dumps(lifecycle_policy(keep_untagged=args.keep_untagged), sort_keys=True),
            opts=child,
        )
        self.arn = repository.arn
        self.name = repository.name
        self.url = repository.repository_url
        self.register_outputs({"arn": self.arn, "url": self.url})


def lifecycle_policy(*, keep_untagged: bool) -> dict[str, Any]:
    """All but the newest go; untagged ones after a week, unless they are kept.

    What was deployed stays longer: ECR lets no rule take an image that an earlier rule is about.
    """
    deployed = {
        "description": "All but the newest that a stack ran",
        "selection": {
            "tagStatus": "tagged",
            "tagPrefixList": [DEPLOYED],
            "countType": "imageCountMoreThan",
            "countNumber": KEPT_DEPLOYED,
        },
    }
    untagged = {
        "description": "Untagged images",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": UNTAGGED_DAYS,
        },
    }
    oldest = {
        "description": "All but the newest",
        "selection": {
            "tagStatus": "any",
            "countType": "imageCountMoreThan",
            "countNumber": KEPT_IMAGES,
        },
    }
    rules = [deployed, *([] if keep_untagged else [untagged]), oldest]
    return {
        "rules": [
            {"rulePriority": priority, "action": {"type": "expire"}, **rule}
            for priority, rule in enumerate(rules, 1)
        ]
    }
