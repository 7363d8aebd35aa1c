"""What is wrong with a stack file, in words: the place, the value, what is allowed."""

import difflib
import json
import math
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

ROOT: Final = "turnout:service"
_SHOWN: Final = 60
# So like another that no other place needs to be looked at.
_SURELY_MEANT: Final = 0.8
_LONGEST_PATH: Final = 200


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: `path` from `turnout:service` on, `message` with value and fix."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{printable(self.path, _LONGEST_PATH)}: {self.message}"


class ConfigError(ValueError):
    """The stack file says something that cannot be done. Its text has a line for each problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def explain(error: ValidationError, model: type[BaseModel], root: str = ROOT) -> ConfigError:
    """The problems of a pydantic error over `model`, in the words of the stack file."""
    found: dict[Problem, None] = {}
    everything = error.errors(include_url=False)
    for details in everything:
        if details["type"] == "too_short" and _has_inner(details["loc"], everything):
            continue  # the items were given: they are wrong themselves
        for problem in _problems(details, model, root):
            found[problem] = None
    return ConfigError(tuple(found))


def _has_inner(loc: tuple[int | str, ...], errors: Sequence[ErrorDetails]) -> bool:
    return any(len(e["loc"]) > len(loc) and e["loc"][: len(loc)] == loc for e in errors)


def _problems(details: ErrorDetails, model: type[BaseModel], root: str) -> Iterator[Problem]:
    path, owner = _walk(details["loc"], model, root)
    context: Mapping[str, Any] = details.get("ctx", {})
    value = shown(details["input"])
    match details["type"]:
        case "turnout_rules":
            for text in context["problems"]:
                inner, _, message = text.partition(": ")
                yield Problem(f"{path}.{inner}", message)
        case "turnout":
            simple = isinstance(details["input"], str | int | float | bool)
            text = context["text"]
            yield Problem(path, f"{value} {text}" if simple else text)
        case "extra_forbidden":
            yield Problem(path, _unknown_key(str(details["loc"][-1]), owner, model))
        case "missing":
            yield Problem(path, f"is missing{_what(owner, details['loc'][-1])}")
        case "union_tag_invalid" | "union_tag_not_found":
            kinds = str(context.get("expected_tags", "local, ec2, ecs, eks, lambda"))
            tags = [kind.strip(" '") for kind in kinds.split(",")]
            tag = details["input"].get("kind") if isinstance(details["input"], Mapping) else None
            said = "is missing" if tag is None else f"{shown(tag)} is not a tier"
            yield Problem(f"{path}.kind", f"{said}; use {', '.join(tags)}{_hint(tag, tags)}")
        case kind if details["input"] is None and (kind in _WANTED or kind == "literal_error"):
            wanted = _WANTED.get(kind) or str(context["expected"]).replace("'", "")
            key = details["loc"][-1]
            field = None if owner is None else owner.model_fields.get(str(key))
            away = "" if field is not None and field.is_required() else ", or remove the key"
            yield Problem(path, f"is empty; give {wanted}{away}")
        case "literal_error":
            allowed = str(context["expected"]).replace("'", "").replace(" or ", ", ")
            hint = _hint(details["input"], allowed.split(", "))
            yield Problem(
                path, f"{value} is not known; use {allowed.replace('True', 'true')}{hint}"
            )
        case "greater_than_equal":
            yield Problem(path, f"{value} is too small; use {context['ge']} or more")
        case "greater_than":
            yield Problem(path, f"{value} is too small; use more than {context['gt']}")
        case "less_than_equal":
            yield Problem(path, f"{value} is too large; use {context['le']} or less")
        case "too_short":
            yield Problem(
                path, f"has {context['actual_length']}; give {context['min_length']} or more"
            )
        case "too_long":
            yield Problem(
                path,
                f"has more than {context['max_length']}; give {context['max_length']} or fewer",
            )
        case "string_too_short" | "string_too_long":
            yield Problem(path, f"{value}: {details['msg'][0].lower()}{details['msg'][1:]}")
        case kind if kind in _WANTED:
            yield Problem(path, f"{value} is not {_WANTED[kind]}{_unquote(details)}")
        case _:
            yield Problem(path, f"{value}: {details['msg'][0].lower()}{details['msg'][1:]}")


_WANTED: Final = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}


def _unquote(details: ErrorDetails) -> str:
    given = details["input"]
    if isinstance(given, str):
        number = given.replace(".", "", 1).isdecimal()
        truth = given in {"true", "false"}
        if (number and details["type"] in {"int_type", "float_type"}) or (
            truth and details["type"] == "bool_type"
        ):
            return "; remove the quotes"
    if details["type"] == "string_type" and isinstance(given, int | float):
        return "; put it in quotes"
    if details["type"] == "tuple_type" and isinstance(given, str):
        return f"; write [{given}]"
    return ""


def shown(value: object) -> str:
    """The value, short enough to be read in an error."""
    if isinstance(value, float) and math.isinf(value):
        text = ".inf"
    elif isinstance(value, str):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return '""' if text == "" else printable(text)


def printable(text: str, most: int = _SHOWN) -> str:
    """The text without what a terminal would obey, at most `most` characters of it."""
    text = text[: most + 1]
    text = text if text.isprintable() else text.encode("unicode_escape").decode()
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _hint(given: object, allowed: Sequence[str]) -> str:
    """The allowed word or number nearest to what was given, as a question; else nothing."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        numbers = [int(word) for word in allowed if word.isdecimal()]
        near = min(numbers, key=lambda number: abs(number - given), default=None)
        return "" if near is None else f"; the nearest is {near}"
    words = difflib.get_close_matches(str(given), allowed, len(allowed) or 1, cutoff=0.5)
    # Swapped letters are the likeliest slip: `esc` is `ecs` before it is `eks`.
    swapped = [word for word in words if sorted(word) == sorted(str(given))]
    best = (swapped or words)[:1]
    return f"; did you mean {best[0]}?" if best else ""


def _unknown_key(key: str, owner: type[BaseModel] | None, model: type[BaseModel]) -> str:
    if owner is None:
        return "is not known"
    keys = list(owner.model_fields)
    if not difflib.get_close_matches(key, keys, 1, cutoff=_SURELY_MEANT):
        elsewhere = _parts_with(key, model, ())
        if elsewhere:
            return f"is not known here; it belongs to {' or '.join(dict.fromkeys(elsewhere))}"
    near = _hint(key, keys)
    return f"is not known{near}" if near else f"is not known; the keys here are {', '.join(keys)}"


def _parts_with(key: str, model: type[BaseModel], above: tuple[str, ...]) -> list[str]:
    """The parts of `model` that have `key`, a tier by its kind."""
    tag = _tag(model)
    where = ".".join(above) if tag is None else f"target of kind {tag}"
    found = [where or "the whole"] if key in model.model_fields else []
    for name, field in model.model_fields.items():
        for inner in _models(field.annotation):
            found += _parts_with(key, inner, (*above, name))
    return found


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The parts that an annotation can hold, in a list too."""
    for member in _members(annotation):
        if isinstance(member, type) and issubclass(member, BaseModel):
            yield member
        else:
            for inner in typing.get_args(member):
                yield from _models(inner)


def _what(owner: type[BaseModel] | None, key: int | str) -> str:
    if owner is None or not isinstance(key, str) or key not in owner.model_fields:
        return ""
    said = owner.model_fields[key].description
    return f": {said.rstrip('.')}" if said else ""


def _walk(
    loc: tuple[int | str, ...], model: type[BaseModel], root: str
) -> tuple[str, type[BaseModel] | None]:
    """The path that the user wrote, and the model that owns its last key.

    Pydantic puts the chosen member of a union into the place; the file has no such key.
    """
    path = root
    here: list[Any] = [model]
    owner: type[BaseModel] | None = model
    for step in loc:
        members = [member for annotation in here for member in _members(annotation)]
        if isinstance(step, str) and step.startswith("["):
            continue
        if isinstance(step, int):
            path += f"[{step}]"
            here = [arg for member in members for arg in typing.get_args(member) if arg is not ...]
            continue
        models = [m for m in members if isinstance(m, type) and issubclass(m, BaseModel)]
        named = [m for m in models if step in m.model_fields]
        tagged = [m for m in models if _tag(m) == step or m.__name__ == step]
        if tagged and not named:
            here = list(tagged)
            owner = tagged[0]
            continue
        if named:
            owner = named[0]
            here = [named[0].model_fields[step].annotation]
        elif models:
            owner = models[0]
            here = []
        else:
            here = [arg for member in members for arg in typing.get_args(member)[1:]]
        path += f".{step}"
    return path, owner


def _tag(model: type[BaseModel]) -> str | None:
    kind = model.model_fields.get("kind")
    return None if kind is None else str(kind.default)


def _members(annotation: Any) -> Iterator[Any]:
    """The types that an annotation allows: unions and Annotated taken apart."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        yield from _members(typing.get_args(annotation)[0])
    elif origin in (typing.Union, types.UnionType):
        for arg in typing.get_args(annotation):
            yield from _members(arg)
    elif annotation is not type(None):
        yield annotation
