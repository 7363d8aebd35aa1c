import pytest
from tests.engine.refusals.world import World, make_world


@pytest.fixture
def world() -> World:
    return make_world()
