"""One server with a store of its own, for several tests: the store is looked over when they are done."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.janitor import assert_agrees
from tests.support.servers import ServerProcess
from tests.support.stores import DURABLE, StoreProcess, valkey_binary


@contextmanager
def serving(
    folder: Path, request: pytest.FixtureRequest, env: Mapping[str, str] | None = None
) -> Iterator[ServerProcess]:
    """Give a running server whose store is a process of its own; `env` are its settings."""
    store = StoreProcess(valkey_binary(), folder / "store", DURABLE)
    server = ServerProcess(folder, redis_url=store.url, env=env)
    try:
        store.start()
        yield server.start()
        assert_agrees(store.url, request)
    finally:
        server.end()
        store.stop()
