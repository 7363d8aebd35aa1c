"""From a Hugging Face checkpoint to a model folder that answers as the original does."""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from turnout_inference.model.checkpoint import (
    Checkpoint,
    head_tensors,
    load_classifier,
    read_checkpoint,
)
from turnout_inference.model.ctranslate2_conversion import write_encoder
from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.files import describe_files, sha256_of, verify_files
from turnout_inference.model.manifest import (
    FORMAT_VERSION,
    MANIFEST,
    MODEL_NAME,
    ComputeType,
    FastTokenizer,
    FileEntry,
    Manifest,
    ProblemType,
    SentencePieceTokenizer,
    checked_manifest,
    parse_manifest,
)
from turnout_inference.model.parity import Limits, shortfalls
from turnout_inference.model.texts import read_texts
from turnout_inference.model.tokenizer_files import longest_input, place_tokenizer

log = logging.getLogger(__name__)

LICENCE_FILE = "LICENSE"
NO_LICENCE = "unknown"
_LICENCE_NAMES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE")


@dataclass(frozen=True, slots=True)
class Request:
    """What to convert, and what the manifest shall say that the checkpoint does not."""

    source: Path
    out: Path
    compute_type: ComputeType = "int8"
    texts: Path | None = None
    limits: Limits = field(default_factory=Limits)
    name: str | None = None
    revision: str | None = None
    origin: str | None = None
    licence: str = NO_LICENCE
    licence_file: Path | None = None
    attribution: tuple[str, ...] = ()
    problem_type: ProblemType | None = None
    max_tokens: int | None = None
    threshold: float | None = None
    thresholds: dict[str, float] = field(default_factory=dict)


def convert(request: Request) -> Manifest:
    """Make the model folder; ModelRefused, and no folder, where its answers are not the same."""
    # The parity measured is the server's own code's, which takes CTranslate2 and NumPy along.
    from turnout_inference.model.measure import measure_parity

    checkpoint = read_checkpoint(request.source)
    if request.problem_type is not None:
        checkpoint = replace(checkpoint, problem_type=request.problem_type)
    texts = None if request.texts is None else read_texts(request.texts, checkpoint.labels)
    _refuse_impossible(request, checkpoint)
    with _renamed_when_done(request.out) as folder:
        log.info("converting %s to %s", checkpoint.architecture, request.compute_type)
        manifest = _write(request, checkpoint, folder)
        log.info("comparing with the original")
        parity = measure_parity(folder, manifest, checkpoint, texts)
        if found := shortfalls(parity, request.limits):
            raise ModelRefused(
                str(request.source),
                "converted, it is not the same model: " + "; ".join(found),
                "try --quantization float32, or allow more",
            )
        manifest = manifest.model_copy(update={"parity": parity})
        _write_manifest(folder, manifest)
        verify_files(folder, manifest)
    return manifest


def _refuse_impossible(request: Request, checkpoint: Checkpoint) -> None:
    if re.match(MODEL_NAME, _name(request)) is None:
        raise ModelRefused(
            "--name",
            f"{_name(request)!r} cannot be a model's name",
            "use letters, digits, dots, dashes and underscores, 100 at most",
        )
    longest = longest_input(checkpoint)
    if request.max_tokens is not None and not 3 <= request.max_tokens <= longest:
        raise ModelRefused(
            "--max-tokens", f"{request.max_tokens} is not possible", f"use 3 to {longest}"
        )
    if unknown := sorted(request.thresholds.keys() - set(checkpoint.labels)):
        raise ModelRefused(
            "--label-threshold",
            f"{unknown[0]!r} is not a label of the model",
            f"use {', '.join(checkpoint.labels)}",
        )
    if checkpoint.problem_type == "single_label" and (
        request.thresholds or request.threshold is not None
    ):
        raise ModelRefused(
            "--threshold",
            "this is a single-label model: it answers its best label",
            "leave thresholds out",
        )
    if checkpoint.problem_type == "single_label" and len(checkpoint.labels) == 1:
        raise ModelRefused(
            "--problem-type",
            "single_label needs two labels to choose from: the score of one would always be 1",
            "leave it out, or use multi_label",
        )
    # All that the manifest will say of itself, before the work and not after it.
    nothing = FileEntry(sha256="0" * 64, size=0)
    tokenizer = FastTokenizer()
    names = ("model.bin", "config.json", checkpoint.head.file, tokenizer.file)
    revision = request.revision or "unknown yet"
    _manifest(request, checkpoint, revision, dict.fromkeys(names, nothing), tokenizer)


def _name(request: Request) -> str:
    return request.name or request.out.resolve().name


def _write(request: Request, checkpoint: Checkpoint, folder: Path) -> Manifest:
    from safetensors.numpy import save_file

    classifier = load_classifier(checkpoint)
    tensors = head_tensors(classifier, checkpoint.architecture)
    placed = place_tokenizer(checkpoint, folder, classifier.config.vocab_size)
    # The converter writes into no folder but one of its own making.
    encoder = folder / "encoder"
    write_encoder(
        classifier, checkpoint.architecture, placed.vocabulary, request.compute_type, encoder
    )
    for path in encoder.iterdir():
        path.rename(folder / path.name)
    encoder.rmdir()
    save_file(tensors, folder / checkpoint.head.file)
    _copy_licence(request, folder)
    for path in folder.iterdir():
        # The server runs as another user than the one who converts.
        path.chmod(0o644)
    revision = request.revision or _weights_digest(checkpoint.folder)[:12]
    files = describe_files(folder)
    manifest = _manifest(request, checkpoint, revision, files, placed.described)
    return _write_manifest(folder, manifest)


def _manifest(
    request: Request,
    checkpoint: Checkpoint,
    revision: str,
    files: Mapping[str, FileEntry],
    tokenizer: SentencePieceTokenizer | FastTokenizer,
) -> Manifest:
    threshold = 0.5 if request.threshold is None else request.threshold
    cuts: dict[str, Any] = {}
    if checkpoint.problem_type == "multi_label" and request.thresholds:
        cuts = {"thresholds": dict.fromkeys(checkpoint.labels, threshold) | request.thresholds}
    elif checkpoint.problem_type == "multi_label":
        cuts = {"threshold": threshold}
    described = {
        "format_version": FORMAT_VERSION,
        "name": _name(request),
        "revision": revision,
        "architecture": checkpoint.architecture,
        "hidden_size": checkpoint.hidden_size,
        "problem_type": checkpoint.problem_type,
        "labels": checkpoint.labels,
        "max_tokens": request.max_tokens or longest_input(checkpoint),
        "tokenizer": tokenizer,
        "head": checkpoint.head,
        "compute_type": request.compute_type,
        "files": files,
        "licence": request.licence,
        "attribution": request.attribution,
        "source": request.origin or checkpoint.folder.resolve().name,
        **cuts,
    }
    return checked_manifest(described, MANIFEST, "change the option, or the checkpoint's config")


def _write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Write turnout.json, and take it back as a server will."""
    content = manifest.to_bytes()
    (folder / MANIFEST).write_bytes(content)
    (folder / MANIFEST).chmod(0o644)
    return parse_manifest(content, str(folder / MANIFEST))


def _weights_digest(folder: Path) -> str:
    weights = sorted([*folder.glob("*.safetensors"), *folder.glob("pytorch_model*.bin")])
    if not weights:
        raise ModelRefused(str(folder), "has no weights", "download the checkpoint again")
    return sha256_of(weights[0])


def _copy_licence(request: Request, folder: Path) -> None:
    candidates = [request.source / name for name in _LICENCE_NAMES]
    chosen = request.licence_file or next((path for path in candidates if path.is_file()), None)
    if chosen is None:
        return
    try:
        shutil.copyfile(chosen, folder / LICENCE_FILE)
    except OSError as error:
        raise ModelRefused(
            str(chosen), f"cannot be read ({error.strerror})", "give the licence's text"
        ) from None


@contextmanager
def _renamed_when_done(out: Path) -> Iterator[Path]:
    """A new folder beside `out` that takes its place at the end, or goes away."""
    if out.exists():
        raise ModelRefused(str(out), "exists", "remove it, or name another folder")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise ModelRefused(
            str(out), f"cannot be written ({error.strerror})", "name a folder that can"
        ) from None
    try:
        yield work
        work.chmod(0o755)
        work.rename(out)
    except OSError as error:
        raise ModelRefused(
            str(out), f"cannot be written ({error.strerror or error})", "name another folder"
        ) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
