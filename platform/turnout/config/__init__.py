"""The stack file's model: what can be said under `turnout:service`, checked before anything runs.

Imports pydantic and nothing of Pulumi, so that it loads in milliseconds.
"""

from turnout.config.errors import ConfigError, Problem
from turnout.config.load import parse_service
from turnout.config.schema import stack_file_schema
from turnout.config.service import ServiceConfig
from turnout.config.target import Ec2, Ecs, Eks, Kind, Lambda, Local, Tiers
from turnout.config.warnings import tier_warnings

__all__ = [
    "ConfigError",
    "Ec2",
    "Ecs",
    "Eks",
    "Kind",
    "Lambda",
    "Local",
    "Problem",
    "ServiceConfig",
    "Tiers",
    "parse_service",
    "stack_file_schema",
    "tier_warnings",
]
