"""A Hugging Face checkpoint on disk: what its config says, and its weights when asked.

config.json is read without torch, so that a checkpoint that cannot be converted is refused
before anything heavy is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.manifest import ARCHITECTURES, Architecture, Head, ProblemType

Activation = Literal["tanh", "relu", "gelu"]

_ROBERTA_LIKE: frozenset[Architecture] = frozenset({"camembert", "roberta", "xlm-roberta"})
"""Their positions start at padding_idx + 1, which costs as many of the position embeddings."""

_HEADS: dict[Architecture, Head] = {
    "bert": Head(input="pooler_output", activation=None),
    "camembert": Head(input="first_token", activation="tanh"),
    "distilbert": Head(input="first_token", activation="relu"),
    "electra": Head(input="first_token", activation="gelu"),
    "roberta": Head(input="first_token", activation="tanh"),
    "xlm-roberta": Head(input="first_token", activation="tanh"),
}
"""As the *ForSequenceClassification classes of transformers compute them."""

_PROBLEM_TYPES: dict[str, ProblemType] = {
    "multi_label_classification": "multi_label",
    "single_label_classification": "single_label",
}

_ACTIVATIONS = (
    "gelu",
    "gelu_fast",
    "gelu_new",
    "gelu_python",
    "gelu_pytorch_tanh",
    "quick_gelu",
    "relu",
    "silu",
    "swish",
)
"""Of the layers, as CTranslate2's converter names them (converters/transformers.py)."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What config.json says that a converted model must keep."""

    folder: Path
    architecture: Architecture
    hidden_size: int
    labels: tuple[str, ...]
    problem_type: ProblemType
    max_tokens: int
    pad_id: int

    @property
    def head(self) -> Head:
        """How logits are made from this architecture's encoder output."""
        return _HEADS[self.architecture]


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read `folder`/config.json; ModelRefused where it is not a classifier that converts."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_bytes())
    except OSError as error:
        raise ModelRefused(
            str(path), f"cannot be read ({error.strerror})", "give a Hugging Face checkpoint folder"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ModelRefused(str(path), f"not valid JSON ({error})", "download it again") from None
    if not isinstance(config, dict):
        raise ModelRefused(str(path), "not a JSON object", "download it again")
    architecture = _architecture(config, path)
    _refuse_what_ctranslate2_cannot(config, architecture, path)
    labels = _labels(config, path)
    pad_id = _number(config, "pad_token_id", path, default=0)
    positions = _number(config, "max_position_embeddings", path)
    return Checkpoint(
        folder=folder,
        architecture=architecture,
        hidden_size=_number(config, "dim" if architecture == "distilbert" else "hidden_size", path),
        labels=labels,
        problem_type=_problem_type(config, labels, path),
        max_tokens=positions - pad_id - 1 if architecture in _ROBERTA_LIKE else positions,
        pad_id=pad_id,
    )


def load_classifier(checkpoint: Checkpoint) -> Any:
    """The PyTorch model, in float32 and evaluation mode. Needs the `convert` extra."""
    import torch
    from transformers import AutoModelForSequenceClassification
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model, report = AutoModelForSequenceClassification.from_pretrained(
            checkpoint.folder,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except Exception as error:  # transformers and its readers raise nearly anything here
        first = str(error).strip().partition("\n")[0]
        raise ModelRefused(
            str(checkpoint.folder), f"cannot be loaded ({first})", "download the checkpoint again"
        ) from None
    if missing := sorted(report["missing_keys"]):
        raise ModelRefused(
            str(checkpoint.folder),
            f"has no weights for {', '.join(missing[:4])}",
            "give a checkpoint that was fine-tuned for sequence classification",
        )
    return model.eval()


def reference_logits(
    model: Any, pad_id: int, sequences: Sequence[Sequence[int]], batch_size: int = 32
) -> npt.NDArray[np.float32]:
    """[texts, labels] logits of the PyTorch model, texts in their order."""
    import torch

    order = sorted(range(len(sequences)), key=lambda row: len(sequences[row]))
    logits = np.empty((len(sequences), model.config.num_labels), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            longest = max(len(sequences[row]) for row in rows)
            ids = torch.full((len(rows), longest), pad_id)
            mask = torch.zeros((len(rows), longest), dtype=torch.long)
            for place, row in enumerate(rows):
                ids[place, : len(sequences[row])] = torch.tensor(list(sequences[row]))
                mask[place, : len(sequences[row])] = 1
            logits[rows] = model(input_ids=ids, attention_mask=mask).logits.numpy()
    return logits


def head_tensors(model: Any, architecture: Architecture) -> dict[str, npt.NDArray[np.float32]]:
    """The head's tensors under the names of head.safetensors."""
    layers: dict[str, Any]
    match architecture:
        case "bert":
            layers = {"out_proj": model.classifier}
        case "distilbert":
            layers = {"dense": model.pre_classifier, "out_proj": model.classifier}
        case "camembert" | "electra" | "roberta" | "xlm-roberta":
            layers = {"dense": model.classifier.dense, "out_proj": model.classifier.out_proj}
    return {
        f"{layer}.{part}": getattr(module, part).detach().numpy().copy()
        for layer, module in layers.items()
        for part in ("weight", "bias")
    }


def _architecture(config: dict[str, Any], path: Path) -> Architecture:
    known = ", ".join(ARCHITECTURES)
    for architecture in ARCHITECTURES:
        if config.get("model_type") == architecture:
            classes = config.get("architectures")
            if not isinstance(classes, list) or not any(
                str(name).endswith("ForSequenceClassification") for name in classes
            ):
                raise ModelRefused(
                    f"{path}: architectures",
                    f"{classes} has no ForSequenceClassification",
                    "give a checkpoint that was fine-tuned for sequence classification",
                )
            return architecture
    raise ModelRefused(
        f"{path}: model_type",
        f"{config.get('model_type')!r} is not one that converts",
        f"use one of {known}",
    )


def _refuse_what_ctranslate2_cannot(
    config: dict[str, Any], architecture: Architecture, path: Path
) -> None:
    if (kind := config.get("position_embedding_type", "absolute")) != "absolute":
        raise ModelRefused(
            f"{path}: position_embedding_type", f"is {kind!r}", "only 'absolute' converts"
        )
    key = "activation" if architecture == "distilbert" else "hidden_act"
    if (activation := config.get(key, "gelu")) not in _ACTIVATIONS:
        raise ModelRefused(
            f"{path}: {key}",
            f"is {activation!r}, which CTranslate2 does not compute",
            f"one of {', '.join(_ACTIVATIONS)} converts",
        )
    width = config.get("hidden_size")
    if architecture == "electra" and config.get("embedding_size", width) != width:
        raise ModelRefused(
            f"{path}: embedding_size",
            f"is {config['embedding_size']} with hidden_size {width}: CTranslate2's encoder has no "
            "projection between the two",
            "use an ELECTRA whose sizes are equal (base and large are)",
        )
    if config.get("is_decoder"):
        raise ModelRefused(f"{path}: is_decoder", "is true", "only encoders convert")


def _number(config: dict[str, Any], key: str, path: Path, default: int | None = None) -> int:
    value = config.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ModelRefused(f"{path}: {key}", f"is {value!r}", "a number from 0 is needed there")
    return value


def _labels(config: dict[str, Any], path: Path) -> tuple[str, ...]:
    named = config.get("id2label")
    if named is None:
        named = {
            number: f"LABEL_{number}"
            for number in range(_number(config, "num_labels", path, default=2))
        }
    try:
        by_number = {int(number): str(label) for number, label in named.items()}
    except (AttributeError, ValueError):
        raise ModelRefused(
            f"{path}: id2label", f"is {str(named)[:80]}", "it must map numbers to labels"
        ) from None
    if not by_number:
        raise ModelRefused(f"{path}: id2label", "names no label", "name at least one")
    if sorted(by_number) != list(range(len(by_number))):
        raise ModelRefused(
            f"{path}: id2label", f"numbers are {sorted(by_number)}", "number labels from 0, no gaps"
        )
    labels = tuple(by_number[number] for number in range(len(by_number)))
    if len(set(labels)) != len(labels):
        raise ModelRefused(
            f"{path}: id2label", "gives two numbers the same label", "give each its own"
        )
    return labels


def _problem_type(config: dict[str, Any], labels: tuple[str, ...], path: Path) -> ProblemType:
    said = config.get("problem_type")
    if said in (None, "single_label_classification") and len(labels) == 1:
        # As transformers' own text-classification pipeline: the softmax of one logit is always 1.
        return "multi_label"
    if said is None:
        return "single_label"
    if isinstance(said, str) and said in _PROBLEM_TYPES:
        return _PROBLEM_TYPES[said]
    raise ModelRefused(
        f"{path}: problem_type", f"is {said!r}", f"use one of {', '.join(_PROBLEM_TYPES)}"
    )
