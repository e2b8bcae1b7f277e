"""The store of the model's tests: one for the session, without persistence, emptied by each test."""

from collections.abc import Iterator

import pytest

from tests.support.stores import DURABLE, StoreProcess, valkey_binary


@pytest.fixture(scope="session")
def volatile_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    """A Valkey that syncs nothing: tests of the rules make thousands of small calls, and lose nothing worth keeping."""
    store = StoreProcess(valkey_binary(), tmp_path_factory.mktemp("volatile"), {**DURABLE, "appendonly": "no"})
    try:
        yield store.start()
    finally:
        store.stop()
