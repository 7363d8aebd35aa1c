"""The one component that a program uses: a service, on the tier that its stack file names."""

from typing import Any, assert_never

import pulumi

from turnout.config import (
    ConfigError,
    Ec2,
    Ecs,
    Eks,
    Lambda,
    Local,
    ServiceConfig,
    Tiers,
    parse_service,
    tier_warnings,
)
from turnout.contract import Deployment, ModelSource, Workload

PORT = 8000


class Service(pulumi.ComponentResource):
    """A text-classification service. `url` is where it answers."""

    url: pulumi.Output[str]

    def __init__(
        self, name: str, config: ServiceConfig, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:index:Service", name, {}, opts)
        for warning in tier_warnings(config):
            pulumi.log.warn(warning, self)
        (tier,) = config.tiers
        deployment = _deploy(_workload(name, config), tier, pulumi.ResourceOptions(parent=self))
        if deployment.url is None:
            raise pulumi.RunError(f"turnout:service.target: {tier.kind} has no front door yet")
        self.url = deployment.url
        self.register_outputs({"url": self.url})


def configured() -> ServiceConfig:
    """The service of this stack, from its `turnout:service`. Raises RunError with what is wrong."""
    said: Any = pulumi.Config("turnout").get_object("service")
    try:
        return parse_service(said)
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from None


def _workload(name: str, config: ServiceConfig) -> Workload:
    model = config.model
    return Workload(
        name=name,
        image=config.image if isinstance(config.image, str) else "",
        model=None if model is None else ModelSource(uri=model.uri, sha256=model.sha256),
        port=PORT,
        health_path=config.health_check.path,
        environment={
            **config.settings,
            "TURNOUT_MAX_BODY_BYTES": str(config.requests.max_body),
            "TURNOUT_REQUEST_TIMEOUT": str(config.requests.timeout),
        },
        api_keys_secret=config.api_keys_secret,
        deregistration_delay=config.deregistration_delay,
    )


def _deploy(workload: Workload, tier: Tiers, opts: pulumi.ResourceOptions) -> Deployment:
    # Tiers are imported where they are chosen: the AWS SDK costs seconds that `local` need not pay.
    match tier:
        case Local():
            from turnout.targets import local

            return local.deploy(workload, tier, opts)
        case Ec2() | Ecs() | Eks() | Lambda():
            raise pulumi.RunError(f"turnout:service.target: {tier.kind} is not wired yet")
        case _:
            assert_never(tier)
