"""Every architecture converted from a small random checkpoint, and compared with PyTorch.

Needs the extra `convert`; without it nothing here runs, and a warning says so.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest

from turnout_inference.model.cli import main
from turnout_inference.model.conversion import Request, convert
from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.fetch import DEFAULT_MODEL
from turnout_inference.model.files import verify_files
from turnout_inference.model.manifest import (
    ComputeType,
    Manifest,
    load_manifest,
    model_digest,
)
from turnout_inference.model.parity import Limits
from turnout_inference.model.verify import verify

if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers")):
    REASON = "conversion is not tested here: install turnout-inference[convert] to run these tests"
    warnings.warn(REASON, stacklevel=1)
    pytest.skip(REASON, allow_module_level=True)

SENTENCES = [
    "정말 좋은 영화네요",
    "이게 뭐야 진짜",
    "배우들 연기가 아쉽다",
    "다음 편이 기다려진다",
    "Weniger ist mehr, 아닌가요?",
    "좋아요 " * 60,
]
LABELS = {0: "kind", 1: "rude", 2: "neutral"}
SMALL: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "max_position_embeddings": 66,
    # Far wider than usual: with the usual width every text would get the same answer.
    "initializer_range": 0.25,
    "id2label": LABELS,
    "label2id": {label: number for number, label in LABELS.items()},
}
ROBERTA_LIKE = ("camembert", "roberta", "xlm-roberta")
ARCHITECTURES = ("bert", "camembert", "distilbert", "electra", "roberta", "xlm-roberta")
CLOSE = Limits(label_agreement=0.75, max_difference=0.35, mean_difference=0.05)
"""Random weights put many scores near the threshold, where rounding decides."""
EXACT = Limits(label_agreement=1.0, max_difference=1e-4, mean_difference=1e-5)
LIMITS: dict[ComputeType, Limits] = {"int8": CLOSE, "int8_float32": CLOSE, "float32": EXACT}


def word_piece() -> Any:
    """A WordPiece tokenizer of its own sentences, laid out as BERT's."""
    import tokenizers
    from tokenizers import models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(
        SENTENCES, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special)
    )
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def byte_pairs() -> Any:
    """A byte-level BPE tokenizer of its own sentences, laid out as RoBERTa's."""
    import tokenizers
    from tokenizers import models, pre_tokenizers, processors, trainers

    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet),
    )
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def write_checkpoint(folder: Path, architecture: str, problem: str, **changes: Any) -> Path:
    """A random classifier of that architecture with a tokenizer that fits it."""
    import torch
    import transformers

    folder.mkdir()
    if architecture == "xlm-roberta":
        shutil.copyfile(
            DEFAULT_MODEL / "sentencepiece.bpe.model", folder / "sentencepiece.bpe.model"
        )
        vocabulary = 8002
    else:
        tokenizer = byte_pairs() if architecture in ROBERTA_LIKE else word_piece()
        tokenizer.save(str(folder / "tokenizer.json"))
        # Larger than the tokenizer, as padded embeddings are.
        vocabulary = tokenizer.get_vocab_size() + 3
    settings = SMALL | {"vocab_size": vocabulary, "problem_type": f"{problem}_classification"}
    if architecture in ROBERTA_LIKE:
        settings |= {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1}
    if architecture == "electra":
        settings |= {"embedding_size": SMALL["hidden_size"]}
    if architecture == "distilbert":
        settings |= {"dim": 64, "hidden_dim": 128, "n_layers": 2, "n_heads": 4}
        for name in ("hidden_size", "num_hidden_layers", "num_attention_heads"):
            del settings[name]
        del settings["intermediate_size"]
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(architecture, **(settings | changes))
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Zero by default, so that a mixed-up bias would go unnoticed.
            if name.endswith("bias"):
                parameter.normal_(std=0.1)
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(SENTENCES + [text[::-1] for text in SENTENCES]))
    return path


def spread(folder: Path, manifest: Manifest, texts: Path) -> float:
    """The largest standard deviation of a label's score over the texts."""
    import numpy as np

    from turnout_inference.backend import load_backend
    from turnout_inference.head import probabilities
    from turnout_inference.model.measure import converted_logits
    from turnout_inference.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(folder, manifest)
    inputs = [tokenizer.encode(text) for text in texts.read_text().split("\n")]
    logits = converted_logits(load_backend(folder, manifest), inputs)
    return float(np.std(probabilities(logits, manifest.problem_type), axis=0).max())


@pytest.mark.parametrize("problem", ["multi_label", "single_label"])
@pytest.mark.parametrize("compute_type", ["int8", "int8_float32", "float32"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_converted_model_answers_as_its_original_does(
    tmp_path: Path, texts: Path, architecture: str, problem: str, compute_type: ComputeType
) -> None:
    source = write_checkpoint(tmp_path / "hf", architecture, problem)
    out = tmp_path / "out"
    manifest = convert(Request(source, out, compute_type, texts=texts, limits=LIMITS[compute_type]))
    assert manifest == load_manifest(out)
    assert (manifest.architecture, manifest.problem_type) == (architecture, problem)
    assert manifest.max_tokens == (
        64 if "roberta" in architecture or architecture == "camembert" else 66
    )
    assert verify(out).parity is not None
    assert spread(out, manifest, texts) > 0.02, "all texts get one answer: nothing was compared"


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
def test_texts_become_the_tokens_that_the_original_sees(
    tmp_path: Path, texts: Path, architecture: str
) -> None:
    source = write_checkpoint(tmp_path / "hf", architecture, "multi_label")
    manifest = convert(Request(source, tmp_path / "out", "float32", texts=texts, limits=EXACT))
    assert manifest.parity is not None
    assert manifest.parity.token_agreement == 1.0


def test_a_tokenizer_json_that_disagrees_with_its_sentencepiece_model_is_noticed(
    tmp_path: Path, texts: Path
) -> None:
    source = write_checkpoint(tmp_path / "hf", "xlm-roberta", "multi_label")
    byte_pairs().save(str(source / "tokenizer.json"))
    with pytest.raises(ModelRefused, match=r"0\.00% of the texts have the original's tokens"):
        convert(Request(source, tmp_path / "out", "float32", texts=texts))


def test_without_texts_random_tokens_are_compared(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "hf", "bert", "multi_label")
    manifest = convert(Request(source, tmp_path / "out", "float32", limits=EXACT))
    assert manifest.parity is not None
    assert (manifest.parity.inputs, manifest.parity.texts) == ("random_tokens", 256)


def test_a_conversion_can_be_repeated_to_the_same_digest(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "hf", "roberta", "multi_label")
    for out in ("first", "second"):
        convert(Request(source, tmp_path / out, "float32", name="same", limits=EXACT))
    assert model_digest(tmp_path / "first") == model_digest(tmp_path / "second")


def test_a_model_that_falls_short_is_not_written(tmp_path: Path, texts: Path) -> None:
    source = write_checkpoint(tmp_path / "hf", "bert", "multi_label")
    strict = Limits(max_difference=0.0)
    with pytest.raises(ModelRefused, match=r"not the same model: the largest difference"):
        convert(Request(source, tmp_path / "out", "int8", texts=texts, limits=strict))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hf", "texts.txt"]


def test_labelled_texts_give_f1_of_both(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "hf", "xlm-roberta", "multi_label")
    labelled = tmp_path / "texts.tsv"
    labelled.write_text("".join(f"{text}\tkind,2\n" for text in SENTENCES))
    manifest = convert(Request(source, tmp_path / "out", "float32", texts=labelled, limits=EXACT))
    assert manifest.parity is not None
    assert manifest.parity.f1 is not None
    assert manifest.parity.f1.original_micro == manifest.parity.f1.converted_micro


def test_a_limit_too_short_for_the_special_tokens_is_refused(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "hf", "xlm-roberta", "multi_label")
    with pytest.raises(ModelRefused, match="leaves no room beside"):
        convert(Request(source, tmp_path / "out", max_tokens=3))


def test_the_command_says_what_it_made_and_what_is_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_checkpoint(tmp_path / "hf", "distilbert", "multi_label")
    (source / "LICENSE").write_text("MIT\n")
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps(config | {"problem_type": None}))
    out = tmp_path / "deep" / "out"
    options = ["--problem-type", "multi_label", "--quantization", "float32"]
    options += ["--label-threshold", "rude=0.3", "--max-tokens", "20"]
    assert main(["convert", str(source), str(out), *options]) == 0
    printed = capsys.readouterr().out
    assert f"sha256 {model_digest(out)}" in printed
    assert "licence is unknown" in printed
    manifest = load_manifest(out)
    assert manifest.cuts() == (0.5, 0.3, 0.5)
    assert (manifest.max_tokens, manifest.name) == (20, "out")
    assert (out / "LICENSE").read_text() == "MIT\n"
    verify_files(out, manifest)


def test_verify_compares_with_the_original(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_checkpoint(tmp_path / "hf", "electra", "single_label")
    out = tmp_path / "out"
    convert(Request(source, out, "float32", limits=EXACT))
    assert main(["verify", str(out), "--against", str(source)]) == 0
    assert "same labels        100.0000%" in capsys.readouterr().out


def test_verify_tells_another_models_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_checkpoint(tmp_path / "hf", "electra", "single_label")
    out = tmp_path / "out"
    convert(Request(source, out, "float32", limits=EXACT))
    other = write_checkpoint(tmp_path / "other", "electra", "single_label", initializer_range=0.3)
    assert main(["verify", str(out), "--against", str(other)]) == 3
    assert "does not answer as its original does" in capsys.readouterr().err


def test_verify_refuses_an_original_with_other_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_checkpoint(tmp_path / "hf", "bert", "multi_label")
    assert main(["verify", str(DEFAULT_MODEL), "--against", str(source)]) == 3
    assert "give the checkpoint that it was converted from" in capsys.readouterr().err


def test_a_checkpoint_without_a_classifier_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    source = write_checkpoint(tmp_path / "hf", "bert", "multi_label")
    weights = load_file(source / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("classifier")}
    save_file(kept, source / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelRefused, match=r"has no weights for classifier\.bias"):
        convert(Request(source, tmp_path / "out"))


def test_a_checkpoint_cut_short_is_refused(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "hf", "bert", "multi_label")
    content = (source / "model.safetensors").read_bytes()
    (source / "model.safetensors").write_bytes(content[:1000])
    with pytest.raises(ModelRefused, match="cannot be loaded"):
        convert(Request(source, tmp_path / "out"))


@pytest.mark.parametrize("architecture", ["bert", "xlm-roberta"])
def test_a_checkpoint_without_a_tokenizer_is_refused(tmp_path: Path, architecture: str) -> None:
    source = write_checkpoint(tmp_path / "hf", architecture, "multi_label")
    for name in ("tokenizer.json", "sentencepiece.bpe.model"):
        (source / name).unlink(missing_ok=True)
    with pytest.raises(ModelRefused, match="tokenizer"):
        convert(Request(source, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_tokenizer_larger_than_the_model_is_refused(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "hf", "xlm-roberta", "multi_label", vocab_size=100)
    with pytest.raises(ModelRefused, match="its tokenizer has 8002 tokens, the model 100"):
        convert(Request(source, tmp_path / "out"))


def test_a_vocabulary_file_becomes_a_tokenizer_json(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "hf", "bert", "multi_label")
    described = json.loads((source / "tokenizer.json").read_text())
    vocabulary = sorted(described["model"]["vocab"].items(), key=lambda item: int(item[1]))
    (source / "vocab.txt").write_text("".join(f"{token}\n" for token, _ in vocabulary))
    (source / "tokenizer.json").unlink()
    (source / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    manifest = convert(Request(source, tmp_path / "out", "float32", limits=EXACT))
    assert manifest.tokenizer.kind == "tokenizers"
