"""The offline plan: what a stack's program asks for, without an engine, an account or a provider.

A check before `pulumi preview`, never a replacement of it: no provider has read the inputs.
"""

from turnout.plan.record import Plan, PlannedResource, Secret, Unknown, plain
from turnout.plan.run import ProgramError, plan_program

__all__ = [
    "Plan",
    "PlannedResource",
    "ProgramError",
    "Secret",
    "Unknown",
    "plain",
    "plan_program",
]
