"""From plain data, as YAML or Pulumi's config gives it, to a checked model."""

from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from turnout.config.errors import ROOT, ConfigError, Problem, explain
from turnout.config.service import ServiceConfig

# What YAML can hold where a mapping should be, in the words of the other messages.
_KINDS: Final = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
}
M = TypeVar("M", bound=BaseModel)


def parse(model: type[M], data: object, root: str) -> M:
    """The `model` that `data` describes.

    `root` is the path that problems start with. Raises ConfigError with every problem found.
    """
    if not isinstance(data, dict):
        given = "nothing" if data is None else _KINDS.get(type(data), type(data).__name__)
        raise ConfigError([Problem(root, f"must be a mapping of keys to values, not {given}")])
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise explain(error, model, root) from None


def parse_service(data: object, root: str = ROOT) -> ServiceConfig:
    """The service that `data` describes. Raises ConfigError with every problem found."""
    return parse(ServiceConfig, data, root)
