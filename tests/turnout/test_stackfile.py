import json
from pathlib import Path

import pytest

from turnout.stackfile import (
    FOUNDATION,
    StackFile,
    StackFileError,
    checked_service,
    read_stack,
    stack_names,
    unknown_keys,
    with_places,
)
from turnout.workspace import Workspace, WorkspaceError, find_workspace

ROOT = Path(__file__).parents[2]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "Pulumi.yaml").write_text("name: turnout\nmain: stacks\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    return find_workspace(tmp_path / "stacks")


def read(workspace: Workspace, text: str) -> StackFile:
    (workspace.stacks / "Pulumi.dev.yaml").write_text(text)
    return read_stack(workspace, "dev")


def refusal(workspace: Workspace, text: str) -> str:
    with pytest.raises(StackFileError) as caught:
        checked_service(read(workspace, text))
    return str(caught.value).replace(f"{workspace.stacks}/", "")


def test_the_project_is_found_from_any_folder_inside_it(workspace: Workspace) -> None:
    assert workspace.project == "turnout"
    assert workspace.program == workspace.root / "stacks"


def test_outside_a_project_the_error_says_where_to_be(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"no Pulumi\.yaml in .* or above it"):
        find_workspace(tmp_path)


def test_values_reach_the_program_as_from_the_engine(workspace: Workspace) -> None:
    file = read(
        workspace,
        "config:\n  aws:region: eu-west-1\n  size: 3\n  on: true\n  list: [1, 1.5, x, null]\n",
    )
    assert file.config == {
        "aws:region": "eu-west-1",
        "turnout:size": "3",
        "turnout:on": "true",
        "turnout:list": '[1, 1.5, "x", null]',
    }


def test_yaml_is_read_as_version_1_2(workspace: Workspace) -> None:
    file = read(workspace, "config:\n  a: [yes, on, 1:30, 2026-01-01, true, 0x10]\n")
    assert json.loads(file.config["turnout:a"]) == ["yes", "on", "1:30", "2026-01-01", True, 16]


def test_a_secret_is_not_read(workspace: Workspace) -> None:
    file = read(workspace, "config:\n  a: {secure: v1:abc}\n  b: {c: {secure: v1:abc}, d: 1}\n")
    assert file.config == {"turnout:a": "[secret]", "turnout:b": '{"c": "[secret]", "d": 1}'}
    assert file.secret_keys == {"turnout:a", "turnout:b"}


def test_a_stack_that_is_not_there_names_those_that_are(workspace: Workspace) -> None:
    for name in ("prod", "staging"):
        (workspace.stacks / f"Pulumi.{name}.yaml").touch()
    with pytest.raises(StackFileError) as caught:
        read_stack(workspace, "prd")
    assert str(caught.value) == (
        "there is no stack prd, did you mean prod? (the stacks here: prod, staging)"
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("config:\n  a: [1\n  b: 2\n", "Pulumi.dev.yaml:3:4: not YAML"),
        ("config:\n\ta: 1\n", "Pulumi.dev.yaml:2:1: not YAML"),
        ("config:\n  a: \x07\n", "Pulumi.dev.yaml:2:6: not YAML: it holds the character #x0007"),
        ('config: {a: "\\ud800"}\n', "Pulumi.dev.yaml:1:13: \\ud800 holds the character #xd800"),
        ('config: {"a\\0": 1}\n', "Pulumi.dev.yaml:1:10: a\\x00 holds the character #x0000"),
        (
            "config: {a: !!timestamp x}\n",
            "Pulumi.dev.yaml:1:13: not YAML: !!timestamp makes what JSON has not",
        ),
        ("config: {a: !!bool maybe}\n", "Pulumi.dev.yaml:1:13: not YAML: maybe is no number or"),
        ("config: {a: 09}\n", "Pulumi.dev.yaml:1:13: not YAML: 09 is no number"),
        (f"config: {{a: {'9' * 5000}}}\n", "Pulumi.dev.yaml:1:13: not YAML: 999"),
        (f"config: {'[' * 5000}", "Pulumi.dev.yaml: is nested too deeply"),
        ("config: {a: {<<: 1}}\n", "expected a mapping or list of mappings"),
        ("config: {1: x, true: y}\n", "Pulumi.dev.yaml:1:1: config has no turnout:service"),
        (
            'config: {turnout:service: {"na\\e[31mme": x, target: local}}\n',
            "turnout:service.na\\x1b[31mme: is not known; did you mean name?",
        ),
        ("config:\n  a: 1\n  a: 2\n", "Pulumi.dev.yaml:3:3: a is there twice; line 2 has it"),
        ("config: 3\n", "Pulumi.dev.yaml:1:9: config must be a mapping"),
        ("- a\n", "Pulumi.dev.yaml:1:1: must be a mapping"),
        ("config: &a {b: *a}\n", "Pulumi.dev.yaml:1:9: b refers to itself"),
        ("", "Pulumi.dev.yaml:1:1: config has no turnout:service; it says what to run"),
        ("config:\n", "Pulumi.dev.yaml:1:1: config has no turnout:service"),
        (
            "config:\n  turnout:service:\n    name: api\n    target: {kind: local, prot: 9000}\n",
            "Pulumi.dev.yaml:4:27: turnout:service.target.prot: is not known; did you mean port?",
        ),
        (
            "config:\n  turnout:service:\n    name: api\n    targets:\n      - kind: ecs\n"
            "        cpu: 3\n",
            "Pulumi.dev.yaml:6:9: turnout:service.targets[0].cpu: 3 is not a Fargate CPU size",
        ),
        (
            "config:\n  service:\n    name: api\n",
            "Pulumi.dev.yaml:2:3: turnout:service.target: is missing",
        ),
        (
            "config:\n  service: {name: api, target: {kind: local, port: {secure: v1:x}}}\n",
            "turnout:service.target.port: is encrypted, so only `pulumi preview` can",
        ),
        ("config: {turnout:service: abc}\n", "Pulumi.dev.yaml:1:10: turnout:service: must be"),
    ],
)
def test_an_error_begins_with_its_place(workspace: Workspace, text: str, wanted: str) -> None:
    assert wanted in refusal(workspace, text)


def test_aliases_that_multiply_are_refused(workspace: Workspace) -> None:
    lines = ["config:", "  a0: &a0 {x: 1, y: 2, z: 3, u: 4, v: 5}"]
    for n in range(1, 9):
        keys = ", ".join(f"k{i}: *a{n - 1}" for i in range(5))
        lines.append(f"  a{n}: &a{n} {{{keys}}}")
    assert "aliases make more than" in refusal(workspace, "\n".join(lines))


def test_a_plain_equals_sign_is_text(workspace: Workspace) -> None:
    assert read(workspace, "config: {a: [=, ~]}\n").config == {"turnout:a": '["=", null]'}


SERVICE = "  turnout:service: {name: api, target: local}\n"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("tunrout:service", "nobody reads it; did you mean turnout:service?"),
        ("turnout:serivce2", "nobody reads it; did you mean turnout:service?"),
        ("turnout:foundatoin", "nobody reads it; did you mean turnout:foundation?"),
        ("turnout:other", "nobody reads it"),
        ("aws:regoin", "nobody reads it; did you mean aws:region?"),
    ],
)
def test_a_key_that_nobody_reads_is_told_with_its_place(
    workspace: Workspace, key: str, said: str
) -> None:
    file = read(workspace, f"config:\n{SERVICE}  {key}: 1\n")
    (warning,) = unknown_keys(file)
    assert warning.endswith(f"Pulumi.dev.yaml:3:3: {key}: {said}")


def test_keys_of_others_are_theirs(workspace: Workspace) -> None:
    keys = ("aws:region: eu-west-1", "aws:profile: x", "mine:size: 3", "kubernetes:context: x")
    file = read(workspace, f"config:\n{SERVICE}" + "".join(f"  {key}\n" for key in keys))
    assert list(unknown_keys(file)) == []


def test_what_the_program_says_of_a_key_gets_its_place(workspace: Workspace) -> None:
    file = read(workspace, "config:\n  turnout:service:\n    settings: {A: b}\n")
    said = with_places(file, "turnout:service.settings: are too long\nother words: x")
    assert said.endswith(
        "Pulumi.dev.yaml:3:5: turnout:service.settings: are too long\nother words: x"
    )


def test_the_region_of_the_stack_is_compared(workspace: Workspace) -> None:
    text = (
        "config:\n  aws:region: mars-1\n  turnout:service:\n    name: api\n    target: ecs\n"
        f"    plain_http: true\n    image: example.com/api@sha256:{'0' * 64}\n"
    )
    wanted = "Pulumi.dev.yaml:2:3: aws:region: mars-1 is no AWS region"
    assert wanted in refusal(workspace, text)


def test_every_stack_file_of_a_service_is_valid_and_completed_by_editors() -> None:
    here = find_workspace(ROOT)
    names = stack_names(here)
    assert "local" in names
    for name in names:
        file = read_stack(here, name)
        if FOUNDATION in file.config:
            continue
        checked_service(file)
        first = file.path.read_text().splitlines()[0]
        assert first == "# yaml-language-server: $schema=./turnout.schema.json", name
