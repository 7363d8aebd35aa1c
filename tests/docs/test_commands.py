"""Every command that the documents show runs here, or says after its `sh` why not.

It runs in a copy of the project with a port of its own; what it prints has to look like what the
document shows, but for the figures. docs/models.md has a test of its own.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from turnout import local
from turnout.config import parse_service
from turnout.engine import find, wanted

ROOT = Path(__file__).parents[2]
OWN_TEST = {"docs/models.md": ROOT / "tests/docs/test_models.py"}
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


@dataclass(frozen=True)
class Block:
    document: str
    line: int
    language: str
    reason: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def blocks() -> Iterator[Block]:
    for path in DOCUMENTS:
        text = path.read_text()
        for match in FENCE.finditer(text):
            language, _, reason = match["info"].partition(" ")
            line = text.count("\n", 0, match.start()) + 1
            name = str(path.relative_to(ROOT))
            yield Block(name, line, language, reason.strip(), match["text"])


SHELL = [block for block in blocks() if block.language in {"sh", "console"}]
RUN = [block for block in SHELL if not block.reason and block.document not in OWN_TEST]
YAML = [block for block in blocks() if block.language == "yaml"]


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy as a clone would be, set up already, with a port of its own."""
    root = tmp_path_factory.mktemp("clone")
    for name in ("Makefile", "Pulumi.yaml", "stacks", "platform", "policies", "inference",
                 "requirements", "tools"):  # fmt: skip
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", ".venv")
            shutil.copytree(source, root / name, ignore=ignore)
        else:
            shutil.copy(source, root / name)
    for path in root.rglob("*"):
        # Older than the environment: nothing in the copy asks for it to be set up again.
        os.utime(path, (0, 0))
    (root / ".venv").symlink_to(ROOT / ".venv")
    if (ROOT / ".tools").exists():
        # Without it uv would be fetched anew, and .venv set up to import from this copy.
        (root / ".tools").symlink_to(ROOT / ".tools")
    (root / "stacks/.venv").symlink_to("../.venv")
    file = root / "stacks/Pulumi.local.yaml"
    port = local.free_port()
    file.write_text(
        file.read_text().replace("target: local", f"target: {{kind: local, port: {port}}}")
    )
    (root / "port").write_text(str(port))
    yield root
    for folder in root.glob(".state/local/*/*"):
        local.stop(folder, timeout=1)


def run(command: str, project: Path) -> str:
    port = (project / "port").read_text()
    done = subprocess.run(
        ["/bin/sh", "-euc", command.replace(":8000", f":{port}")],
        cwd=project,
        # No command may set up anew: the environment is that of the project being tested.
        env={**os.environ, "MAKEFLAGS": " -- UV=false"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def without_figures(text: str) -> list[str]:
    return [re.sub(r"\d+(\.\d+)?", "0", line).rstrip() for line in text.splitlines()]


def test_there_is_something_to_run() -> None:
    assert {block.document for block in RUN} >= {"README.md", "docs/architecture.md"}


@pytest.mark.engine
@pytest.mark.parametrize("document", sorted({block.document for block in RUN}))
def test_the_commands_do_what_the_document_shows(document: str, project: Path) -> None:
    if find(wanted()) is None:
        pytest.skip("no Pulumi engine: `turnout doctor` says why")
    for block in RUN:
        if block.document != document:
            continue
        if block.language == "sh":
            run(block.text, project)
        else:
            compare(block, project)


def compare(block: Block, project: Path) -> None:
    shown: list[str] = []
    printed: list[str] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            printed += without_figures(run(line.removeprefix("$ "), project))
        elif line != "…":
            shown += without_figures(line)
    missing = [line for line in shown if line not in printed]
    assert not missing, "\n".join(("not printed:", *missing, "but:", *printed))


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_a_block_that_is_not_run_says_why(block: Block) -> None:
    if block.document in OWN_TEST:
        assert Path(block.document).name in OWN_TEST[block.document].read_text()
    elif block not in RUN:
        assert len(block.reason.split()) > 1


@pytest.mark.parametrize("block", YAML, ids=str)
def test_a_stack_file_in_a_document_is_valid(block: Block) -> None:
    said = yaml.safe_load(block.text)
    if isinstance(said, dict) and "turnout:service" in said.get("config", {}):
        parse_service(said["config"]["turnout:service"])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    broken = [link for link in LINK.findall(path.read_text()) if not (path.parent / link).exists()]
    assert not broken


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_that_a_document_names_are_there(path: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`(?:ENGINE=\w+ )?make ([a-z-]+)`", path.read_text()))
    assert named <= targets
