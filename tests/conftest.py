"""Fixtures that every folder of tests may use: real stores, real servers; their logs are shown when a test fails."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.janitor import assert_agrees
from tests.support.servers import ServerProcess
from tests.support.stores import DURABLE, StoreProcess, redis7_binary, valkey_binary
from tests.support.together import serving
from tests.support.watch import take_faults, watching

LOGS = pytest.StashKey[list[tuple[str, Callable[[], str]]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Print the reason of every skip: a test that did not run must not look like one that passed."""
    if "s" not in config.option.reportchars:
        config.option.reportchars += "s"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the logs of the processes of a failed test."""
    report = yield
    if report.failed:
        report.sections += [(name, text()) for name, text in item.stash.get(LOGS, [])]
    return report


@pytest.fixture(scope="session", autouse=True)
def replies_are_judged() -> Iterator[None]:
    """Hold every reply of a real server to openapi.yaml, whoever in this process asked for it."""
    with watching():
        yield


@pytest.fixture(autouse=True)
def replies_keep_the_contract(replies_are_judged: None) -> Iterator[None]:
    """Fail the test in which a reply was not what openapi.yaml says."""
    take_faults()  # of a fixture's requests before it
    yield
    assert take_faults() == []


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Coroutine tests (marked `anyio`) run on asyncio, as the server does."""
    return "asyncio"


@pytest.fixture(scope="session")
def valkey_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    """The Valkey of this session (of this worker under xdist), with the embedded store's settings; do not kill it."""
    store = StoreProcess(valkey_binary(), tmp_path_factory.mktemp("valkey"), DURABLE)
    yield from _running(store)


@pytest.fixture(scope="session")
def redis7_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    """The Redis 7.0 of this session (of this worker under xdist); do not kill it."""
    store = StoreProcess(redis7_binary(), tmp_path_factory.mktemp("redis7"), DURABLE)
    yield from _running(store)


@pytest.fixture
def valkey(valkey_process: StoreProcess, request: pytest.FixtureRequest) -> Iterator[StoreProcess]:
    """A real, empty Valkey (9 or newer) on a unix socket: `.url`, `.call(...)`, `.client()`."""
    valkey_process.flush()
    yield valkey_process
    assert_agrees(valkey_process.url, request)


@pytest.fixture
def redis7(redis7_process: StoreProcess, request: pytest.FixtureRequest) -> Iterator[StoreProcess]:
    """A real, empty Redis 7.0 on a unix socket; skipped with the reason where missing, failed where CI=true."""
    redis7_process.flush()
    yield redis7_process
    assert_agrees(redis7_process.url, request)


@pytest.fixture(params=["valkey", "redis7"])
def store(request: pytest.FixtureRequest) -> StoreProcess:
    """Both stores in turn, empty."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, StoreProcess)
    return found


@pytest.fixture
def store_url(store: StoreProcess) -> str:
    """The URL of an empty store; the test runs once per kind of store."""
    return store.url


@pytest.fixture
def make_store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., StoreProcess]]:
    """A maker of stores that a test may kill: `make_store(kind="valkey", **config)`, each with its own folder.

    Underscores in config names become dashes (`appendfsync="everysec"`, `maxmemory_policy="allkeys-lru"`); `port`
    opens a TCP port; `started=False` prepares only.
    """
    made: list[StoreProcess] = []

    def make(kind: str = "valkey", *, port: int = 0, started: bool = True, **config: str) -> StoreProcess:
        binary = valkey_binary() if kind == "valkey" else redis7_binary()
        folder = tmp_path / f"store{len(made)}"
        settings = {**DURABLE, **{name.replace("_", "-"): value for name, value in config.items()}}
        store = StoreProcess(binary, folder, settings, port=port)
        made.append(store)
        _show(request, f"log of {folder.name}", store.tail)
        return store.start() if started else store

    yield make
    try:
        for store in made:
            assert_agrees(store.url, request)
    finally:
        for store in made:
            store.stop()


@pytest.fixture
def make_server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., ServerProcess]]:
    """A maker of `headrace server` processes: `make_server(redis_url=..., data_dir=..., flags=[...], env={...})`.

    Without `redis_url` each has an embedded store in a folder of its own. `started=False` prepares only.
    """
    made: list[ServerProcess] = []

    def make(*, started: bool = True, **options: Any) -> ServerProcess:
        server = ServerProcess(tmp_path / f"server{len(made)}", **options)
        made.append(server)
        _show(request, f"log of server{len(made) - 1}", server.output)
        return server.start() if started else server

    yield make
    try:
        for server in made:
            if server.store_url is not None:
                assert_agrees(server.store_url, request)
    finally:
        for server in reversed(made):
            server.end()


@pytest.fixture
def server(make_server: Callable[..., ServerProcess]) -> ServerProcess:
    """A running `headrace server` on an embedded store: `.url .pid .kill9() .terminate() .restart()`."""
    return make_server()


@pytest.fixture
def server_on(make_server: Callable[..., ServerProcess], store_url: str) -> ServerProcess:
    """A running `headrace server` on an external store; the test runs once per kind of store."""
    return make_server(redis_url=store_url)


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """One server for all tests of a module, on a store of its own; do not kill it, and use queues of your own."""
    with serving(tmp_path_factory.mktemp("shared"), request) as server:
        yield server


def _running(store: StoreProcess) -> Iterator[StoreProcess]:
    try:
        yield store.start()
    finally:
        store.stop()


def _show(request: pytest.FixtureRequest, name: str, text: Callable[[], str]) -> None:
    request.node.stash.setdefault(LOGS, []).append((name, text))
