"""Owners of embedded stores, each a process of its own."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.processes import Child, tail
from tests.support.servers import end_store_of, store_pid
from tests.support.waiting import eventually


class Owner:
    """A process that keeps the store of a data directory."""

    def __init__(self, data_dir: Path, log: Path) -> None:
        self.data_dir = data_dir
        self.log = log
        self.child = Child([sys.executable, "-m", "tests.store.owner", str(data_dir)], log)

    def ready(self) -> "Owner":
        eventually(lambda: self.said("ready ") or not self.child.alive, 20.0, "the owner is ready")
        assert self.said("ready "), f"the owner ended:\n{tail(self.log)}"
        return self

    def said(self, words: str) -> bool:
        return words in self.log.read_text()

    def socket(self) -> Path:
        found = re.search(r"ready unix://(\S+)", self.log.read_text())
        assert found
        return Path(found[1])

    def call(self, *command: str) -> Any:
        """Run a command on the owner's store."""
        retry = Retry(NoBackoff(), 0)
        with redis.Redis(unix_socket_path=str(self.socket()), retry=retry, socket_timeout=5) as client:
            return client.execute_command(*command)

    def store_pid(self) -> int:
        """Return the process id of the living store; waits for one that is being started."""
        return eventually(lambda: store_pid(self.data_dir)) or 0

    def answers(self) -> bool:
        try:
            return bool(self.call("PING"))
        except redis.exceptions.ConnectionError:
            return False


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory, not made yet; a store that is left in it at the end is killed."""
    yield tmp_path / "data"
    end_store_of(tmp_path / "data")


@pytest.fixture
def make_owner(tmp_path: Path, data_dir: Path) -> Iterator[Callable[..., Owner]]:
    """A maker of owners of `data_dir` (or of another one)."""
    made: list[Owner] = []

    def make(folder: Path = data_dir) -> Owner:
        made.append(Owner(folder, tmp_path / f"owner{len(made)}.log"))
        return made[-1]

    yield make
    for owner in made:
        owner.child.end()
    for owner in made:
        end_store_of(owner.data_dir)
