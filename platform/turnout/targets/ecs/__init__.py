"""ECS: containers on Fargate, behind the load balancer."""

from turnout.targets.ecs.target import EcsTarget

__all__ = ["EcsTarget"]
