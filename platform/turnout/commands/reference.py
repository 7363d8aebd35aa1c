"""The stack file's keys as a document, made from their JSON schema: docs/stack-file.md."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

_ROOT: Final = "turnout:service"
_INTRODUCTION: Final = """\
# The stack file

`stacks/Pulumi.<stack>.yaml` is read by Pulumi; what it holds under `turnout:service` is listed
here. A key that is not known is an error that names the likely one. `make schema` writes this
page.
"""


def stack_file_reference(schema: Schema) -> str:
    """A table for each part of `turnout:service`, in the order in which a reader meets them."""
    definitions = schema["$defs"]
    lines = [_INTRODUCTION]
    seen = ["ServiceConfig"]
    for name in seen:
        part = definitions[name]
        lines += ["", f"## {_heading(name)}", ""]
        if "description" in part:
            lines += [part["description"].splitlines()[0], ""]
        lines += ["| key | takes | unless given | what it is |", "|---|---|---|---|"]
        required = part.get("required", ())
        for key, value in part.get("properties", {}).items():
            lines.append(_row(key, value, key in required, definitions))
            seen += [found for found in _references(value) if found not in seen]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def _row(key: str, value: Schema, required: bool, definitions: Schema) -> str:
    default = "required" if required else _default(value)
    # A part without words of its own here is described where it is defined.
    parts = (definitions[name].get("description", "") for name in _references(value))
    what = str(value.get("description") or next(parts, "")).partition("\n\n")[0]
    return f"| `{key}` | {_takes(value)} | {default} | {_cell(what)} |"


def _default(value: Schema) -> str:
    default = value.get("default")
    if default in (None, [], {}):
        return ""
    return f"`{json.dumps(default, ensure_ascii=False).strip(chr(34))}`"


def _takes(value: Schema) -> str:
    for several in ("anyOf", "oneOf"):
        if several in value:
            kinds = [_takes(kind) for kind in value[several] if kind.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{_heading(name)}](#{_anchor(_heading(name))})"
    if "const" in value:
        return f"`{json.dumps(value['const']).strip(chr(34))}`"
    if "enum" in value:
        return ", ".join(f"`{choice}`" for choice in value["enum"])
    if value.get("type") == "array":
        return f"list of {_takes(value.get('items', {}))}"
    return _scalar(value)


def _scalar(value: Schema) -> str:
    names = {"string": "text", "boolean": "true, false", "object": "keys and values"}
    kind = str(value.get("type", "any"))
    name = names.get(kind, kind)
    low = value.get("minimum", value.get("exclusiveMinimum"))
    high = value.get("maximum")
    if low is not None and high is not None:
        return f"{name}, {low} to {high}"
    return f"{name}, {low} or more" if low is not None else name


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "$ref" in value:
            yield value["$ref"].rpartition("/")[2]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _heading(name: str) -> str:
    if name == "ServiceConfig":
        return _ROOT
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return words.strip()


def _anchor(heading: str) -> str:
    return heading.replace(" ", "-").replace(":", "")


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|").replace("<", "&lt;")
