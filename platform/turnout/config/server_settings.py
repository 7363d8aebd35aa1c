"""The server's settings, as far as a stack file can check them before the server starts.

server_settings.json is written from the server's own model by `make schema`.
"""

import difflib
import functools
import json
import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from turnout.config.errors import shown

FILE: Final = Path(__file__).with_name("server_settings.json")
_PREFIX: Final = "TURNOUT_"
# What pydantic, and so the server, reads as true or false.
_TRUTH: Final = frozenset(
    {"true", "false", "1", "0", "yes", "no", "on", "off", "t", "f", "y", "n"}
)  # fmt: skip
# No bound of the server has more digits.
_WHOLE: Final = re.compile(r"[0-9]{1,15}")
_NUMBER: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")


# What a part of a list is that does not match; a test asks that each list has its words.
_EACH: Final = {
    "TURNOUT_CORS_ORIGINS": "is no origin as browsers send it; use scheme://host, "
    "scheme://host:port or *",
}


@functools.cache
def _settings() -> Mapping[str, Mapping[str, Any]]:
    known: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    return known


def described_settings(*, without: Collection[str]) -> dict[str, Any]:
    """JSON schema properties of the settings that a stack file may set, for editors."""
    return {
        name: {"type": "string", "description": f"{said['description']}{_range(said)}"}
        for name, said in _settings().items()
        if name not in without
    }


def setting_default(name: str) -> Any:
    """What the server takes where `name` is not set. Raises KeyError where it has no default."""
    return _settings()[name]["default"]


def setting_problem(name: str, value: str) -> str | None:
    """Why the server would not start with `name` set to `value`; None where it would."""
    said = _settings().get(name)
    if said is None:
        # Without the start that all share, which would make any two alike.
        words = [known.removeprefix(_PREFIX) for known in _settings()]
        near = difflib.get_close_matches(name.removeprefix(_PREFIX), words, 1)
        fix = f"did you mean {_PREFIX}{near[0]}?" if near else "docs/settings.md lists them"
        return f"is no setting of the server; {fix}"
    if "\0" in value:
        return f"{shown(value)} holds a zero character, which no environment variable can"
    wanted = _wanted(name, said, value)
    return None if wanted is None else f"{shown(value)} {wanted}"


def _wanted(name: str, said: Mapping[str, Any], value: str) -> str | None:
    match said["type"]:
        case "boolean" if value.lower() not in _TRUTH:
            return "is neither true nor false"
        case "integer" if _WHOLE.fullmatch(value) is None:
            return f"is not a whole number; use {_bounds(said)}"
        case "number" if _NUMBER.fullmatch(value) is None:
            return f"is not a number; use {_bounds(said)}"
        case "integer" | "number":
            return _out_of_bounds(said, float(value))
        case "string" if "enum" in said and value.lower() not in said["enum"]:
            return f"is not known; use {', '.join(said['enum'])}"
        case "string" if "each" in said:
            parts = [part.strip() for part in value.split(",")]
            wrong = [part for part in parts if part and not re.fullmatch(said["each"], part)]
            return f"holds {shown(wrong[0])}, which {_EACH[name]}" if wrong else None
    return None


def _out_of_bounds(said: Mapping[str, Any], number: float) -> str | None:
    if number < said.get("minimum", -math.inf) or number <= said.get("exclusiveMinimum", -math.inf):
        return f"is too small; use {_bounds(said)}"
    if number > said.get("maximum", math.inf):
        return f"is too large; use {_bounds(said)}"
    return None


def _bounds(said: Mapping[str, Any]) -> str:
    least = f"more than {said['exclusiveMinimum']}" if "exclusiveMinimum" in said else None
    if "maximum" not in said:
        return least or f"{said['minimum']} or more"
    if least is not None:
        return f"{least}, up to {said['maximum']}"
    return f"{said['minimum']} to {said['maximum']}"


def _range(said: Mapping[str, Any]) -> str:
    match said["type"]:
        case "boolean":
            return " true or false."
        case "integer" | "number":
            return f" {_bounds(said).capitalize()}."
        case _ if "enum" in said:
            return f" One of {', '.join(said['enum'])}."
    return ""
