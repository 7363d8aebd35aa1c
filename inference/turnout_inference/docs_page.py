"""The OpenAPI document as a page: plain HTML, no script, no network."""

from __future__ import annotations

import json
from html import escape
from typing import Any


def docs_page(document: dict[str, Any]) -> str:
    """The whole page for an OpenAPI document of `openapi()`."""
    title = escape(document["info"]["title"])
    operations = "".join(
        _operation(path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    )
    shapes = "".join(
        f'<h3 id="{escape(name)}">{escape(name)}</h3>{_shape(schema)}'
        for name, schema in sorted(document["components"]["schemas"].items())
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}: API</title>"
        '<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">'
        '<link rel="stylesheet" href="/assets/style.css"></head><body><main class="wide">'
        f"<header><h1>{title}: API</h1>"
        f'<p class="quiet">Version {escape(document["info"]["version"])} · '
        '<a href="/openapi.json">openapi.json</a> · <a href="/">Try it</a></p></header>'
        f"<h2>Endpoints</h2>{operations}<h2>Shapes</h2>{shapes}</main></body></html>"
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    parts = []
    if security := operation.get("security"):
        names = " or ".join(f"<code>{escape(name)}</code>" for one in security for name in one)
        parts.append(f"<p>Needs an API key: {names}.</p>")
    if parameters := operation.get("parameters"):
        rows = "".join(
            f"<tr><td><code>{escape(p['name'])}</code></td><td>{escape(p['description'])}</td></tr>"
            for p in parameters
        )
        parts.append(_table(("Header", "What it is"), rows))
    if body := operation.get("requestBody"):
        schema = body["content"]["application/json"]["schema"]
        parts.append(f"<p>Body: {_type(schema)}</p>")
    rows = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(response['description'])}</td>"
        f"<td>{_content(response)}</td></tr>"
        for status, response in operation["responses"].items()
    )
    parts.append(_table(("Status", "Meaning", "Body"), rows))
    return (
        f'<details id="{escape(operation["operationId"])}"><summary>'
        f'<span class="method">{escape(method.upper())}</span> <code>{escape(path)}</code> '
        f"{escape(operation['summary'])}</summary><div>{''.join(parts)}</div></details>"
    )


def _content(response: dict[str, Any]) -> str:
    shown = [_type(media["schema"]) for media in response.get("content", {}).values()]
    return ", ".join(shown)


def _shape(schema: dict[str, Any]) -> str:
    text = f"<p>{escape(schema.get('description', ''))}</p>"
    if "properties" not in schema:
        return f"{text}<p>{_type(schema)}</p>"
    required = set(schema.get("required", ()))
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{_type(field)}</td>"
        f"<td>{'required' if name in required else _default(field)}</td>"
        f"<td>{escape(field.get('description', ''))}</td></tr>"
        for name, field in schema["properties"].items()
    )
    return text + _table(("Key", "Type", "", "What it is"), rows)


def _default(field: dict[str, Any]) -> str:
    if "default" not in field:
        return ""
    return f"default <code>{escape(json.dumps(field['default'], ensure_ascii=False))}</code>"


def _type(schema: dict[str, Any]) -> str:
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[-1]
        return f'<a href="#{escape(name)}">{escape(name)}</a>'
    if "const" in schema or "enum" in schema:
        values = [schema["const"]] if "const" in schema else schema["enum"]
        return " | ".join(f"<code>{escape(json.dumps(value))}</code>" for value in values)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(_type(one) for one in schema[key])
    match schema.get("type"):
        case "array":
            return f"list of {_type(schema.get('items', {}))}"
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f"object of {_type(schema['additionalProperties'])}"
        case str(name):
            return escape(name)
        case _:
            return "anything"


def _table(heads: tuple[str, ...], rows: str) -> str:
    titles = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>"
