"""What the engine says, without its signs of life and without an error said twice."""

from typing import Final

import click

_TWICE: Final = "error: an unhandled error occurred:"
# How far Pulumi sets in the name of the resource that diagnostics are of.
_RESOURCE_INDENT: Final = 2


class Transcript:
    """Prints the engine's output as it comes, set in; for the Automation API's `on_output`."""

    def __init__(self) -> None:
        self._in_diagnostics = False
        self._repeating = False

    def __call__(self, text: str) -> None:
        for line in text.splitlines():
            if self.keeps(line):
                click.echo(f"  {line}")

    def keeps(self, line: str) -> bool:
        """Whether `line`, the next of the output, is worth showing."""
        bare = line.strip()
        if not bare or line.startswith(("@", "The resources in the stack", "If you want to")):
            return False
        if not line.startswith(" "):
            self._in_diagnostics = bare == "Diagnostics:"
            self._repeating = False
        if not self._in_diagnostics:
            # A line of progress; the diagnostics have the error in full.
            return " error: " not in line
        indent = len(line) - len(line.lstrip())
        if bare.startswith(_TWICE):
            self._repeating = True
        elif indent <= _RESOURCE_INDENT or bare.startswith(("error:", "warning:")):
            self._repeating = False
        return not self._repeating
