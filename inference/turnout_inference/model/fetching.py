"""turnout-model fetch: bring a model to this machine as a server would at start."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from turnout_inference.model.command import Commands
from turnout_inference.model.fetch import resolve_model


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "fetch",
        help="fetch a model by URI and print its folder",
        description="Fetch into the cache, where a server of the same TURNOUT_CACHE_DIR finds it.",
    )
    parser.add_argument("uri", help="folder, file:///folder, s3://bucket/prefix or https://…")
    parser.add_argument("--sha256", help="the model's digest (default: the URI's last step)")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(os.environ.get("TURNOUT_CACHE_DIR") or Path.home() / ".cache" / "turnout"),
        help="default: TURNOUT_CACHE_DIR, or %(default)s",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Fetch, and print the folder."""
    print(resolve_model(arguments.uri, arguments.sha256, arguments.cache))
