"""What a machine may do."""

import pulumi

from turnout.config.target import Ec2
from turnout.parts.statements import (
    Statement,
    read_at_start,
    use_image,
    write_logs,
)
from turnout.targets.ec2.user_data import AGENT_NAMESPACE
from turnout.targets.tier import Door, TierArgs


def statements(
    args: TierArgs[Ec2], door: Door, group_name: str, log_group_arn: pulumi.Input[str]
) -> list[Statement]:
    """Everything that the scripts, the agents and the container ask AWS for."""
    workload = args.workload
    return [
        *use_image(workload.repository_arn),
        *read_at_start(workload, args.account),
        write_logs(log_group_arn),
        Statement(
            sid="SayThatTheMachineMayGo",
            actions=["autoscaling:CompleteLifecycleAction"],
            # AWS puts an id of its own before the group's name.
            resources=[
                args.account.arn(
                    "autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{group_name}"
                )
            ],
        ),
        Statement(
            sid="LeaveTheLoadBalancer",
            actions=["elasticloadbalancing:DeregisterTargets"],
            resources=[door.target_group.arn],
        ),
        *_WITHOUT_RESOURCES,
    ]


# Service Authorization Reference: none of these actions takes a resource but `*`.
_WITHOUT_RESOURCES = (
    # The CloudWatch agent, in its own namespace alone.
    Statement(
        sid="SendMetrics",
        actions=["cloudwatch:PutMetricData"],
        resources=["*"],
        conditions={"StringEquals": {"cloudwatch:namespace": AGENT_NAMESPACE}},
    ),
    # How the agent finds the name of its auto scaling group.
    Statement(sid="FindOwnGroup", actions=["ec2:DescribeTags"], resources=["*"]),
    # Session Manager: Systems Manager, "Add Session Manager permissions to an existing IAM role".
    Statement(
        sid="OpenSessions",
        actions=[
            "ssm:UpdateInstanceInformation",
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ],
        resources=["*"],
    ),
)
