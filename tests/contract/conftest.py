"""A server for the tests of a module: with small limits, a token and a store that can stop."""

from collections.abc import Iterator

import pytest

from tests.contract.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world of its own for each module."""
    with World(tmp_path_factory.mktemp("world")).running() as running:
        yield running
