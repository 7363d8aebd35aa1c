"""Containers, as ECS, Kubernetes and Lambda describe them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from turnout_policies.properties import Properties

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_TAG = re.compile(r":(?P<tag>[\w][\w.-]{0,127})$")

# Last words of a variable's name that promise a secret, and endings that take it back.
_SECRET_NAME = re.compile(
    r"(PASSWORD|PASSWD|_PWD)$|"
    r"(^|_)(PASSPHRASE|SECRETS?|SECRET_KEY|SECRET_KEY_BASE|API_?KEYS?|PRIVATE_KEY|ACCESS_KEY|"
    r"AUTH_TOKEN|ACCESS_TOKEN|REFRESH_TOKEN|API_TOKEN|TOKEN|CREDENTIALS?)$"
)
# `export DB_PASSWORD=hunter2`, `-e TOKEN='abc'`, `--password=hunter2`; what starts with `$`, a
# backtick, `<` or `{` is put in later.
_ASSIGNMENT = re.compile(
    r"""(?:^|[\s;"'])-*(?P<name>[A-Za-z_][A-Za-z0-9_-]*)=["']?(?P<value>[^\s"'$`<{;&|)][^\s"';&|)]*)""",
    re.MULTILINE,
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# A tokenizer's own tokens, such as <pad> and [CLS], are no secret.
_SPECIAL_TOKEN = re.compile(r"<[^<>]*>|\[[^\[\]]*\]")
_KEY_NAMES = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ECS_ENGINE_AUTH_DATA"})
_SECRET_VALUES = (
    re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(r"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,}\b"),
    re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    re.compile(r"://[^/\s:@]+:[^/\s:@]{3,}@"),
)
# What a container may add and own no more of its host for it: "Pod Security Standards", baseline.
_HARMLESS_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
_REFERENCES = ("arn:", "${", "{{resolve:", "/aws/reference/")


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable of a container."""

    name: str
    value: Properties


def holds_secret(variable: Variable) -> bool:
    """Whether a variable's name or value says that it is a secret in plain text."""
    if variable.value.secret:
        return True
    name = _plain_name(variable.name)
    if name in _KEY_NAMES:
        return bool(variable.value.value)
    if _SECRET_NAME.search(name):
        return _is_secret(variable.value.text())
    return contains_secret(variable.value.text())


def _plain_name(name: str) -> str:
    """A variable's name in the one way that `_SECRET_NAME` knows: `DB_PASSWORD`."""
    return _HUMP.sub("_", name).upper().replace("-", "_")


def _is_secret(text: str) -> bool:
    """Whether the value of a variable that promises a secret may be one."""
    if not text or text.lower() in _NOT_SECRET or _SPECIAL_TOKEN.fullmatch(text):
        return False
    return not text.startswith(_REFERENCES)


# Answers to a variable that must be set; the last one is what local model servers document.
_NOT_SECRET = (
    *("true", "false", "0", "1", "none", "null", "empty", "unused", "not-needed", "not-used"),
    "sk-no-key-required",
)


def contains_secret(text: str) -> bool:
    """Whether a text holds a key, a token or a password in a form that is told at sight."""
    return any(pattern.search(text) for pattern in _SECRET_VALUES)


def script_contains_secret(text: str) -> bool:
    """Whether a shell script holds a secret, be it in a variable or an option that promises one."""
    given = [match.group("name", "value") for match in _ASSIGNMENT.finditer(text)]
    return contains_secret(text) or any(
        _SECRET_NAME.search(_plain_name(name)) and _is_secret(value) for name, value in given
    )


def decoded(text: str) -> str:
    """Base64 text as what it encodes; other text as it is."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return text


def is_pinned(image: str) -> bool:
    """Whether an image is named by digest, or by a tag that is not `latest`."""
    if _DIGEST.search(image):
        return True
    tag = _TAG.search(image)
    return tag is not None and tag["tag"] != "latest"


def added_capabilities(holder: Properties) -> list[str]:
    """The capabilities that are added beyond the harmless ones."""
    names = [
        item.text().upper().removeprefix("CAP_") for item in holder.each("capabilities", "add")
    ]
    return [name for name in names if name and name not in _HARMLESS_CAPABILITIES]


def ecs_containers(task: Properties) -> list[Properties]:
    """The containers of a task definition, whose list is JSON text."""
    return task.document("containerDefinitions").each()


def ecs_variables(container: Properties) -> Iterator[Variable]:
    for item in container.each("environment"):
        yield Variable(item.text("name"), item.at("value"))


def is_windows(task: Properties) -> bool:
    return task.text("runtimePlatform", "operatingSystemFamily").upper().startswith("WINDOWS")


def is_root(user: str) -> bool:
    """Whether a container's user is, or may be, uid 0."""
    return user.split(":", 1)[0].strip().lower() in ("", "0", "root")
