"""The foundation of the stack that is being run, if its file has one."""

from typing import Any

import pulumi

from turnout.config.errors import ConfigError
from turnout.config.foundation import FoundationConfig, parse_foundation


def configured_foundation() -> FoundationConfig | None:
    """What `turnout:foundation` says; None where it is not there. Raises RunError."""
    config = pulumi.Config("turnout")
    said: Any = config.get_object("foundation")
    if said is None:
        return None
    if config.get("service") is not None:
        raise pulumi.RunError(
            "turnout:foundation: cannot stand beside turnout:service; give each its own stack: "
            "a service comes and goes, its foundation stays"
        )
    try:
        return parse_foundation(said)
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from None
