"""Servers for the tests of a module: one with small limits, a token and a store that can stop, and an everyday one."""

from collections.abc import Iterator

import httpx
import pytest

from tests.contract.world import World
from tests.support.servers import ServerProcess


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world of its own for each module."""
    with World(tmp_path_factory.mktemp("world")).running() as running:
        yield running


@pytest.fixture(scope="module")
def client(shared_server: ServerProcess) -> Iterator[httpx.Client]:
    """A client of a server without special settings."""
    with httpx.Client(base_url=shared_server.url, timeout=30.0) as client:
        yield client
