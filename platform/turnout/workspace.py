"""Where the project is: the folder of Pulumi.yaml, and what that file says of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

PROJECT_FILE: Final = "Pulumi.yaml"
STATE: Final = ".state"


class WorkspaceError(Exception):
    """There is no project here, or its file cannot be read; the text says where and what to do."""


@dataclass(frozen=True)
class Workspace:
    """A Pulumi project on disk."""

    root: Path
    project: str
    program: Path
    stacks: Path

    @property
    def state(self) -> Path:
        """Where this machine keeps what belongs to the clone: stack state, local servers."""
        return self.root / STATE


def find_workspace(start: Path | None = None) -> Workspace:
    """The project that `start`, or the current folder, is in. Raises WorkspaceError."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / PROJECT_FILE).is_file():
            return _read(folder)
    raise WorkspaceError(
        f"no {PROJECT_FILE} in {here} or above it; run this inside a clone of the project"
    )


def _read(root: Path) -> Workspace:
    path = root / PROJECT_FILE
    try:
        said = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise WorkspaceError(f"{path} cannot be read: {error}") from None
    if not isinstance(said, dict) or not isinstance(said.get("name"), str):
        raise WorkspaceError(f"{path}: name is missing; Pulumi needs a project name")
    return Workspace(
        root=root,
        project=said["name"],
        program=(root / str(said.get("main", "."))).resolve(),
        stacks=(root / str(said.get("stackConfigDir", "."))).resolve(),
    )
