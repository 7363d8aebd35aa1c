"""What a machine and an account have for a stack, what is missing, and what that costs."""

from turnout.doctor.finding import Finding, Health
from turnout.doctor.machine import examine_machine

__all__ = ["Finding", "Health", "examine_machine"]
