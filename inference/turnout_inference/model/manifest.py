"""turnout.json: what a model folder says of itself; whether its files agree is files.py's.

The folder holds CTranslate2's files, the classification head, the tokenizer's file, the
licence, and turnout.json, which lists the sha256 of all the others. The sha256 of
turnout.json itself is therefore the digest of the whole model.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic import model_validator as validates

from turnout_inference.model.errors import ModelRefused

FORMAT_VERSION: Final = 1
MANIFEST = "turnout.json"
MAX_MANIFEST_BYTES = 1 << 20
"""A manifest is a few kilobytes; anything larger is not one."""

Architecture = Literal["bert", "camembert", "distilbert", "electra", "roberta", "xlm-roberta"]
ProblemType = Literal["multi_label", "single_label"]
ComputeType = Literal["int8", "int8_float32", "float32"]
"""CTranslate2's names, of those that run on any x86-64 or arm64 CPU."""

MODEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=128)
]
"""Plain names only: a model folder is flat, so a path can lead nowhere else."""
Label = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Probability = Annotated[float, Field(ge=0, le=1)]
TokenId = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FileEntry(_Part):
    """What a file of the folder must be; `size` in bytes bounds a download."""

    sha256: Sha256
    size: Annotated[int, Field(ge=0)]


class SentencePieceTokenizer(_Part):
    """A SentencePiece model whose ids are shifted to make room for special tokens.

    A text becomes `[bos_id, piece + id_offset …, eos_id]`; SentencePiece's own unknown
    piece becomes `unk_id`. XLM-RoBERTa's layout is the default of every field.
    """

    kind: Literal["sentencepiece"] = "sentencepiece"
    file: FileName = "sentencepiece.bpe.model"
    id_offset: Annotated[int, Field(ge=0)] = 1
    bos_id: TokenId = 0
    pad_id: TokenId = 1
    eos_id: TokenId = 2
    unk_id: TokenId = 3


class FastTokenizer(_Part):
    """A `tokenizer.json` of the Hugging Face tokenizers library, special tokens included."""

    kind: Literal["tokenizers"] = "tokenizers"
    file: FileName = "tokenizer.json"
    pad_id: TokenId = 0


class Head(_Part):
    """How the encoder's output becomes logits.

    `input` is `last_hidden_state[:, 0]` or `pooler_output`. With an activation the file
    holds dense.weight, dense.bias, out_proj.weight and out_proj.bias (dense, activation,
    out_proj); without one, out_proj alone. float32, `[out, in]` as PyTorch stores them.
    """

    file: FileName = "head.safetensors"
    input: Literal["first_token", "pooler_output"]
    activation: Literal["tanh", "relu", "gelu"] | None


class F1(_Part):
    """F1 of the same labelled texts, by the original and by the converted model."""

    original_micro: Probability
    converted_micro: Probability
    original_macro: Probability
    converted_macro: Probability


class Parity(_Part):
    """How close the folder is to the model that it was converted from.

    texts: inputs compared; random token ids where `inputs` says so.
    label_agreement: the share of yes/no decisions (texts x labels; single-label: texts)
    on which both agree. Differences are between probabilities, absolute.
    token_agreement: the share of texts that the original's tokenizer.json splits into the
    same tokens; None where there is none to compare with.
    """

    reference: str
    ctranslate2: str
    inputs: Literal["texts", "random_tokens"]
    texts: Annotated[int, Field(ge=1)]
    label_agreement: Probability
    max_difference: Probability
    mean_difference: Probability
    token_agreement: Probability | None = None
    f1: F1 | None = None


class Manifest(_Part):
    """All that is to be known of a model before it is loaded."""

    format_version: Literal[1]
    name: Annotated[str, StringConstraints(pattern=MODEL_NAME)]
    revision: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    architecture: Architecture
    hidden_size: Annotated[int, Field(ge=1)]
    problem_type: ProblemType
    labels: Annotated[tuple[Label, ...], Field(min_length=1, max_length=10_000)]
    threshold: Probability | None = None
    thresholds: dict[Label, Probability] | None = None
    max_tokens: Annotated[int, Field(ge=3)]
    """Tokens a text may have, special ones included; what follows is cut off."""
    tokenizer: Annotated[SentencePieceTokenizer | FastTokenizer, Field(discriminator="kind")]
    head: Head
    compute_type: ComputeType
    files: dict[FileName, FileEntry]
    licence: Annotated[str, StringConstraints(min_length=1)]
    attribution: tuple[str, ...] = ()
    source: str
    parity: Parity | None = None

    @validates(mode="after")
    def _agrees_with_itself(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            twice = sorted({label for label in self.labels if self.labels.count(label) > 1})
            raise ValueError(f"labels: {', '.join(twice)} given more than once")
        self._check_thresholds()
        wanted = {"model.bin", "config.json", self.head.file, self.tokenizer.file}
        if missing := sorted(wanted - self.files.keys()):
            raise ValueError(f"files: {', '.join(missing)} not listed")
        if MANIFEST in self.files:
            raise ValueError(f"files: {MANIFEST} cannot list itself")
        return self

    def _check_thresholds(self) -> None:
        if self.problem_type == "single_label":
            if self.threshold is not None or self.thresholds is not None:
                raise ValueError("threshold: a single-label model answers its best label, no cut")
            if len(self.labels) == 1:
                raise ValueError(
                    "problem_type: single_label needs two labels to choose from, the score of one "
                    "would always be 1; make it multi_label with a threshold"
                )
            return
        if (self.threshold is None) == (self.thresholds is None):
            raise ValueError(
                "threshold: a multi-label model has either threshold (one for all labels) "
                "or thresholds (one for each label)"
            )
        if self.thresholds is not None and (
            differing := sorted(self.thresholds.keys() ^ set(self.labels))
        ):
            raise ValueError(
                f"thresholds: one for each label and no other; differs in {', '.join(differing)}"
            )

    def cuts(self) -> tuple[float, ...] | None:
        """The threshold of each label, in the labels' order; None for a single-label model."""
        if self.thresholds is not None:
            return tuple(self.thresholds[label] for label in self.labels)
        return None if self.threshold is None else (self.threshold,) * len(self.labels)

    def to_bytes(self) -> bytes:
        """The manifest as it is written to turnout.json."""
        text = json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False)
        return (text + "\n").encode()


def load_manifest(folder: Path) -> Manifest:
    """Read and check `folder`/turnout.json; ModelRefused says what is wrong with it."""
    return parse_manifest(read_manifest_bytes(folder), str(folder / MANIFEST))


def model_digest(folder: Path) -> str:
    """The model's digest: sha256 of the bytes of its turnout.json, in hex."""
    return hashlib.sha256(read_manifest_bytes(folder)).hexdigest()


def read_manifest_bytes(folder: Path) -> bytes:
    """The bytes of `folder`/turnout.json, or ModelRefused where there is none to read."""
    place = folder / MANIFEST
    try:
        if not folder.is_dir():
            problem = "not a folder" if folder.exists() else "no such folder"
            raise ModelRefused(str(folder), problem, "give the folder that holds turnout.json")
        status = place.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelRefused(str(place), "not a regular file", "copy the file itself there")
        if status.st_size > MAX_MANIFEST_BYTES:
            raise ModelRefused(
                str(place),
                f"{status.st_size} bytes, more than {MAX_MANIFEST_BYTES}",
                "this is not a manifest; make the folder with `turnout-model convert`",
            )
        return place.read_bytes()
    except FileNotFoundError:
        raise ModelRefused(
            str(place), "missing", "make the folder with `turnout-model convert`"
        ) from None
    except OSError as error:
        raise ModelRefused(
            str(place), f"cannot be read ({error.strerror})", "make it readable to this user"
        ) from None


def parse_manifest(content: bytes, place: str) -> Manifest:
    """Check the bytes of a turnout.json; `place` is what messages call it."""
    fix = "make the folder anew with `turnout-model convert`, or fetch it again"
    try:
        data = json.loads(content, object_pairs_hook=_no_key_twice)
    except (ValueError, RecursionError) as error:
        raise ModelRefused(place, f"not valid JSON ({error})", fix) from None
    if not isinstance(data, dict):
        raise ModelRefused(place, f"a JSON object was expected, not {type(data).__name__}", fix)
    version = data.get("format_version")
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise ModelRefused(
            f"{place}: format_version",
            f"{json.dumps(version)[:40]} is not one that this server reads ({FORMAT_VERSION})",
            "serve it with the turnout that made it, or convert the model with this one",
        )
    return checked_manifest(data, place, fix)


def checked_manifest(data: Mapping[str, Any], place: str, fix: str) -> Manifest:
    """Check the fields of a manifest; ModelRefused says which are wrong."""
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        raise ModelRefused(place, "; ".join(_said_plainly(error)), fix) from None


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key!r} given twice")
        found[key] = value
    return found


def _said_plainly(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False)[:5]:
        where = ".".join(str(step) for step in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        value = "" if problem["type"] in {"missing", "value_error"} else _shown(problem["input"])
        yield f"{where}: {message}{value}" if where else message


def _shown(value: object) -> str:
    return f" (it is {json.dumps(value, ensure_ascii=False, default=str)[:80]})"


ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)
PROBLEM_TYPES: tuple[ProblemType, ...] = get_args(ProblemType)
COMPUTE_TYPES: tuple[ComputeType, ...] = get_args(ComputeType)
