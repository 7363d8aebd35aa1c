"""What can be watched on ECS."""

import pulumi

from turnout.config.surroundings import Alarms
from turnout.contract import Metric, Signal, Signals
from turnout.targets.tier import Door


def signals(
    cluster: pulumi.Input[str], service: pulumi.Input[str], door: Door, alarms: Alarms
) -> Signals:
    """CPU and memory of the service's tasks; the rest is what the load balancer sees."""

    def used(name: str, threshold: float) -> Signal:
        return Signal(
            metric=Metric(
                namespace="AWS/ECS",
                name=name,
                dimensions={"ClusterName": cluster, "ServiceName": service},
                statistic="Average",
            ),
            unit="percent",
            bad_when="above",
            threshold=threshold,
            # No task, no figure: healthy_hosts says so, and this one keeps silent.
            missing="notBreaching",
        )

    return Signals(
        cpu=used("CPUUtilization", alarms.cpu),
        memory=used("MemoryUtilization", alarms.memory),
        healthy_hosts=door.signals["healthy_hosts"],
        response_time=door.signals["response_time"],
        errors=door.signals["errors"],
        extra={},
    )
