"""What the bench feeds to the model."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout_inference.model.bench import comment_like, sorted_batches
from turnout_inference.tokenizer import Encoded


def test_lengths_are_those_of_comments() -> None:
    lengths = [len(row.ids) for row in comment_like(5000, 8002, 512)]
    assert median(lengths) == pytest.approx(16, abs=1)
    assert sorted(lengths)[4500] == pytest.approx(30, abs=2)
    assert max(lengths) <= 128


def test_inputs_are_the_same_in_every_run() -> None:
    assert comment_like(50, 100, 64) == comment_like(50, 100, 64)


@given(rows=st.integers(1, 60), vocabulary=st.integers(2, 50), longest=st.integers(3, 200))
def test_inputs_fit_the_model(rows: int, vocabulary: int, longest: int) -> None:
    inputs = comment_like(rows, vocabulary, longest)
    assert len(inputs) == rows
    assert all(3 <= len(row.ids) <= longest for row in inputs)
    assert all(0 <= token < vocabulary for row in inputs for token in row.ids)


@given(st.lists(st.integers(3, 40), min_size=1, max_size=60), st.integers(1, 20))
def test_every_row_is_in_one_batch_among_rows_of_its_length(lengths: list[int], size: int) -> None:
    inputs = [Encoded([number] * length, length) for number, length in enumerate(lengths)]
    batches = sorted_batches(inputs, size)
    assert sorted(row.ids[0] for batch in batches for row in batch) == list(range(len(lengths)))
    assert all(len(batch) <= size for batch in batches)
    spans = sorted((min(len(r.ids) for r in b), max(len(r.ids) for r in b)) for b in batches)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
