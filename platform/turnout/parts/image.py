"""The image that every tier runs: named by digest in the stack file, or built by the stack."""

from dataclasses import dataclass

import pulumi

from turnout.config import ServiceConfig
from turnout.parts.account import Account
from turnout.parts.statements import ecr_repository


@dataclass(frozen=True, kw_only=True)
class Image:
    """`reference` is by digest; `repository_arn` is None for a registry other than ECR."""

    reference: pulumi.Input[str]
    repository_arn: pulumi.Input[str] | None


def named_image(reference: str, account: Account) -> Image:
    """The image `<repository>@sha256:…` of the stack file."""
    if ecr_repository(reference) is None:
        return Image(reference=reference, repository_arn=None)
    return Image(
        reference=reference,
        repository_arn=account.partition.apply(
            lambda partition: str(ecr_repository(reference, partition))
        ),
    )


def image_of(config: ServiceConfig, account: Account, opts: pulumi.ResourceOptions) -> Image:
    """The image of the stack file; one that is to be built is built below `opts.parent`."""
    if isinstance(config.image, str):
        return named_image(config.image, account)
    del opts
    raise pulumi.RunError("turnout:service.image: build: true is not there yet")
