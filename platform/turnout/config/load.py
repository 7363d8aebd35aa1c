"""From plain data, as YAML or Pulumi's config gives it, to a checked model."""

from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from turnout.config.errors import ROOT, ConfigError, Problem, explain
from turnout.config.regions import region_problems
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


def parse_service(data: object, region: str | None = None) -> ServiceConfig:
    """The service that `data` describes, in the AWS region of its stack, if that is known.

    Raises ConfigError with every problem found.
    """
    config = parse(ServiceConfig, data, ROOT)
    problems = () if region is None else tuple(region_problems(config, region))
    if problems:
        raise ConfigError(problems)
    return config
