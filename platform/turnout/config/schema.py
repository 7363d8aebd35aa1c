"""The JSON schema of a stack file, for editors and for who generates stack files."""

from typing import Any, Final

from pydantic import BaseModel

from turnout.config import regions
from turnout.config.foundation import FoundationConfig
from turnout.config.service import ServiceConfig

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def stack_file_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of `Pulumi.<stack>.yaml`, all of `turnout:` in full."""
    return {
        "$schema": DIALECT,
        "title": "A turnout stack file",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                "properties": {
                    "aws:region": {
                        "type": "string",
                        "pattern": f"^{regions.PATTERN}$",
                        "description": "AWS region.",
                        "examples": ["ap-northeast-2"],
                    },
                    "turnout:service": {"$ref": "#/$defs/ServiceConfig"},
                    "turnout:foundation": {"$ref": "#/$defs/FoundationConfig"},
                },
                # A service comes and goes, its foundation stays: each has its own stack.
                "not": {"required": ["turnout:service", "turnout:foundation"]},
                "additionalProperties": True,
            },
            "secretsprovider": {"type": "string"},
            "encryptedkey": {"type": "string"},
            "encryptionsalt": {"type": "string"},
            "environment": {},
        },
        "additionalProperties": False,
        "$defs": {**_definitions(ServiceConfig), **_definitions(FoundationConfig)},
    }


def _definitions(model: type[BaseModel]) -> dict[str, Any]:
    whole = model.model_json_schema(ref_template="#/$defs/{model}")
    parts: dict[str, Any] = whole.pop("$defs", {})
    return {**parts, model.__name__: whole}
