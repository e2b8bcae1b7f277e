"""A real server for the tests of the client, asked in both ways and both formats."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from headrace import AsyncClient, Client

from tests.support.commands import Run, commands_of
from tests.support.servers import ServerProcess

_numbers = itertools.count(1)


@pytest.fixture
def queue() -> str:
    """A queue that no other test uses."""
    return f"sdk-{next(_numbers)}"


@pytest.fixture(params=["json", "msgpack"])
def client(shared_server: ServerProcess, request: pytest.FixtureRequest) -> Iterator[Client]:
    """A blocking client of a real server, in both formats."""
    with Client(shared_server.url, format=request.param) as made:
        yield made


Ask = Callable[..., Any]


@pytest.fixture
def run(shared_server: ServerProcess, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line: `run("queue show", name)`; returns exit code, stdout and stderr."""
    return commands_of(shared_server.url, capsys)


@pytest.fixture(params=["json", "msgpack"])
def aclient(shared_server: ServerProcess, request: pytest.FixtureRequest) -> Iterator[Ask]:
    """Calls a verb of an awaiting client of a real server: `aclient("get", job_id)`, in both formats."""
    made: list[AsyncClient] = []

    async def call(verb: str, *args: Any, **kwargs: Any) -> Any:
        if not made:
            made.append(AsyncClient(shared_server.url, format=request.param))
        return await getattr(made[0], verb)(*args, **kwargs)

    with asyncio.Runner() as runner:
        yield lambda verb, *args, **kwargs: runner.run(call(verb, *args, **kwargs))
        for client in made:
            runner.run(client.close())
