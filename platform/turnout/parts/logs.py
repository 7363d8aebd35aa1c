"""A log group that forgets: what a tier, the firewall or the network writes to."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch

from turnout.config.surroundings import Logs


@dataclass(frozen=True, kw_only=True)
class LogGroupArgs:
    """`log_group_name` is the physical name, such as `/ecs/hate-speech-api`."""

    log_group_name: pulumi.Input[str]
    logs: Logs
    tags: Mapping[str, str]


class LogGroup(pulumi.ComponentResource):
    """One CloudWatch log group with retention, and with a key where the stack file names one."""

    arn: pulumi.Output[str]
    name: pulumi.Output[str]

    def __init__(
        self, name: str, args: LogGroupArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:parts:LogGroup", name, None, opts)
        group = cloudwatch.LogGroup(
            name,
            name=args.log_group_name,
            retention_in_days=args.logs.retention,
            kms_key_id=args.logs.kms_key,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = group.arn
        self.name = group.name
        self.register_outputs({"arn": self.arn, "name": self.name})
