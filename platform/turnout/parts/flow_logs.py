"""A record of who talked to whom in the VPC."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2

from turnout.config.surroundings import Logs
from turnout.parts.account import Account
from turnout.parts.identity import Role, RoleArgs
from turnout.parts.logs import LogGroup, LogGroupArgs
from turnout.parts.statements import Statement, trust


@dataclass(frozen=True, kw_only=True)
class FlowLogsArgs:
    """Whose traffic is recorded, and for how long it is kept."""

    vpc_id: pulumi.Input[str]
    account: Account
    logs: Logs
    tags: Mapping[str, str]


class FlowLogs(pulumi.ComponentResource):
    """Accepted and refused traffic of a VPC, in a log group of its own."""

    def __init__(
        self, name: str, args: FlowLogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("turnout:parts:FlowLogs", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = LogGroup(
            name,
            LogGroupArgs(log_group_name=f"/vpc/{name}", logs=args.logs, tags=args.tags),
            child,
        )
        role = Role(
            name,
            RoleArgs(
                description="Writes the VPC's flow logs",
                trust=trust(
                    "vpc-flow-logs.amazonaws.com",
                    {
                        "StringEquals": {"aws:SourceAccount": args.account.account_id},
                        "ArnLike": {"aws:SourceArn": args.account.arn("ec2", "vpc-flow-log/*")},
                    },
                ),
                statements=[
                    Statement(
                        sid="WriteFlowLogs",
                        actions=[
                            "logs:CreateLogStream",
                            "logs:DescribeLogStreams",
                            "logs:PutLogEvents",
                        ],
                        resources=[group.arn, pulumi.Output.concat(group.arn, ":*")],
                    )
                ],
                tags=args.tags,
            ),
            child,
        )
        ec2.FlowLog(
            name,
            vpc_id=args.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=60,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*role.permissions]),
        )
        self.register_outputs({"logGroup": group.name})
