"""ECR repositories."""

from __future__ import annotations

from turnout_policies.facts.documents import statements
from turnout_policies.facts.tokens import (
    ECR_LIFECYCLE,
    ECR_REPOSITORY,
    ECR_REPOSITORY_POLICY,
    ECR_SCANNING,
)
from turnout_policies.properties import Properties
from turnout_policies.rule import Context, Finding, Level, Outcomes, Rule, Severity


def _scans(repository: Properties, context: Context) -> Outcomes:
    if context.stack.of(ECR_SCANNING):
        return  # the registry's own configuration goes before a repository's
    if not repository.flag("imageScanningConfiguration", "scanOnPush"):
        yield Finding("images are not scanned", "imageScanningConfiguration.scanOnPush")


def _immutable(repository: Properties, _: Context) -> Outcomes:
    # IMMUTABLE_WITH_EXCLUSION leaves named tags open on purpose.
    if not repository.text("imageTagMutability").startswith("IMMUTABLE"):
        yield Finding("a tag may be moved to another image", "imageTagMutability")


def _has_lifecycle(repository: Properties, context: Context) -> Outcomes:
    if not context.stack.configuring(repository, "name", "repository", ECR_LIFECYCLE):
        yield Finding("old images are never deleted")


def _not_open(policy: Properties, _: Context) -> Outcomes:
    for statement in statements(policy, "policy"):
        if statement.for_everybody:
            yield Finding(f"everybody may {statement.rights}", statement.place)


RULES = (
    Rule(
        id="ecr-scans-images",
        title="Images are scanned when they are pushed",
        why="Known holes in a base image are cheapest to find on the day of the push.",
        concern="security",
        severity=Severity.MEDIUM,
        scope="stack",
        types=(ECR_REPOSITORY,),
        check=_scans,
        elsewhere=("FSBP ECR.1",),
        remediation='image_scanning_configuration={"scan_on_push": True}',
    ),
    Rule(
        id="ecr-immutable-tags",
        title="Tags of images cannot be moved",
        why="Who can push a tag that runs elsewhere can change what runs there.",
        concern="security",
        severity=Severity.MEDIUM,
        types=(ECR_REPOSITORY,),
        check=_immutable,
        elsewhere=("FSBP ECR.2",),
        remediation='image_tag_mutability="IMMUTABLE"',
    ),
    Rule(
        id="ecr-policy-not-open",
        title="No repository is open to everybody",
        why="An image often holds more than its authors remember.",
        concern="security",
        severity=Severity.HIGH,
        types=(ECR_REPOSITORY_POLICY,),
        check=_not_open,
        elsewhere=("cdk-nag ECR1",),
        remediation='"Principal": {"AWS": role.arn}',
    ),
    Rule(
        id="ecr-lifecycle",
        title="Repositories delete old images",
        why="Every push of a model image is gigabytes that are paid for every month.",
        concern="reliability",
        severity=Severity.LOW,
        level=Level.ADVISORY,
        scope="stack",
        types=(ECR_REPOSITORY,),
        check=_has_lifecycle,
        elsewhere=("FSBP ECR.3",),
        remediation='aws.ecr.LifecyclePolicy("old", repository=repository.name, policy=...)',
    ),
)
