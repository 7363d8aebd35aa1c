"""The one component that a program uses: a service, on the tier that its stack file names."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from turnout.config import (
    ConfigError,
    Kind,
    Local,
    ServiceConfig,
    parse_service,
    tier_warnings,
)
from turnout.contract import ModelSource, Outputs, Workload

PORT = 8000


class Service(pulumi.ComponentResource):
    """A text-classification service. `url` is where it answers.

    `name` names the component; resources are named after `config.name`. The outputs have the same
    names on every tier; what a tier does not have is empty or None.
    """

    url: pulumi.Output[str]
    target_groups: Mapping[Kind, pulumi.Output[str]]
    """ARNs by tier."""
    log_groups: Mapping[Kind, pulumi.Output[str]]
    """CloudWatch log groups by tier; for `local` the log file."""
    dashboard_url: pulumi.Output[str] | None
    alarm_names: Sequence[pulumi.Output[str]]
    topic_arn: pulumi.Output[str] | None

    def __init__(
        self, name: str, config: ServiceConfig, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:index:Service", name, {}, _bounded(config, opts))
        for warning in tier_warnings(config):
            pulumi.log.warn(warning, self)
        outputs = _deploy(config, pulumi.ResourceOptions(parent=self))
        self.url = outputs.url
        self.target_groups = outputs.target_groups
        self.log_groups = outputs.log_groups
        self.dashboard_url = outputs.dashboard_url
        self.alarm_names = outputs.alarm_names
        self.topic_arn = outputs.topic_arn
        self.register_outputs(self.outputs())

    def outputs(self) -> dict[str, Any]:
        """What a stack exports of the service."""
        return {
            "url": self.url,
            "targetGroups": self.target_groups,
            "logGroups": self.log_groups,
            "dashboardUrl": self.dashboard_url,
            "alarmNames": self.alarm_names,
            "topicArn": self.topic_arn,
        }


def configured() -> ServiceConfig:
    """The service of this stack, from its `turnout:service`. Raises RunError with what is wrong."""
    said: Any = pulumi.Config("turnout").get_object("service")
    try:
        return parse_service(said, pulumi.Config("aws").get("region"))
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from None


def _bounded(
    config: ServiceConfig, opts: pulumi.ResourceOptions | None
) -> pulumi.ResourceOptions | None:
    if config.permissions_boundary is None:
        return opts
    from turnout.parts.identity import bounded_by

    bound = bounded_by(config.permissions_boundary)
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(transformations=[bound]))


def _deploy(config: ServiceConfig, opts: pulumi.ResourceOptions) -> Outputs:
    tier = config.tiers[0]
    # Imported where they are chosen: the AWS SDK costs seconds that `local` need not pay.
    if isinstance(tier, Local):
        from turnout.targets import local

        deployment = local.deploy(_workload(config, image="", repository_arn=None), tier, opts)
        if deployment.url is None:
            raise TypeError("a local server has a URL")
        return Outputs(
            url=deployment.url,
            target_groups={},
            log_groups={"local": deployment.log_group},
            dashboard_url=None,
            alarm_names=[],
            topic_arn=None,
        )
    from turnout import on_aws
    from turnout.parts.account import look_up_account
    from turnout.parts.image import images_of

    account = look_up_account(pulumi.InvokeOptions(parent=opts.parent))
    images = images_of(config, account, opts)
    workload = _workload(
        config, image=images.references[tier.architecture], repository_arn=images.repository_arn
    )
    return on_aws.deploy(config, workload, images, account, opts)


def _workload(
    config: ServiceConfig,
    *,
    image: pulumi.Input[str],
    repository_arn: pulumi.Input[str] | None,
) -> Workload:
    model = config.model
    return Workload(
        name=config.name,
        image=image,
        repository_arn=repository_arn,
        model=None
        if model is None
        else ModelSource(uri=model.uri, sha256=model.sha256, kms_key=model.kms_key),
        port=PORT,
        health_path=config.health_check.path,
        environment={
            **config.settings,
            "TURNOUT_MAX_BODY_BYTES": str(config.requests.max_body),
            "TURNOUT_REQUEST_TIMEOUT": str(config.requests.timeout),
        },
        api_keys_secret=config.api_keys_secret,
        api_keys_kms_key=config.api_keys_kms_key,
        deregistration_delay=config.deregistration_delay,
    )
