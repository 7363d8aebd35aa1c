"""Whatever a server does, a fetch ends with the model that was asked for, or with a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inference.model.folders import write_model
from tests.inference.model.servers import Faults, FolderServer

from turnout_inference.model.errors import ModelRefused
from turnout_inference.model.fetch import resolve_model
from turnout_inference.model.files import verify_folder
from turnout_inference.model.manifest import model_digest
from turnout_inference.model.source import FetchPolicy

SIZE = 3500
NAMES = ("turnout.json", "model.bin", "LICENSE")
HASTY = FetchPolicy(connect_timeout=2, read_timeout=2, attempts=3, backoff=0.0)

faults = st.builds(
    Faults,
    cut_after=st.dictionaries(
        st.sampled_from(NAMES), st.lists(st.integers(0, SIZE + 1), max_size=6), max_size=3
    ),
    status=st.dictionaries(
        st.sampled_from(NAMES),
        st.lists(st.sampled_from([404, 403, 429, 500, 503]), max_size=4),
        max_size=2,
    ),
    content=st.dictionaries(st.sampled_from(NAMES), st.binary(max_size=SIZE + 1), max_size=1),
    no_ranges=st.booleans(),
    lie_about_range=st.booleans(),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FolderServer, str]]:
    folder = tmp_path_factory.mktemp("served") / "model"
    write_model(folder)
    with FolderServer(folder) as server:
        yield server, model_digest(folder)


@settings(max_examples=60, deadline=None)
@given(first=faults)
def test_any_faults_end_in_the_right_model_or_in_a_refusal_that_heals(
    served: tuple[FolderServer, str],
    tmp_path_factory: pytest.TempPathFactory,
    first: Faults,
) -> None:
    server, digest = served
    cache = tmp_path_factory.mktemp("cache")
    final = cache / "models" / digest
    server.faults = first
    try:
        folder = resolve_model(server.url, digest, cache, HASTY)
    except ModelRefused:
        assert not final.exists()
    else:
        assert folder == final
        verify_folder(folder, digest)
    server.faults = Faults()
    verify_folder(resolve_model(server.url, digest, cache, HASTY), digest)
    assert left_in(cache) == {digest, f"{digest}.lock"}


def left_in(cache: Path) -> set[str]:
    return {path.name for path in (cache / "models").iterdir()}
