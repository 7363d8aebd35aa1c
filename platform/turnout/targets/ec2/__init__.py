"""EC2: machines in an auto scaling group, the container run by Docker."""

from turnout.targets.ec2.target import Ec2Target

__all__ = ["Ec2Target"]
