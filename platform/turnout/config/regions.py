"""What the stack file names of another region than the stack's: AWS would refuse it, minutes in."""

import re
from collections.abc import Iterator
from typing import Final

from turnout.config.errors import ROOT, Problem, shown
from turnout.config.service import ServiceConfig
from turnout.config.target import Lambda, Local

KEY: Final = "aws:region"
# AWS, "AWS Regions": a part of the world, a direction, a number.
PATTERN: Final = r"[a-z]{2}(?:-[a-z]+)+-[1-9][0-9]?"
_REGION: Final = re.compile(PATTERN)
_ECR: Final = re.compile(r"\d{12}\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com")


def region_problems(config: ServiceConfig, region: str) -> Iterator[Problem]:
    """What of `config` is not of `region`, or cannot be reached from it."""
    if all(isinstance(tier, Local) for tier in config.tiers):
        return
    if _REGION.fullmatch(region) is None:
        yield Problem(KEY, f"{shown(region)} is no AWS region; use one such as ap-northeast-2")
        return
    for key, said in _elsewhere(config, region):
        yield Problem(f"{ROOT}.{key}", f"{said}, and the stack is in {region} ({KEY})")


def _elsewhere(config: ServiceConfig, region: str) -> Iterator[tuple[str, str]]:
    certificate, image, secret = config.certificate, config.image, config.api_keys_secret
    create = config.network.create
    closed = create is not None and create.nat == "none"
    if config.has_front_door and certificate is not None and certificate.arn is not None:
        theirs = _of_arn(certificate.arn)
        if theirs != region:
            yield (
                "certificate.arn",
                f"is of {theirs}; a load balancer takes a certificate of its own region",
            )
    if config.logs.kms_key is not None and (theirs := _of_arn(config.logs.kms_key)) != region:
        yield "logs.kms_key", f"is of {theirs}; a log group takes a key of its own region"
    match = _ECR.match(image) if isinstance(image, str) else None
    if match is not None and match[1] != region:
        if any(isinstance(tier, Lambda) for tier in config.tiers):
            yield "image", f"is in {match[1]}; Lambda runs images of its own region"
        elif closed:
            yield "image", f"is in {match[1]}; nat: none leaves the registry of its own region"
    if closed and secret is not None and (theirs := _of_arn(secret)) != region:
        yield "api_keys_secret", f"is of {theirs}; nat: none leaves secrets of its own region"


def _of_arn(arn: str) -> str:
    return arn.split(":", 4)[3]
