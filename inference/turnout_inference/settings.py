"""The server's settings: environment variables, typed, checked before anything starts."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

PREFIX = "TURNOUT_"
MEBIBYTE = 1 << 20
GUARDS = ("api_keys", "api_keys_secret", "model_sha256")
"""Settings that close something where they are given: one that is there but empty is a variable
that was not filled in, and must not leave it open."""
SHORTEST_KEY, LONGEST_KEY = 16, 512
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
_USUAL_PORTS = {"http": ":80", "https": ":443"}


class SettingsRefused(Exception):  # noqa: N818 - it is a verdict, and reads as one
    """Settings that the server will not start with; one line for each, by name."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)
    return value


def _is_key(key: SecretStr) -> SecretStr:
    length = len(key.get_secret_value())
    if not SHORTEST_KEY <= length <= LONGEST_KEY:
        raise ValueError(
            f"has {length} characters, a key has {SHORTEST_KEY} to {LONGEST_KEY}; make one with "
            "`openssl rand -hex 32`"
        )
    return key


def _is_origin(origin: str) -> str:
    """An origin as browsers send it, for it is compared letter by letter."""
    found = _ORIGIN.fullmatch(origin)
    if origin != "*" and (found is None or found[2] == _USUAL_PORTS.get(found[1], "")):
        raise ValueError(
            "is not an origin as browsers send it; write scheme://host or scheme://host:port in "
            "small letters, without a path and without the scheme's usual port, or *"
        )
    return origin


Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Key = Annotated[SecretStr, AfterValidator(_is_key)]
Origin = Annotated[
    str,
    AfterValidator(_is_origin),
    Field(json_schema_extra={"pattern": rf"^(?:\*|{_ORIGIN.pattern})$"}),
]


class Settings(BaseModel):
    """Each field is read from `TURNOUT_` and its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    host: str = Field(
        default="0.0.0.0",  # noqa: S104 - a container listens on every address it has
        min_length=1,
        description="Address to listen on.",
    )
    port: int = Field(
        default=8000,
        ge=0,
        le=65535,
        description="Port to listen on; 0 takes a free one and logs it.",
    )
    model: str | None = Field(
        default=None,
        min_length=1,
        description="Model to serve: a folder, `file:`, `s3://bucket/prefix` or `https:`. "
        "Unset: the default model of the package.",
    )
    model_sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-fA-F]{64}$",
        description="The model's digest: sha256 of its `turnout.json`. A remote model needs one.",
    )
    cache_dir: Path = Field(
        default=Path("/tmp/turnout"),  # noqa: S108 - the one writable folder of the image
        description="Folder for fetched models and the metrics of several workers.",
    )
    workers: int = Field(
        default=0,
        ge=0,
        le=256,
        description="Processes. 0: one for every four CPUs granted. One runs without a "
        "supervisor and needs no shared memory.",
    )
    threads: int = Field(
        default=0,
        ge=0,
        le=1024,
        description="Batches that a worker computes at once. 0: the CPUs granted, shared among "
        "the workers.",
    )
    threads_per_batch: int = Field(
        default=1, ge=1, le=64, description="CPUs that compute one batch together."
    )
    batch_tokens: int = Field(
        default=256,
        ge=1,
        le=1_000_000,
        description="Padded tokens a batch may have; one longer text goes alone.",
    )
    batch_wait: Seconds = Field(
        default=0.0,
        description="Seconds that a batch which is not full may wait for company while another "
        "is being computed. A lone request never waits.",
    )
    max_body_bytes: int = Field(
        default=4 * MEBIBYTE, ge=1024, le=1024 * MEBIBYTE, description="Bytes of a request's body."
    )
    max_texts: int = Field(default=2048, ge=1, le=100_000, description="Texts in a request.")
    max_characters: int = Field(default=131_072, ge=1, description="Characters of a text.")
    max_request_tokens: int = Field(
        default=131_072, ge=1, description="Tokens of a request, after truncation."
    )
    max_requests: int = Field(
        default=512, ge=1, description="Requests in the house at once; more get 429 at the door."
    )
    max_waiting_tokens: int = Field(
        default=262_144,
        ge=1,
        description="Tokens in the queue; a request that would exceed them gets 429.",
    )
    max_waiting_bytes: int = Field(
        default=64 * MEBIBYTE,
        ge=1024,
        description="Bytes of all bodies held at once; more get 429.",
    )
    queue_batches: int = Field(
        default=4,
        ge=1,
        le=10_000,
        description="Full batches a thread that may be ahead of a request, by fair shares; more "
        "gets 429. A large request may have more ahead of it.",
    )
    max_wait: Seconds = Field(
        default=10.0,
        description="Seconds, as measured, that a request may have to wait in the queue; more "
        "gets 429. 0: no such bound.",
    )
    max_connections: int = Field(
        default=4096, ge=1, description="Open connections; further ones are closed at once."
    )
    request_timeout: float = Field(
        default=30.0,
        gt=0,
        le=3600,
        description="Seconds for an answer, then 504. A client may allow less by "
        "`X-Request-Timeout`, then 408.",
    )
    read_timeout: float = Field(
        default=10.0,
        gt=0,
        le=3600,
        description="Seconds for the head, and again for the body, to arrive.",
    )
    keep_alive: float = Field(
        default=75.0,
        gt=0,
        le=3600,
        description="Seconds that an idle connection stays open. Longer than the idle timeout of "
        "the load balancer before it (ALB: 60).",
    )
    drain_wait: Seconds = Field(
        default=0.0,
        description="Seconds between SIGTERM, when `/readyz` turns 503, and closing the listener.",
    )
    drain_timeout: float = Field(
        default=30.0, gt=0, le=3600, description="Hard bound in seconds on the whole shutdown."
    )
    api_keys: Annotated[tuple[Key, ...], BeforeValidator(_comma_separated)] = Field(
        default=(),
        description="Keys that clients must send (`Authorization: Bearer` or `X-API-Key`), comma "
        "separated so that they can be rotated. Unset: no key is asked for.",
    )
    api_keys_secret: str | None = Field(
        default=None,
        pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+$",
        description="ARN of an AWS Secrets Manager secret that holds the keys, read once at "
        "start. Instead of `TURNOUT_API_KEYS`.",
    )
    cors_origins: Annotated[tuple[Origin, ...], BeforeValidator(_comma_separated)] = Field(
        default=(), description="Origins whose pages may call the API, comma separated, or `*`."
    )
    pages: bool = Field(default=True, description="Serve the try-it page at `/` and `/docs`.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log line that is written."
    )
    log_requests: bool = Field(
        default=True, description="One log line a request, without its text."
    )
    tracing: bool = Field(
        default=False,
        description="OpenTelemetry spans over OTLP/HTTP (extra `otel`); set the standard `OTEL_*` "
        "variables beside it.",
    )

    def shown(self) -> dict[str, Any]:
        """The settings as they are printed: without keys, passwords and signatures."""
        from turnout_inference.model.location import redact

        data = self.model_dump(mode="json", exclude={"api_keys"})
        data["api_keys"] = f"{len(self.api_keys)} set" if self.api_keys else "none"
        if self.model is not None:
            data["model"] = redact(self.model)
        return data


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from the environment; SettingsRefused names every one that is wrong."""
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and value.strip()
    }
    given = {name: value for name, value in given.items() if not _is_service_link(name)}
    problems = [
        f"{PREFIX}{name.upper()}: is set but empty; give it a value, or do not set it at all"
        for name in GUARDS
        if not environment.get(f"{PREFIX}{name.upper()}", "-").strip(", \t\r\n")
    ]
    problems += [_unknown(name) for name in sorted(given.keys() - Settings.model_fields.keys())]
    known = {name: value for name, value in given.items() if name in Settings.model_fields}
    if "log_level" in known:
        known["log_level"] = known["log_level"].strip().lower()
    if "api_keys" in known and "api_keys_secret" in known:
        problems.append(f"{PREFIX}API_KEYS_SECRET: cannot stand beside {PREFIX}API_KEYS; keep one")
    try:
        settings = Settings.model_validate(known)
    except ValidationError as error:
        raise SettingsRefused(problems + _said_plainly(error)) from None
    if problems := problems + _contradictions(settings):
        raise SettingsRefused(problems)
    return settings


def _contradictions(settings: Settings) -> list[str]:
    """Settings that are right one by one, but not together."""
    found = []
    if settings.max_waiting_bytes < settings.max_body_bytes:
        found.append(
            f"{PREFIX}MAX_WAITING_BYTES: {settings.max_waiting_bytes} for all bodies is less than "
            f"the {settings.max_body_bytes} that one may have ({PREFIX}MAX_BODY_BYTES); raise the "
            "former or lower the latter"
        )
    if settings.drain_wait >= settings.drain_timeout:
        found.append(
            f"{PREFIX}DRAIN_WAIT: {settings.drain_wait:g} s leave nothing of the "
            f"{settings.drain_timeout:g} s of the whole shutdown ({PREFIX}DRAIN_TIMEOUT) to finish "
            "requests; raise the latter"
        )
    return found


def _is_service_link(name: str) -> bool:
    """What Kubernetes injects for a service called turnout; none of it is meant for us."""
    return re.fullmatch(r"(.*_)?(service_host|service_port(_.+)?|port_\d+_.+)", name) is not None


def _unknown(name: str) -> str:
    variable = f"{PREFIX}{name.upper()}"
    near = difflib.get_close_matches(name, Settings.model_fields, n=1)
    meant = f"; did you mean {PREFIX}{near[0].upper()}?" if near else ""
    return f"{variable}: no such setting{meant}"


def _said_plainly(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors(include_url=False):
        name = str(problem["loc"][0])
        secret = name == "api_keys"
        value = "" if secret else f" (it is {json.dumps(str(problem['input'])[:80])})"
        which = f" number {int(problem['loc'][1]) + 1}" if len(problem["loc"]) > 1 else ""
        link = name == "port" and str(problem["input"]).startswith("tcp://")
        fix = "; a Kubernetes service link: set enableServiceLinks to false" if link else ""
        message = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{PREFIX}{name.upper()}{which}: {message}{value}{fix}")
    return lines


def settings_table() -> str:
    """docs/settings.md: one row a setting."""
    lines = [
        "# Settings of the server",
        "",
        "Environment variables of `turnout-server`. A wrong or unknown one is refused by name",
        "with exit code 2. This table is written by `python -m turnout_inference.settings`.",
        "",
        "| variable | default | what it is |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default in (None, ()) else f"`{_plain(default)}`"
        lines.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"


def _plain(default: object) -> str:
    return json.dumps(default) if isinstance(default, bool) else str(default)


_TOLD_OF_A_SETTING = ("type", "enum", "minimum", "exclusiveMinimum", "maximum", "default")


def settings_schema() -> dict[str, dict[str, Any]]:
    """By variable: its type, bounds and default in JSON schema's words.

    A list is text here, and `each` the pattern of what stands between its commas.

    For who sets the server up and must not import it.
    """
    told = {}
    for name, whole in Settings.model_json_schema()["properties"].items():
        field = {**whole, **next(iter(whole.get("anyOf", ())), {})}
        kept = {key: field[key] for key in _TOLD_OF_A_SETTING if field.get(key) is not None}
        if kept["type"] == "array":
            pattern = field["items"].get("pattern")
            kept = {"type": "string"} | ({"each": pattern} if pattern else {})
        told[f"{PREFIX}{name.upper()}"] = {**kept, "description": field["description"]}
    return told


if __name__ == "__main__":
    if "--json" in sys.argv[1:]:
        print(json.dumps(settings_schema(), indent=2, ensure_ascii=False))
    else:
        print(settings_table(), end="")
