"""`turnout schema`: the JSON schema of stack files."""

import json
from pathlib import Path

import click

from turnout.commands.reference import stack_file_reference
from turnout.config import stack_file_schema


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write to this file.",
)
@click.option("--markdown", is_flag=True, help="Print the keys as a document instead.")
def schema_command(output: Path | None, markdown: bool) -> None:
    """Print the JSON schema of stack files.

    The stack files name it in their first line, so that editors complete and check them.
    """
    schema = stack_file_schema()
    if markdown:
        text = stack_file_reference(schema).rstrip("\n")
    else:
        text = json.dumps(schema, indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
