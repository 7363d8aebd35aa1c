"""Reads `Pulumi.<stack>.yaml` as the engine does, and knows the place of each key in it."""

import difflib
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from turnout.config import ConfigError, Problem, ServiceConfig, parse_service
from turnout.config.errors import ROOT, printable
from turnout.config.regions import KEY as REGION
from turnout.workspace import Workspace

SECRET: Final = "[secret]"  # noqa: S105 - what stands for a secret that cannot be read here
# A stack that holds what stands before the first service.
FOUNDATION: Final = "turnout:foundation"
# Keys that are read here or by the AWS provider, and how like one of them a slip is.
_READ: Final = (ROOT, FOUNDATION, REGION)
_LIKE: Final = 0.8
_OURS: Final = "turnout:"
_AT_A_KEY: Final = re.compile(rf"({ROOT}[\w.\[\]-]*|{FOUNDATION}[\w.\[\]-]*|{REGION}): ")
_PREFIX: Final = "Pulumi."
_SUFFIX: Final = ".yaml"
_MOST_KEYS: Final = 10_000


class StackFileError(Exception):
    """The stack file is missing or says something that cannot be read; the text says where."""


@dataclass(frozen=True)
class Place:
    """A place in a file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class StackFile:
    """A stack's configuration as the engine hands it to a program.

    `config` maps full keys to text, or to JSON where the file has a mapping or a list.
    Encrypted values are not decrypted: `[secret]` stands in their place.
    """

    stack: str
    path: Path
    config: Mapping[str, str]
    secret_keys: frozenset[str]
    places: Mapping[str, Place]

    def at(self, path: str) -> str:
        """`file:line:column` of the key `path`, or of the nearest one around it."""
        while path and path not in self.places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        place = self.places.get(path, Place(1, 1))
        return f"{_near(self.path)}:{place.line}:{place.column}"


def stack_names(workspace: Workspace) -> tuple[str, ...]:
    """The stacks that have a file."""
    files = workspace.stacks.glob(f"{_PREFIX}*{_SUFFIX}")
    return tuple(sorted(path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX) for path in files))


def read_stack(workspace: Workspace, stack: str) -> StackFile:
    """The configuration of `stack`. Raises StackFileError."""
    path = workspace.stacks / f"{_PREFIX}{stack}{_SUFFIX}"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StackFileError(_no_such_stack(workspace, stack)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise StackFileError(f"{_near(path)} cannot be read: {error}") from None
    try:
        said, places = _read_config(path, yaml.compose(text, _Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise StackFileError(f"{_near(path)}{place}: not YAML: {what}") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position].splitlines() or [""]
        raise StackFileError(
            f"{_near(path)}:{len(before)}:{len(before[-1]) + 1}: not YAML: it holds the character "
            f"#x{int(error.character):04x}, which YAML does not take; write it as an escape"
        ) from None
    except yaml.YAMLError as error:
        raise StackFileError(f"{_near(path)}: not YAML: {error}") from None
    except RecursionError:
        raise StackFileError(f"{_near(path)}: is nested too deeply; no key is that deep") from None
    config = {_full(key, workspace.project): value for key, value in said.items()}
    return StackFile(
        stack=stack,
        path=path,
        config={key: _engine_text(value) for key, value in config.items()},
        secret_keys=frozenset(key for key, value in config.items() if _is_secret(value)),
        places={_full(key, workspace.project): place for key, place in places.items()},
    )


def checked_service(file: StackFile) -> ServiceConfig:
    """The service that the file describes. Raises StackFileError with the place of each problem."""
    if ROOT not in file.config:
        raise StackFileError(
            f"{file.at('')}: config has no {ROOT}; it says what to run, at least:\n"
            f"    config:\n      {ROOT}:\n        name: hate-speech-api\n        target: local"
        )
    try:
        data = json.loads(file.config[ROOT])
    except (ValueError, RecursionError):
        data = file.config[ROOT]
    try:
        return parse_service(data, file.config.get(REGION))
    except ConfigError as error:
        lines = (f"{file.at(problem.path)}: {_readable(problem)}" for problem in error.problems)
        raise StackFileError("\n".join(lines)) from None


def unknown_keys(file: StackFile) -> Iterator[str]:
    """Keys that look like one that is read, and that nobody reads, each with its place."""
    for key in file.config:
        if key in _READ:
            continue
        near = difflib.get_close_matches(key, _READ, 1, cutoff=_LIKE)
        hint = f"; did you mean {near[0]}?" if near else ""
        if near or key.startswith(_OURS):
            yield f"{file.at(key)}: {printable(key)}: nobody reads it{hint}"


def with_places(file: StackFile, text: str) -> str:
    """`text`, each line that begins with a key of the file behind that key's place."""
    return "\n".join(
        f"{file.at(found[1])}: {line}" if (found := _AT_A_KEY.match(line)) else line
        for line in text.split("\n")
    )


def _readable(problem: Problem) -> Problem:
    if not problem.message.startswith(SECRET):
        return problem
    return Problem(problem.path, "is encrypted, so only `pulumi preview` can read and check it")


def _no_such_stack(workspace: Workspace, stack: str) -> str:
    names = stack_names(workspace)
    if not names:
        return f"there is no stack {stack}, nor any other in {workspace.stacks}"
    near = difflib.get_close_matches(stack, names, 1)
    hint = f", did you mean {near[0]}?" if near else ""
    return f"there is no stack {stack}{hint} (the stacks here: {', '.join(names)})"


def _read_config(path: Path, root: yaml.Node | None) -> tuple[dict[str, Any], dict[str, Place]]:
    if root is None:
        return {}, {}
    if not isinstance(root, yaml.MappingNode):
        raise StackFileError(f"{_near(path)}:1:1: must be a mapping of keys to values")
    for key, value in _pairs(path, root):
        if key.value != "config":
            continue
        if isinstance(value, yaml.ScalarNode) and value.value in ("", "null", "~"):
            return {}, {}
        if not isinstance(value, yaml.MappingNode):
            raise StackFileError(f"{_where(path, value)}: config must be a mapping of keys")
        places = dict(itertools.islice(_places(path, value, "", ()), _MOST_KEYS + 1))
        if len(places) > _MOST_KEYS:
            raise StackFileError(f"{_near(path)}: its aliases make more than {_MOST_KEYS} keys")
        return _Loader("").construct_document(value), places
    return {}, {}


def _places(
    path: Path, node: yaml.Node, prefix: str, above: tuple[yaml.Node, ...]
) -> Iterator[tuple[str, Place]]:
    if any(node is outer for outer in above):
        raise StackFileError(f"{_where(path, node)}: {printable(prefix)} refers to itself")
    above = (*above, node)
    if isinstance(node, yaml.MappingNode):
        for key, value in _pairs(path, node):
            inner = f"{prefix}.{key.value}" if prefix else str(key.value)
            yield inner, Place(key.start_mark.line + 1, key.start_mark.column + 1)
            yield from _places(path, value, inner, above)
    elif isinstance(node, yaml.ScalarNode):
        _refuse_broken_text(path, node)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            inner = f"{prefix}[{index}]"
            yield inner, Place(value.start_mark.line + 1, value.start_mark.column + 1)
            yield from _places(path, value, inner, above)


def _pairs(path: Path, node: yaml.MappingNode) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    seen: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise StackFileError(f"{_where(path, key)}: a key must be text")
        _refuse_broken_text(path, key)
        line = key.start_mark.line + 1
        if key.value in seen:
            raise StackFileError(
                f"{_where(path, key)}: {printable(key.value)} is there twice; "
                f"line {seen[key.value]} has it"
            )
        seen[key.value] = line
        yield key, value


def _refuse_broken_text(path: Path, node: yaml.ScalarNode) -> None:
    """YAML's escapes can write what no program can print or be told: half of a pair, a zero."""
    broken = next((c for c in node.value if c == "\0" or "\ud800" <= c <= "\udfff"), None)
    if broken is not None:
        raise StackFileError(
            f"{_where(path, node)}: {printable(node.value)} holds the character #x{ord(broken):04x}"
            ", which is no text; write the character itself"
        )


def _where(path: Path, node: yaml.Node) -> str:
    return f"{_near(path)}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _near(path: Path) -> Path:
    """The path as seen from the current folder, where it is inside it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _full(key: str, project: str) -> str:
    """Pulumi, "Configuration": a key without a namespace is the project's."""
    return key if ":" in key else f"{project}:{key}"


def _is_secret(value: object) -> bool:
    if isinstance(value, Mapping):
        return set(value) == {"secure"} or any(map(_is_secret, value.values()))
    return isinstance(value, list) and any(map(_is_secret, value))


def _engine_text(value: object) -> str:
    shown = _without_secrets(value)
    return shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)


def _without_secrets(value: object) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"secure"}:
            return SECRET
        return {str(key): _without_secrets(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value


class _Loader(yaml.SafeLoader):
    """YAML as the engine reads it: 1.2, where `yes`, `on` and `1:30` are text, and no dates.

    A key is text as it is written, whatever else it could be.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own form
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag in {"tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"}
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    # JSON's types and no other: a file that asks for a date or for bytes is refused.
    yaml_constructors = {  # noqa: RUF012 - PyYAML's own form
        tag: constructor
        for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
        if tag is not None and tag.rpartition(":")[2] in {"null", "str", "seq"}
    }


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    loader.flatten_mapping(node)
    return {key.value: loader.construct_object(value, deep=True) for key, value in node.value}


def _scalar(loader: _Loader, node: yaml.ScalarNode) -> bool | int | float:
    try:
        match node.tag.rpartition(":")[2]:
            case "bool":
                return {"true": True, "false": False}[loader.construct_scalar(node).lower()]
            case "float":
                return float(loader.construct_scalar(node))
            case _:
                return int(loader.construct_yaml_int(node))
    # Such as 09, which would be octal, or more digits than a number may have.
    except (KeyError, ValueError):
        raise yaml.constructor.ConstructorError(
            None,
            None,
            f"{printable(node.value)} is no number or truth; in quotes it is text",
            node.start_mark,
        ) from None


def _foreign(_: _Loader, node: yaml.Node) -> None:
    tag = printable(node.tag.replace("tag:yaml.org,2002:", "!!"))
    raise yaml.constructor.ConstructorError(
        None, None, f"{tag} makes what JSON has not; remove it", node.start_mark
    )


_Loader.add_constructor(None, _foreign)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
for _kind in ("bool", "int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _scalar)


def _core(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{tag}", re.compile(f"(?:{pattern})$"), list(first)
    )


# YAML 1.2, "Core Schema".
_core("bool", "true|True|TRUE|false|False|FALSE", "tTfF")
_core("int", "[-+]?[0-9]+|0x[0-9a-fA-F]+", "-+0123456789")
_core(
    "float",
    r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+",
    "-+0123456789.",
)
