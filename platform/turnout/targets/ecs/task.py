"""The container of a task, as ECS's own JSON. Pure: values may be outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from turnout.contract import Workload

USER: Final = "10001:10001"
SCRATCH: Final = "scratch"
STREAM_PREFIX: Final = "ecs"
HEALTH_COMMAND: Final = "turnout-healthcheck"
# Time for a model to be fetched and loaded before a failed check counts; AWS allows 300.
START_PERIOD_SECONDS: Final = 120


@dataclass(frozen=True, kw_only=True)
class ContainerArgs:
    """What differs between deployments: everything else is the container's contract."""

    workload: Workload
    environment: Mapping[str, pulumi.Input[str]]
    log_group: pulumi.Input[str]
    region: pulumi.Input[str]
    stop_timeout: int


def container_definition(args: ContainerArgs) -> dict[str, Any]:
    """The one container: not root, read-only but for /tmp, no capability, checked by itself."""
    return {
        "name": args.workload.name,
        "image": args.workload.image,
        "essential": True,
        "user": USER,
        "readonlyRootFilesystem": True,
        "linuxParameters": {"capabilities": {"drop": ["ALL"]}, "initProcessEnabled": True},
        # Fargate has no tmpfs: the image's VOLUME hands its rights on /tmp to this volume.
        "mountPoints": [{"sourceVolume": SCRATCH, "containerPath": "/tmp"}],  # noqa: S108
        "portMappings": [
            {"containerPort": args.workload.port, "hostPort": args.workload.port, "protocol": "tcp"}
        ],
        "environment": [
            {"name": name, "value": value} for name, value in sorted(args.environment.items())
        ],
        "healthCheck": {
            "command": ["CMD", HEALTH_COMMAND],
            "interval": 30,
            "timeout": 10,
            "retries": 3,
            "startPeriod": START_PERIOD_SECONDS,
        },
        "stopTimeout": args.stop_timeout,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": args.log_group,
                "awslogs-region": args.region,
                "awslogs-stream-prefix": STREAM_PREFIX,
                # A log service that does not answer must not stop the classifier.
                "mode": "non-blocking",
                "max-buffer-size": "4m",
            },
        },
    }
