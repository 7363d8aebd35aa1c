"""What can be watched on EC2: memory only because the CloudWatch agent runs."""

import pulumi

from turnout.config.surroundings import Alarms, Scaling
from turnout.contract import Metric, Signal, Signals
from turnout.targets.ec2.user_data import AGENT_NAMESPACE, MEMORY_METRIC
from turnout.targets.tier import Door


def signals(group: pulumi.Input[str], door: Door, alarms: Alarms, scaling: Scaling) -> Signals:
    """CPU and memory of the group's machines; the rest is what the load balancer sees."""

    def used(namespace: str, name: str, threshold: float) -> Signal:
        return Signal(
            metric=Metric(
                namespace=namespace,
                name=name,
                dimensions={"AutoScalingGroupName": group},
                statistic="Average",
            ),
            unit="percent",
            bad_when="above",
            threshold=threshold,
            # A machine always has figures: silence is an agent that died, or no machine at all.
            missing="breaching" if scaling.fewest else "notBreaching",
        )

    return Signals(
        cpu=used("AWS/EC2", "CPUUtilization", alarms.cpu),
        memory=used(AGENT_NAMESPACE, MEMORY_METRIC, alarms.memory),
        healthy_hosts=door.signals["healthy_hosts"],
        response_time=door.signals["response_time"],
        errors=door.signals["errors"],
        extra={},
    )
