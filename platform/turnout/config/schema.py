"""The JSON schema of a stack file, for editors and for who generates stack files."""

from typing import Any, Final

from turnout.config.service import ServiceConfig

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def stack_file_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of `Pulumi.<stack>.yaml`, with `turnout:service` in full."""
    service = ServiceConfig.model_json_schema(ref_template="#/$defs/{model}")
    definitions = service.pop("$defs", {})
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
                        "description": "AWS region.",
                        "examples": ["ap-northeast-2"],
                    },
                    "turnout:service": {"$ref": "#/$defs/ServiceConfig"},
                },
                "additionalProperties": True,
            },
            "secretsprovider": {"type": "string"},
            "encryptedkey": {"type": "string"},
            "encryptionsalt": {"type": "string"},
            "environment": {},
        },
        "additionalProperties": False,
        "$defs": {**definitions, "ServiceConfig": service},
    }
