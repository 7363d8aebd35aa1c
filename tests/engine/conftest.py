"""The engine, and a bench to drive it with."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.harness import Workbench

from turnout.engine import Engine, find, wanted


@pytest.fixture(scope="session")
def engine() -> Engine:
    found = find(wanted())
    if found is None:
        pytest.skip("no Pulumi engine: `turnout doctor` says why")
    return found


@pytest.fixture(scope="module")
def engine_bench(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    made = Workbench(engine, tmp_path_factory.mktemp("bench"))
    yield made
    made.close()


@pytest.fixture
def bench(engine: Engine, tmp_path: Path) -> Iterator[Workbench]:
    made = Workbench(engine, tmp_path)
    yield made
    made.close()
