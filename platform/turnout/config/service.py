"""`ServiceConfig`: a service whose parts agree with each other."""

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from turnout.config.fields import ServiceFields
from turnout.config.rules import disagreements


class ServiceConfig(ServiceFields):
    """One text-classification service: what runs, where, behind which door, watched how."""

    @model_validator(mode="after")
    def _parts_agree(self) -> "ServiceConfig":
        problems = tuple(disagreements(self))
        if problems:
            raise PydanticCustomError(
                "turnout_rules", "{n} rules broken", {"n": len(problems), "problems": problems}
            )
        return self
