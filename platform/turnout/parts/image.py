"""The images that tiers run: named by digest in the stack file, or built by the stack."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from turnout.config import Local, ServiceConfig
from turnout.parts.account import Account
from turnout.parts.statements import repository_arn
from turnout.sizing import Architecture


@dataclass(frozen=True, kw_only=True)
class Images:
    """An image by digest for each architecture that a tier asks for."""

    references: Mapping[Architecture, pulumi.Input[str]]
    repository_arn: pulumi.Input[str] | None
    """None for a registry other than ECR."""


def images_of(config: ServiceConfig, account: Account, opts: pulumi.ResourceOptions) -> Images:
    """The images of the stack file; those that are to be built are built below `opts.parent`."""
    architectures: list[Architecture] = sorted(
        {tier.architecture for tier in config.tiers if not isinstance(tier, Local)}
    )
    if isinstance(config.image, str):
        return _named(config.image, architectures, account)
    if config.image is None:
        raise TypeError("a tier on AWS has an image")
    from turnout.parts.image_build import ImageBuild, ImageBuildArgs

    built = ImageBuild(
        f"{config.name}-image",
        ImageBuildArgs(
            service=config.name,
            build=config.image,
            architectures=architectures,
            keep=config.environment != "dev",
            account=account,
            tags=config.tags,
        ),
        opts,
    )
    return Images(references=built.references, repository_arn=built.repository_arn)


def _named(reference: str, architectures: list[Architecture], account: Account) -> Images:
    """The image `<repository>@sha256:…`: of several platforms where tiers differ in theirs."""
    return Images(
        references=dict.fromkeys(architectures, reference),
        repository_arn=repository_arn(reference, account),
    )
