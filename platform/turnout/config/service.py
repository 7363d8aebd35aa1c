"""`ServiceConfig`: a service whose parts agree with each other."""

from pydantic import model_validator

from turnout.config.fields import ServiceFields
from turnout.config.rules import disagreements
from turnout.config.scalars import wrong_within


class ServiceConfig(ServiceFields):
    """One text-classification service: what runs, where, behind which door, watched how."""

    @model_validator(mode="after")
    def _parts_agree(self) -> "ServiceConfig":
        problems = tuple(disagreements(self))
        if problems:
            raise wrong_within(problems)
        return self
