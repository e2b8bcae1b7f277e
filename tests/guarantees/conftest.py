"""Fixtures of the named tests of what is promised: three servers over one store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guarantees.cluster import Cluster
from tests.support.servers import ServerProcess
from tests.support.stores import DURABLE, StoreProcess, valkey_binary

SERVERS = 3


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three servers over one store, for tests that kill nothing; use queues of your own."""
    yield from _running(tmp_path_factory.mktemp("cluster"), SERVERS)


@pytest.fixture
def frail(tmp_path: Path) -> Iterator[Cluster]:
    """Two servers over one store, to be killed."""
    yield from _running(tmp_path, 2)


@pytest.fixture
def frail_three(tmp_path: Path) -> Iterator[Cluster]:
    """Three servers over one store, to be killed and stopped."""
    yield from _running(tmp_path, SERVERS)


@pytest.fixture
def queue(request: pytest.FixtureRequest) -> str:
    """A queue of this test's own."""
    name: str = request.node.name
    return "".join(c if c.isalnum() or c == "_" else "_" for c in name)[-120:]


def _running(folder: Path, servers: int) -> Iterator[Cluster]:
    store = StoreProcess(valkey_binary(), folder / "store", DURABLE)
    processes = [ServerProcess(folder / f"server{n}", redis_url=store.url) for n in range(servers)]
    try:
        store.start()
        for process in processes:
            process.launch()
        cluster = Cluster(store, [process.ready() for process in processes])
        yield cluster
        cluster.close()
    finally:
        for process in processes:
            process.end()
        store.stop()
