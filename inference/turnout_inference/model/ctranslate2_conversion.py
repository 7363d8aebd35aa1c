"""From a PyTorch classifier to CTranslate2's files, by its official converter's loaders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turnout_inference.model.manifest import Architecture, ComputeType


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the converter asks of a tokenizer, and no more."""

    tokens: Mapping[str, int]
    unk_token: str

    def get_vocab(self) -> Mapping[str, int]:
        """Token to id; ids count from 0 without gaps."""
        return self.tokens


def write_encoder(
    classifier: Any,
    architecture: Architecture,
    vocabulary: Vocabulary,
    compute_type: ComputeType,
    out: Path,
) -> None:
    """Write model.bin, config.json and vocabulary.json into the new folder `out`.

    The loaders change the weights of `classifier` in place: it is of no use afterwards.
    """
    import torch
    from ctranslate2.converters import transformers as official
    from ctranslate2.converters.converter import Converter

    class ElectraLoader(official.RobertaLoader):  # type: ignore[misc]
        """ELECTRA's encoder is RoBERTa's, but its positions count from 0."""

        def set_position_encodings(self, spec: Any, module: Any) -> None:
            spec.encodings = module.weight

    loaders = {
        "bert": official.BertLoader,
        "camembert": official.CamembertLoader,
        "distilbert": official.DistilBertLoader,
        "electra": ElectraLoader,
        "roberta": official.RobertaLoader,
        "xlm-roberta": official.XLMRobertaLoader,
    }

    class LoadedModelConverter(Converter):  # type: ignore[misc]
        """The official converter, given a model in memory instead of a name to load."""

        def _load(self) -> Any:
            # transformers 5 dropped the field that the loaders assert on; read_checkpoint
            # has refused anything but absolute positions.
            classifier.config.position_embedding_type = "absolute"
            if architecture == "electra":
                classifier.base_model.pooler = None
            wanted = classifier if architecture == "xlm-roberta" else classifier.base_model
            with torch.no_grad():
                return loaders[architecture]()(wanted, vocabulary)

    quantization = None if compute_type == "float32" else compute_type
    LoadedModelConverter().convert(str(out), quantization=quantization)
