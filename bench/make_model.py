"""Write a model folder with random weights of any size, to measure speed at that size.

    python -m bench.make_model build/base --layers 12 --width 768

The encoder is XLM-RoBERTa's, with the tokenizer and the labels of the default model, so real
texts can be sent to it; what it answers means nothing. With --checkpoint the same weights are
also written as a Hugging Face checkpoint, for other servers to be measured on. No PyTorch.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ctranslate2.specs import common_spec, transformer_spec
from safetensors.numpy import save_file

from turnout_inference.model.fetch import DEFAULT_MODEL
from turnout_inference.model.files import describe_files, verify_folder
from turnout_inference.model.manifest import (
    COMPUTE_TYPES,
    MANIFEST,
    ComputeType,
    Manifest,
    load_manifest,
    model_digest,
)

Array = npt.NDArray[np.float32]
Weights = Mapping[str, Array]
"""Tensors under the names of XLMRobertaForSequenceClassification."""

SPECIAL_POSITIONS = 2
"""XLM-RoBERTa's positions start behind its padding id."""
EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class Size:
    """Sizes of an encoder; attention heads are 64 wide where the width allows."""

    layers: int
    width: int
    vocabulary: int
    labels: int
    max_tokens: int

    @property
    def heads(self) -> int:
        return max(1, self.width // 64)

    @property
    def inner(self) -> int:
        return 4 * self.width


def random_weights(size: Size, seed: int = 0) -> dict[str, Array]:
    """All tensors of the classifier, reproducible."""
    generator = np.random.default_rng(seed)
    width, inner = size.width, size.inner

    def normal(*shape: int) -> Array:
        return generator.standard_normal(shape, dtype=np.float32) * np.float32(0.02)

    def linear(name: str, out: int, into: int) -> dict[str, Array]:
        return {f"{name}.weight": normal(out, into), f"{name}.bias": normal(out)}

    def norm(name: str) -> dict[str, Array]:
        return {f"{name}.weight": 1 + normal(width), f"{name}.bias": normal(width)}

    embeddings = "roberta.embeddings"
    weights = {
        f"{embeddings}.word_embeddings.weight": normal(size.vocabulary, width),
        f"{embeddings}.position_embeddings.weight": normal(
            size.max_tokens + SPECIAL_POSITIONS, width
        ),
        f"{embeddings}.token_type_embeddings.weight": normal(1, width),
        **norm(f"{embeddings}.LayerNorm"),
    }
    for number in range(size.layers):
        layer = f"roberta.encoder.layer.{number}"
        for part in ("query", "key", "value"):
            weights |= linear(f"{layer}.attention.self.{part}", width, width)
        weights |= linear(f"{layer}.attention.output.dense", width, width)
        weights |= norm(f"{layer}.attention.output.LayerNorm")
        weights |= linear(f"{layer}.intermediate.dense", inner, width)
        weights |= linear(f"{layer}.output.dense", width, inner)
        weights |= norm(f"{layer}.output.LayerNorm")
    weights |= linear("classifier.dense", width, width)
    weights |= linear("classifier.out_proj", size.labels, width)
    return weights


def encoder_spec(weights: Weights, size: Size, tokens: list[str]) -> Any:
    """The encoder in CTranslate2's own terms."""
    # Quantizing a specification changes its arrays in place.
    weights = {name: tensor.copy() for name, tensor in weights.items()}
    encoder = transformer_spec.TransformerEncoderSpec(
        size.layers,
        size.heads,
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )
    embeddings = "roberta.embeddings"
    positions = weights[f"{embeddings}.position_embeddings.weight"]
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = weights[f"{embeddings}.word_embeddings.weight"]
    encoder.embeddings[1].weight = weights[f"{embeddings}.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = positions[SPECIAL_POSITIONS:]
    _set_norm(encoder.layernorm_embedding, weights, f"{embeddings}.LayerNorm")
    for number, layer_spec in enumerate(encoder.layer):
        layer = f"roberta.encoder.layer.{number}"
        parts = [f"{layer}.attention.self.{part}" for part in ("query", "key", "value")]
        fused = layer_spec.self_attention.linear[0]
        fused.weight = np.concatenate([weights[f"{part}.weight"] for part in parts])
        fused.bias = np.concatenate([weights[f"{part}.bias"] for part in parts])
        attended = f"{layer}.attention.output"
        _set_linear(layer_spec.self_attention.linear[1], weights, f"{attended}.dense")
        _set_norm(layer_spec.self_attention.layer_norm, weights, f"{attended}.LayerNorm")
        _set_linear(layer_spec.ffn.linear_0, weights, f"{layer}.intermediate.dense")
        _set_linear(layer_spec.ffn.linear_1, weights, f"{layer}.output.dense")
        _set_norm(layer_spec.ffn.layer_norm, weights, f"{layer}.output.LayerNorm")
    spec = transformer_spec.TransformerEncoderModelSpec(encoder)
    spec.config.layer_norm_epsilon = EPSILON
    spec.config.unk_token = "<unk>"  # noqa: S105 - a token of the vocabulary
    spec.register_vocabulary(tokens)
    return spec


def write_model(out: Path, size: Size, weights: Weights, compute_type: ComputeType) -> Manifest:
    """Write the model folder `out`, which must not exist."""
    default = load_manifest(DEFAULT_MODEL)
    tokens = json.loads((DEFAULT_MODEL / "vocabulary.json").read_bytes())
    tokens += [f"<extra_id_{number}>" for number in range(size.vocabulary - len(tokens))]
    out.mkdir(parents=True)
    spec = encoder_spec(weights, size, tokens)
    spec.validate()
    spec.optimize(quantization=None if compute_type == "float32" else compute_type)
    spec.save(str(out))
    head = {
        f"{layer}.{part}": weights[f"classifier.{layer}.{part}"]
        for layer in ("dense", "out_proj")
        for part in ("weight", "bias")
    }
    save_file(head, out / default.head.file)
    for name in (default.tokenizer.file, "LICENSE"):
        shutil.copyfile(DEFAULT_MODEL / name, out / name)
    for path in out.iterdir():
        path.chmod(0o644)
    manifest = default.model_copy(
        update={
            "name": f"random-{size.layers}x{size.width}",
            "hidden_size": size.width,
            "max_tokens": size.max_tokens,
            "compute_type": compute_type,
            "files": describe_files(out),
            "source": "random weights; tokenizer of the default model",
            "parity": None,
        }
    )
    (out / MANIFEST).write_bytes(manifest.to_bytes())
    return verify_folder(out, None)


def write_checkpoint(out: Path, size: Size, weights: Weights) -> None:
    """Write the same weights as a Hugging Face checkpoint into the new folder `out`."""
    default = load_manifest(DEFAULT_MODEL)
    numbered = dict(enumerate(default.labels))
    config = {
        "architectures": ["XLMRobertaForSequenceClassification"],
        "model_type": "xlm-roberta",
        "hidden_size": size.width,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "intermediate_size": size.inner,
        "max_position_embeddings": size.max_tokens + SPECIAL_POSITIONS,
        "vocab_size": size.vocabulary,
        "type_vocab_size": 1,
        "hidden_act": "gelu",
        "layer_norm_eps": EPSILON,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "position_embedding_type": "absolute",
        "problem_type": "multi_label_classification",
        "id2label": numbered,
        "label2id": {label: number for number, label in numbered.items()},
    }
    out.mkdir(parents=True)
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file(dict(weights), out / "model.safetensors", metadata={"format": "pt"})
    shutil.copyfile(DEFAULT_MODEL / default.tokenizer.file, out / default.tokenizer.file)


def main() -> None:
    """Write what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("out", type=Path, help="model folder to make; must not exist")
    parser.add_argument("--checkpoint", type=Path, help="also write a Hugging Face checkpoint")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--vocabulary", type=int, default=8002, help="at least %(default)s")
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--quantization", choices=COMPUTE_TYPES, default="int8")
    given = parser.parse_args()
    labels = len(load_manifest(DEFAULT_MODEL).labels)
    size = Size(given.layers, given.width, given.vocabulary, labels, given.max_tokens)
    weights = random_weights(size)
    manifest = write_model(given.out, size, weights, given.quantization)
    print(f"wrote {given.out}: {manifest.name}, sha256 {model_digest(given.out)}")
    if given.checkpoint is not None:
        write_checkpoint(given.checkpoint, size, weights)
        print(f"wrote {given.checkpoint}")


def _set_linear(spec: Any, weights: Weights, name: str) -> None:
    spec.weight = weights[f"{name}.weight"]
    spec.bias = weights[f"{name}.bias"]


def _set_norm(spec: Any, weights: Weights, name: str) -> None:
    spec.gamma = weights[f"{name}.weight"]
    spec.beta = weights[f"{name}.bias"]


if __name__ == "__main__":
    main()
