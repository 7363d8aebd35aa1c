"""turnout-model inspect: what a model folder says of itself."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from turnout_inference.model.command import Commands
from turnout_inference.model.manifest import Manifest, load_manifest, model_digest
from turnout_inference.model.report import parity_lines


def add_parser(commands: Commands) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser("inspect", help="print what a model folder says of itself")
    parser.add_argument("folder", type=Path, help="model folder")
    parser.add_argument("--json", action="store_true", help="turnout.json and its sha256, as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print the manifest; the files' content is `verify`'s to check."""
    manifest = load_manifest(arguments.folder)
    digest = model_digest(arguments.folder)
    if arguments.json:
        described = {"sha256": digest} | manifest.model_dump(mode="json")
        print(json.dumps(described, indent=2, ensure_ascii=False))
    else:
        print("\n".join(lines(manifest, digest)))


def lines(manifest: Manifest, digest: str) -> list[str]:
    """The manifest for people."""
    size = sum(entry.size for entry in manifest.files.values())
    rows = {
        "name": f"{manifest.name}, revision {manifest.revision}",
        "sha256": digest,
        "architecture": f"{manifest.architecture}, {manifest.hidden_size} wide",
        "weights": f"{manifest.compute_type}, {size / 1e6:.1f} MB in {len(manifest.files)} files",
        "kind": manifest.problem_type.replace("_", "-"),
        "labels": ", ".join(manifest.labels),
        "given": _given(manifest),
        "tokens": f"up to {manifest.max_tokens}, {manifest.tokenizer.kind}",
        "licence": manifest.licence,
        "source": manifest.source,
    }
    told = [f"{name:<13}{value}" for name, value in rows.items()]
    told += [f"{'attribution':<13}{line}" for line in manifest.attribution]
    return told + (parity_lines(manifest.parity) if manifest.parity else [])


def _given(manifest: Manifest) -> str:
    """When a label is given, in words."""
    if manifest.thresholds is not None:
        each = (f"{label} from {cut:g}" for label, cut in manifest.thresholds.items())
        return "by score: " + ", ".join(each)
    if manifest.threshold is not None:
        return f"from a score of {manifest.threshold:g}"
    return "the best one"
