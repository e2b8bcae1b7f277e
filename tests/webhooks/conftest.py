"""Fixtures of the tests of webhooks: receivers, and servers that may send to them."""

import itertools
from collections.abc import Iterator

import pytest
from headrace import Client

from tests.support.receiver import Receiver
from tests.support.servers import ServerProcess
from tests.support.together import serving

LOOPBACK = {"HEADRACE_WEBHOOK_NETWORKS": "127.0.0.0/8"}
_numbers = itertools.count(1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that answers 204 unless it is told otherwise."""
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """One server for all tests of a module, which may send to loopback."""
    with serving(tmp_path_factory.mktemp("hooked"), request, LOOPBACK) as server:
        yield server


@pytest.fixture
def client(hooked: ServerProcess) -> Iterator[Client]:
    """A client of that server; the webhooks of a test are gone at its end."""
    with Client(hooked.url) as made:
        yield made
        for webhook in list(made.iter_webhooks()):
            made.delete_webhook(webhook.name)


@pytest.fixture
def queue() -> str:
    """A queue that no other test uses; tests name their webhooks after it, too."""
    return f"told-{next(_numbers)}"
