"""What config.json of a checkpoint must say to be converted; no PyTorch is needed for that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from turnout_inference.model.checkpoint import read_checkpoint
from turnout_inference.model.conversion import Request, convert
from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.tokenizer_files import longest_input

XLM_ROBERTA: dict[str, Any] = {
    "architectures": ["XLMRobertaForSequenceClassification"],
    "model_type": "xlm-roberta",
    "hidden_size": 256,
    "id2label": {"1": "rude", "0": "kind"},
    "max_position_embeddings": 514,
    "pad_token_id": 1,
    "problem_type": "multi_label_classification",
}
BERT = XLM_ROBERTA | {
    "architectures": ["BertForSequenceClassification"],
    "model_type": "bert",
    "max_position_embeddings": 512,
    "pad_token_id": 0,
}
ELECTRA = BERT | {"architectures": ["ElectraForSequenceClassification"], "model_type": "electra"}
DISTILBERT = {
    "architectures": ["DistilBertForSequenceClassification"],
    "model_type": "distilbert",
    "dim": 768,
    "max_position_embeddings": 512,
    "id2label": {"0": "kind", "1": "rude"},
}


def write(folder: Path, config: dict[str, Any]) -> Path:
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_labels_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    assert read_checkpoint(write(tmp_path, XLM_ROBERTA)).labels == ("kind", "rude")


@pytest.mark.parametrize(
    ("config", "longest"), [(XLM_ROBERTA, 512), (BERT, 512), (ELECTRA, 512), (DISTILBERT, 512)]
)
def test_positions_that_padding_takes_are_not_counted(
    tmp_path: Path, config: dict[str, Any], longest: int
) -> None:
    assert read_checkpoint(write(tmp_path, config)).max_tokens == longest


@pytest.mark.parametrize(
    ("said", "longest"), [(128, 128), (1e30, 512), (None, 512), (0, 512), ("x", 512)]
)
def test_a_tokenizer_may_set_a_shorter_limit(tmp_path: Path, said: object, longest: int) -> None:
    write(tmp_path, BERT)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"model_max_length": said}))
    assert longest_input(read_checkpoint(tmp_path)) == longest


@pytest.mark.parametrize("content", ["{", "[]", "[" * 200_000])
def test_settings_of_a_tokenizer_that_cannot_be_read_set_no_limit(
    tmp_path: Path, content: str
) -> None:
    write(tmp_path, BERT)
    (tmp_path / "tokenizer_config.json").write_text(content)
    assert longest_input(read_checkpoint(tmp_path)) == 512


def test_distilbert_names_its_width_otherwise(tmp_path: Path) -> None:
    assert read_checkpoint(write(tmp_path, DISTILBERT)).hidden_size == 768


@pytest.mark.parametrize(
    ("said", "labels", "kind"),
    [
        (None, {"0": "rude"}, "multi_label"),
        (None, {"0": "a", "1": "b"}, "single_label"),
        # The softmax of a single logit would be 1 for every text.
        ("single_label_classification", {"0": "rude"}, "multi_label"),
    ],
)
def test_what_is_not_said_of_the_labels_is_what_transformers_assumes(
    tmp_path: Path, said: str | None, labels: dict[str, str], kind: str
) -> None:
    config = XLM_ROBERTA | {"problem_type": said, "id2label": labels}
    assert read_checkpoint(write(tmp_path, config)).problem_type == kind


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (XLM_ROBERTA | {"model_type": "gpt2"}, "model_type: 'gpt2' is not one that converts; use"),
        (XLM_ROBERTA | {"architectures": ["XLMRobertaModel"]}, "has no ForSequenceClassification"),
        (XLM_ROBERTA | {"architectures": None}, "fine-tuned for sequence classification"),
        (XLM_ROBERTA | {"problem_type": "regression"}, "problem_type: is 'regression'"),
        (XLM_ROBERTA | {"id2label": {"0": "a", "2": "b"}}, r"numbers are \[0, 2\]"),
        (XLM_ROBERTA | {"is_decoder": True}, "is_decoder: is true; only encoders convert"),
        (BERT | {"position_embedding_type": "relative_key"}, "only 'absolute' converts"),
        (XLM_ROBERTA | {"id2label": ["a", "b"]}, "it must map numbers to labels"),
        (XLM_ROBERTA | {"id2label": {"a": "b"}}, "it must map numbers to labels"),
        (XLM_ROBERTA | {"id2label": {"0": "a", "1": "a"}}, "gives two numbers the same label"),
        (XLM_ROBERTA | {"hidden_size": None}, "hidden_size: is None"),
        (XLM_ROBERTA | {"max_position_embeddings": "x"}, "max_position_embeddings: is 'x'"),
        (XLM_ROBERTA | {"architectures": 5}, "5 has no ForSequenceClassification"),
        (XLM_ROBERTA | {"problem_type": ["multi_label_classification"]}, "problem_type: is"),
        (XLM_ROBERTA | {"id2label": {}}, "id2label: names no label; name at least one"),
        (XLM_ROBERTA | {"hidden_size": True}, "hidden_size: is True"),
        (BERT | {"hidden_act": "gelu_10"}, "hidden_act: is 'gelu_10', which CTranslate2 does not"),
        (BERT | {"hidden_act": {}}, "hidden_act: is {}"),
        (DISTILBERT | {"activation": "tanh"}, "activation: is 'tanh'"),
        (ELECTRA | {"embedding_size": 128}, "embedding_size: is 128 with hidden_size 256"),
    ],
)
def test_what_cannot_be_converted_is_refused_by_field(
    tmp_path: Path, config: dict[str, Any], said: str
) -> None:
    with pytest.raises(ModelRefused, match=said):
        read_checkpoint(write(tmp_path, config))


def test_an_electra_of_one_width_is_accepted(tmp_path: Path) -> None:
    assert read_checkpoint(write(tmp_path, ELECTRA | {"embedding_size": 256})).hidden_size == 256


def test_a_folder_without_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="give a Hugging Face checkpoint folder"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '"x"', "[" * 200_000])
def test_a_config_that_is_no_json_object_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelRefused, match=r"config\.json"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("config", "changes", "said"),
    [
        (XLM_ROBERTA, {"max_tokens": 600}, "--max-tokens: 600 is not possible; use 3 to 512"),
        (XLM_ROBERTA, {"max_tokens": 2}, "--max-tokens: 2 is not possible"),
        (
            XLM_ROBERTA,
            {"thresholds": {"mean": 0.3}},
            "'mean' is not a label of the model",
        ),
        (XLM_ROBERTA, {"revision": "x" * 101}, "revision: .* at most 100 characters"),
        (XLM_ROBERTA, {"licence": ""}, "licence: .* at least 1 character"),
        (
            XLM_ROBERTA | {"id2label": {"0": "rude"}},
            {"problem_type": "single_label"},
            "--problem-type: single_label needs two labels",
        ),
        (XLM_ROBERTA | {"id2label": {"0": "x" * 201}}, {}, "labels.0: .* at most 200"),
        (XLM_ROBERTA | {"max_position_embeddings": 0}, {}, "max_tokens: "),
        (BERT | {"problem_type": None}, {"threshold": 0.3}, "it answers its best label"),
        (BERT | {"problem_type": None}, {"thresholds": {"kind": 0.3}}, "it answers its best label"),
    ],
)
def test_what_does_not_fit_the_checkpoint_is_refused_before_it_is_loaded(
    tmp_path: Path, config: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    request = Request(source=write(tmp_path, config), out=tmp_path / "out", **changes)
    with pytest.raises(ModelRefused, match=said):
        convert(request)
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_never_converted_into(tmp_path: Path) -> None:
    request = Request(source=write(tmp_path, XLM_ROBERTA), out=tmp_path)
    with pytest.raises(ModelRefused, match="exists; remove it, or name another folder"):
        convert(request)
