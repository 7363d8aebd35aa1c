"""Prints the image that a stack is to run, of those that one build has pushed.

    image_for_stack.py <stack> <repository> '{"index": "sha256:…", "amd64": …, "arm64": …}'

A stack whose tiers all have one architecture gets the image of that platform (Lambda takes
no other); one whose tiers differ gets the index of both. A stack file that names an image of
its own keeps it.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from turnout.config import ConfigError, Local, parse_service

PLATFORM = {"x86_64": "amd64", "arm64": "arm64"}
"""The platform, as Docker calls it, of each architecture, as the stack file calls it."""


def image_for(service: Mapping[str, Any], repository: str, digests: Mapping[str, str]) -> str:
    """The image by digest. Raises ConfigError if the service is none, ValueError if it runs none.

    digests: of the index, and of each platform by Docker's name for it.
    """
    given = service.get("image")
    if isinstance(given, str):
        return given
    if given is not None:
        raise ValueError("image: is built by the stack itself (image.build), which takes no other")
    index = f"{repository}@{digests['index']}"
    tiers = [
        tier
        for tier in parse_service({**service, "image": index}).tiers
        if not isinstance(tier, Local)
    ]
    if not tiers:
        raise ValueError("target: local runs on the machine that deploys it, without an image")
    platforms = {PLATFORM[tier.architecture] for tier in tiers}
    return f"{repository}@{digests[platforms.pop()]}" if len(platforms) == 1 else index


def main(stack: str, repository: str, digests: str) -> int:
    path = Path("stacks", f"Pulumi.{stack}.yaml")
    try:
        service = yaml.safe_load(path.read_text())["config"]["turnout:service"]
        print(image_for(service, repository, json.loads(digests)))
    except (ConfigError, KeyError, OSError, ValueError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
