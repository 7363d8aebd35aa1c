"""Run the original and the converted model on the same inputs and compare their answers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from turnout_inference.backend import Backend, load_backend
from turnout_inference.head import Floats, probabilities
from turnout_inference.model.checkpoint import Checkpoint, load_classifier, reference_logits
from turnout_inference.model.manifest import Manifest, Parity
from turnout_inference.model.parity import decisions, f1_of_both, label_agreement
from turnout_inference.model.texts import Texts
from turnout_inference.model.tokenizer_files import original_tokens
from turnout_inference.tokenizer import Encoded, load_tokenizer

BATCH = 16
RANDOM_INPUTS = 256


def measure_parity(
    folder: Path, manifest: Manifest, checkpoint: Checkpoint, texts: Texts | None
) -> Parity:
    """Compare `folder`, through the server's own tokenizer, backend and head, to `checkpoint`.

    The original reads the tokens of its own tokenizer.json where it has one.

    Without texts both read random token ids, which tells of the arithmetic, not of a task.
    """
    import ctranslate2
    import transformers

    classifier = load_classifier(checkpoint)
    tokenizer = load_tokenizer(folder, manifest)
    originals = None
    if texts is None:
        inputs = random_inputs(classifier.config.vocab_size, manifest.max_tokens)
    else:
        inputs = [tokenizer.encode(text) for text in texts.texts]
        originals = original_tokens(checkpoint, folder, manifest.max_tokens, texts.texts)
    ours = [given.ids for given in inputs]
    theirs = ours if originals is None else originals
    expected = reference_logits(classifier, checkpoint.pad_id, theirs)
    answered = converted_logits(load_backend(folder, manifest, intra_threads=0), inputs)
    original = probabilities(expected, manifest.problem_type)
    converted = probabilities(answered, manifest.problem_type)
    difference = np.abs(original - converted)
    cuts = manifest.cuts()
    given_first, given_then = decisions(original, cuts), decisions(converted, cuts)
    true = None if texts is None else texts.labels
    return Parity(
        reference=f"transformers {transformers.__version__}, float32",
        ctranslate2=ctranslate2.__version__,
        inputs="random_tokens" if texts is None else "texts",
        texts=len(inputs),
        label_agreement=label_agreement(given_first, given_then, manifest.problem_type),
        max_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        token_agreement=None if originals is None else _share_of_same(ours, originals),
        f1=None if true is None else f1_of_both(given_first, given_then, true),
    )


def _share_of_same(ours: Sequence[list[int]], theirs: Sequence[list[int]]) -> float:
    same = sum(mine == its for mine, its in zip(ours, theirs, strict=True))
    return same / len(ours)


def converted_logits(backend: Backend, inputs: Sequence[Encoded]) -> Floats:
    """[texts, labels] logits, texts in their order, computed in batches sorted by length."""
    order = sorted(range(len(inputs)), key=lambda row: len(inputs[row].ids))
    batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    answers = [backend.logits([inputs[row] for row in rows]) for rows in batches]
    logits = np.empty((len(inputs), answers[0].shape[1]), dtype=np.float32)
    for rows, answer in zip(batches, answers, strict=True):
        logits[rows] = answer
    return logits


def random_inputs(vocabulary_size: int, max_tokens: int) -> list[Encoded]:
    """Reproducible token ids of many lengths, free of the low ids that are often special."""
    generator = random.Random(0)  # noqa: S311 - test inputs, not secrets
    low = min(10, vocabulary_size - 1)
    lengths = [generator.randint(3, max_tokens) for _ in range(RANDOM_INPUTS)]
    return [
        Encoded([generator.randrange(low, vocabulary_size) for _ in range(length)], length)
        for length in lengths
    ]
