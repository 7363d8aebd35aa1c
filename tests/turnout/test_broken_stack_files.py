"""Stack files as slips, merges and bad luck make them: each is read, or refused with its place.

TURNOUT_FUZZ_EXAMPLES says how many are tried: 50 where nothing is said.
"""

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from turnout.stackfile import (
    FOUNDATION,
    StackFileError,
    checked_service,
    read_stack,
    stack_names,
    unknown_keys,
)
from turnout.workspace import Workspace, find_workspace

ROOT = Path(__file__).parents[2]
HERE = find_workspace(ROOT)
TEXTS = [
    (HERE.stacks / f"Pulumi.{name}.yaml").read_text()
    for name in stack_names(HERE)
    if FOUNDATION not in (HERE.stacks / f"Pulumi.{name}.yaml").read_text()
]
EXAMPLES = int(os.environ.get("TURNOUT_FUZZ_EXAMPLES", "50"))

# What stands where a value should: other types, other YAML, and what no terminal should be told.
VALUES = (
    "", "~", "null", "true", "yes", "0", "-1", "3.5", ".inf", "1e400", "9" * 5000, "0x1f", "09",
    "1_000", "2026-01-01", "12:30", "=", "[]", "{}", "[1, a]", "{a: 1}", "[[[[x]]]]", "[" * 3000,
    "[" * 200 + "]" * 200, "{secure: v1:abc}", "[{secure: v1:abc}]", "&a [*a]", "*nobody", "&a",
    "!!binary aGk=", "!!set {a, b}", "!!timestamp x", "!!int x", "!!python/object:os.system x",
    "!mine x", "한국어", "🙂" * 50, '"\\0"', '"\\ud800"', '"\\e[31mred"', '"a\\nb"', "'it''s'",
    "a: b: c", "- x", "? x", "@x", "`x`", "%x", "|", ">-", "x" * 5000, "${a}", "[secret]",
)  # fmt: skip
LINES = (
    "\t", "<<: {a: 1}", "<<: 3", "? [a, b]\n: 1", "---", "...", "1: x", "null: x", "true: x",
    "config:", "config: 3", "  turnout:service: ~", "  turnout:service: {}", "  service: {}",
    "  tunrout:service: {}", "  aws:region: {a: b}", "    name: api", "    target: ecs", "- a",
    "한국어: x", '"\\0": x', '"\\ud800": x', '"\\e[31m": x', ": x", "\x07", "\ufeff",
)  # fmt: skip
KEY = re.compile(r"(\s*(?:- )?[\w:\"]+:)(?:\s|$)")


@st.composite
def broken(draw: st.DrawFn) -> str:
    """A stack file of the project with one to three lines changed."""
    lines = draw(st.sampled_from(TEXTS)).splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["value", "value", "line", "twice", "away", "deeper", "cut"])):
            case "value":
                found = [(n, m[1]) for n, line in enumerate(lines) if (m := KEY.match(line))]
                at, key = draw(st.sampled_from(found)) if found else (at, "")
                lines[at] = f"{key} {draw(st.sampled_from(VALUES))}"
            case "line":
                lines.insert(at, draw(st.sampled_from(LINES)))
            case "twice":
                lines.insert(at, lines[at])
            case "away":
                lines[at] = ""
            case "deeper":
                lines[at] = draw(st.sampled_from(["  ", " ", "\t"])) + lines[at]
            case _:
                lines[at] = lines[at][: draw(st.integers(0, 80))]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("project")
    (folder / "Pulumi.yaml").write_text("name: turnout\nmain: stacks\nstackConfigDir: stacks\n")
    (folder / "stacks").mkdir()
    return find_workspace(folder)


def said_of(workspace: Workspace, text: str) -> list[str]:
    """What `turnout plan` says of the file before it runs the program."""
    file = workspace.stacks / "Pulumi.x.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        read = read_stack(workspace, "x")
        checked_service(read)
    except StackFileError as error:
        return str(error).replace(f"{workspace.stacks}/", "").split("\n")
    return [said.replace(f"{workspace.stacks}/", "") for said in unknown_keys(read)]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(broken())
@example("config:\n  turnout:service: '" + "[" * 100_000 + "'\n")
@example("config: &a\n  b: {<<: *a}\n")
def test_a_broken_file_is_read_or_refused_with_a_place(workspace: Workspace, text: str) -> None:
    for line in said_of(workspace, text):
        if line.startswith("    "):
            continue  # the lines of an example
        assert re.match(r"Pulumi\.x\.yaml(:\d+:\d+)?: \S", line), line
        assert line.isprintable(), line
        assert len(line) < 700, line
        assert not re.search(r"Error\b|Traceback|NoneType|<class|object at", line), line
