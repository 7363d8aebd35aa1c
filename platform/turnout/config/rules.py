"""What two parts of the stack file say against each other, and what a tier cannot honour."""

import json
from collections.abc import Iterator
from typing import Final

from turnout import sizing
from turnout.config.fields import ServiceFields, is_doorless
from turnout.config.server_settings import setting_default
from turnout.config.target import Ec2, Ecs, Eks, Lambda, Local, Tiers, is_clusters_own


def disagreements(config: ServiceFields) -> Iterator[str]:
    """What two parts of the file say against each other, each as `path: message`."""
    yield from _targets(config)
    if (config.target is None) == (config.targets is None):
        return
    yield from _front_door(config)
    yield from _what_a_tier_cannot_do(config)
    yield from _server(config)


# What the lambda tier sets beside settings, model and secret, at its longest: held by a test.
LAMBDA_OWN_BYTES: Final = 448
# What a machine's 16 KB of user data leave to settings, model and secret: held by a test.
EC2_SETTINGS_BYTES: Final = 4096
_WORKERS: Final = "TURNOUT_WORKERS"
_HELD_BODIES: Final = "TURNOUT_MAX_WAITING_BYTES"


def _server(config: ServiceFields) -> Iterator[str]:
    if _WORKERS in config.settings:
        for tier in config.tiers:
            if isinstance(tier, Local | Lambda):
                by = "target.workers" if isinstance(tier, Local) else "the lambda tier, to 1"
                yield f"settings.{_WORKERS}: is set by {by}; remove it here"
    key, secret = config.api_keys_kms_key, config.api_keys_secret
    if key is not None and secret is None:
        yield "api_keys_kms_key: is of no use without api_keys_secret; remove it"
    elif key is not None and secret is not None and key.split(":")[3] != secret.split(":")[3]:
        yield "api_keys_kms_key: is of another region than api_keys_secret; give the key of that"
    held = int(config.settings.get(_HELD_BODIES) or setting_default(_HELD_BODIES))
    if config.requests.max_body > held:
        yield (
            f"requests.max_body: {config.requests.max_body} is more than the server holds of all "
            f"bodies at once, {held}; use at most that, or raise settings.{_HELD_BODIES}"
        )


def _targets(config: ServiceFields) -> Iterator[str]:
    if config.target is None and config.targets is None:
        yield "target: is missing; say which tier: local, ec2, ecs, eks or lambda"
    elif config.target is not None and config.targets is not None:
        yield "targets: cannot stand beside target; keep one of both"
    elif config.target is not None:
        if config.target.retire:
            yield (
                "target.retire: leaves nobody to serve; list the tier that takes over beside it "
                "under targets"
            )
        if config.target.weight not in (None, 100):
            yield (
                f"target.weight: {config.target.weight} leaves the rest to nobody; "
                "remove it, or list two tiers under targets"
            )
    else:
        yield from _weights(config.targets or ())


def _weights(tiers: tuple[Tiers, ...]) -> Iterator[str]:
    kinds = [tier.kind for tier in tiers]
    for index, tier in enumerate(tiers):
        if kinds.index(tier.kind) != index:
            yield f"targets[{index}].kind: {tier.kind} is there twice; each tier stands once"
        if tier.weight is None:
            yield f"targets[{index}].weight: is missing; give each tier its percent of the requests"
        elif tier.retire and tier.weight:
            yield (
                f"targets[{index}].retire: {tier.kind} still gets {tier.weight} % of the requests; "
                "move them with weight: 0 first"
            )
        if is_doorless(tier) and len(tiers) > 1:
            yield (
                f"targets[{index}]: {tier.kind} without the load balancer cannot share requests; "
                "use it alone, as target"
            )
    total = sum(tier.weight or 0 for tier in tiers)
    if all(tier.weight is not None for tier in tiers) and total != 100:
        yield f"targets: the weights add to {total}; they must add to 100"


def _front_door(config: ServiceFields) -> Iterator[str]:
    if not config.has_front_door:
        return
    if config.certificate is None:
        if config.access == "internet" and not config.plain_http:
            yield (
                "certificate: is missing; access: internet takes {arn: …} or {domain: …, zone: …}"
            )
        elif config.access == "internal" and not config.plain_http:
            yield (
                "certificate: is missing; give {arn: …} or {domain: …, zone: …}, "
                "or say plain_http: true for an internal service without TLS"
            )
    if config.plain_http and config.access == "internet":
        yield "plain_http: cannot be used with access: internet; give a certificate instead"
    if config.plain_http and config.certificate is not None:
        yield "plain_http: cannot stand beside certificate; keep one of both"
    if config.callers and config.access == "internet":
        yield "callers: are among everybody, with access: internet; remove it, or the other"
    existing = config.network.existing
    if config.access == "internet" and existing is not None and not existing.public_subnets:
        yield "network.existing.public_subnets: is missing; access: internet needs two or more"


def _what_a_tier_cannot_do(config: ServiceFields) -> Iterator[str]:
    yield from _closed_network(config)
    for index, tier in enumerate(config.tiers):
        if isinstance(tier, Local):
            continue
        path = "target" if config.target is not None else f"targets[{index}]"
        if config.image is None:
            yield (
                f"image: is missing; the {tier.kind} tier runs <repository>@sha256:<digest>, "
                "or {build: true} builds it"
            )
        if config.model is not None and config.model.uri.startswith("file:"):
            yield (
                f"model.uri: {config.model.uri} is a folder of this machine, which the {tier.kind} "
                "tier cannot see; push it with `turnout-model push` and give its s3:// address"
            )
        match tier:
            case Lambda():
                yield from _lambda(config, tier, path)
            case Ecs():
                yield from _ecs(config, tier)
            case Eks():
                yield from _eks(config, tier, path)
            case Ec2():
                yield from _ec2(config, tier, path)
        if not isinstance(tier, Lambda):
            yield from _scaling(config, tier)
    if all(isinstance(tier, Lambda | Local) for tier in config.tiers):
        yield from _no_scaling(config)


def _closed_network(config: ServiceFields) -> Iterator[str]:
    create, image = config.network.create, config.image
    if create is None or create.nat != "none":
        return
    if isinstance(image, str) and ".dkr.ecr" not in image.partition("/")[0]:
        yield f"image: {image} is not in Amazon ECR, the one registry that nat: none leaves"
    if config.model is not None and config.model.uri.startswith("https:"):
        yield (
            f"model.uri: {config.model.uri} is out of reach with nat: none; push the model with "
            "`turnout-model push` and give its s3:// address"
        )


def _eks(config: ServiceFields, tier: Eks, path: str) -> Iterator[str]:
    if tier.create_namespace and tier.namespace is None and is_clusters_own(config.name):
        yield (
            f"{path}.namespace: is the service's name unless given, and {config.name} belongs to "
            "the cluster; give another"
        )
    if tier.cluster is not None and config.network.existing is None:
        yield (
            f"{path}.cluster: {tier.cluster.name} stands in a VPC of its own, and a load balancer "
            "reaches pods of its VPC only; give that VPC as network.existing"
        )


def _lambda(config: ServiceFields, tier: Lambda, path: str) -> Iterator[str]:
    if isinstance(config.image, str):
        yield from _lambda_image(config, config.image, tier, path)
    told = _environment_bytes(config) + LAMBDA_OWN_BYTES
    if told > sizing.LAMBDA_ENVIRONMENT_BYTES:
        yield (
            f"settings: with what the tier sets itself they take {told} bytes, and Lambda has "
            f"{sizing.LAMBDA_ENVIRONMENT_BYTES} for all of its environment; set fewer or shorter "
            "ones"
        )
    alb = tier.front == "alb"
    most = sizing.LAMBDA_ALB_BODY_BYTES if alb else sizing.LAMBDA_URL_BODY_BYTES
    where = "behind a load balancer" if alb else "behind a function URL"
    if config.requests.max_body > most:
        yield (
            f"requests.max_body: {config.requests.max_body} is more than Lambda takes {where}; "
            f"use at most {most} (bytes), or another tier"
        )
    if config.requests.timeout >= tier.timeout:
        yield (
            f"requests.timeout: {config.requests.timeout} is not shorter than {path}.timeout "
            f"{tier.timeout}: Lambda would cut the request before the server can answer 504"
        )


def _environment_bytes(config: ServiceFields) -> int:
    told = {
        **config.settings,
        "TURNOUT_MODEL": config.model.uri if config.model else "",
        "TURNOUT_API_KEYS_SECRET": config.api_keys_secret or "",
    }
    return len(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode())


def _lambda_image(config: ServiceFields, image: str, tier: Lambda, path: str) -> Iterator[str]:
    # AWS, "Create a Lambda function using a container image": private ECR, one platform.
    if ".dkr.ecr" not in image.partition("/")[0]:
        yield f"image: {image} is not in Amazon ECR; Lambda runs images of a private ECR registry"
    for other in config.tiers:
        if not isinstance(other, Local | Lambda) and other.architecture != tier.architecture:
            yield (
                f"{path}.architecture: {tier.architecture} differs from {other.architecture} of "
                f"{other.kind}, and Lambda takes no image of several platforms; use the same, "
                "or image: {build: true}, which builds one for each"
            )


def _ec2(config: ServiceFields, tier: Ec2, path: str) -> Iterator[str]:
    told = _environment_bytes(config)
    if told > EC2_SETTINGS_BYTES:
        yield (
            f"settings: they take {told} bytes, and the user data of a machine has room for "
            f"{EC2_SETTINGS_BYTES} beside its scripts; set fewer or shorter ones"
        )
    create = config.network.create
    if create is not None and create.nat == "none" and tier.ami is None:
        yield (
            f"{path}: ec2 installs Docker from the internet, which nat: none cuts off; use "
            "nat: single, or an ami that has Docker, the AWS CLI and the CloudWatch agent"
        )


def _ecs(config: ServiceFields, tier: Ecs) -> Iterator[str]:
    # AWS, "Amazon ECS task definition parameters for Fargate": stopTimeout is at most 120 s. On
    # demand ECS lets the load balancer finish before that time begins.
    if tier.spot and config.deregistration_delay > 100:
        yield (
            f"deregistration_delay: {config.deregistration_delay} is longer than a task on Fargate "
            "Spot has to stop; use at most 100 (seconds), or spot: 0"
        )


def _scaling(config: ServiceFields, tier: Ec2 | Ecs | Eks | Local) -> Iterator[str]:
    if tier.kind == "eks":
        if config.scaling.min == 0:
            yield "scaling.min: 0 is below what the autoscaler of eks keeps; use 1 or more"
        if config.scaling.schedules:
            yield (
                f"scaling.schedules: {config.scaling.schedules[0].name} cannot be kept on eks, "
                "whose autoscaler knows no hours; remove it, or use ecs or ec2"
            )
        if config.scaling.requests_per_target is not None:
            yield (
                "scaling.requests_per_target: cannot be kept on eks without an external metrics "
                "adapter; remove it, or use ecs or ec2"
            )


def _no_scaling(config: ServiceFields) -> Iterator[str]:
    kinds = " and ".join(tier.kind for tier in config.tiers)
    if "scaling" in config.model_fields_set and kinds:
        fix = (
            "remove it; bound it with target.reserved_concurrency, warm it with "
            "target.provisioned_concurrency"
            if "lambda" in kinds
            else "remove it; target.workers says how many processes run"
        )
        yield f"scaling: has no meaning on {kinds}, which scales by itself or not at all; {fix}"
