"""turnout-model: make, check, measure, push and fetch model folders."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from turnout_inference.model import bench, convert, fetching, inspection, push, verify
from turnout_inference.model.command import CommandFailed
from turnout_inference.model.errors import ModelRefused

EXIT_USAGE = 2
EXIT_REFUSED = 3
EXIT_INTERRUPTED = 130
"""As shells count a process that SIGINT ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit codes: 0 done, 2 wrong usage or nothing to use, 3 model refused."""
    parsed = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    try:
        parsed.run(parsed)
    except CommandFailed as failure:
        print(f"turnout-model: {failure}", file=sys.stderr)
        return EXIT_USAGE
    except ModelRefused as refusal:
        print(f"turnout-model: {refusal}", file=sys.stderr)
        return EXIT_REFUSED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(prog="turnout-model", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="command")
    for command in (convert, verify, inspection, bench, push, fetching):
        command.add_parser(commands)
    return top


if __name__ == "__main__":
    sys.exit(main())
