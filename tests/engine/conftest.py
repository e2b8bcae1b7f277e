"""Fixtures of the engine's tests: engines on a real store, and a proxy that loses answers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from headrace_server.domain.jobs import Body, NewJob
from headrace_server.domain.requests import EnqueueGroup
from headrace_server.engine import Engine
from headrace_server.loops import run_loops

from tests.engine.proxy import StoreProxy
from tests.engine.stage import CLOCK_KEY, SCRIPTS, Stage, StageMaker
from tests.support.stores import StoreProcess

EngineMaker = Callable[..., Awaitable[Engine]]
StoreMaker = Callable[..., StoreProcess]


@pytest.fixture
async def make_engine() -> AsyncIterator[EngineMaker]:
    """A maker of started engines: `await make_engine(url, loops=False, **options)`; all are closed afterwards."""
    engines: list[Engine] = []
    loops: list[asyncio.Task[None]] = []

    async def make(url: str, *, with_loops: bool = False, **options: Any) -> Engine:
        engine = Engine(url, **options)
        engines.append(engine)
        await engine.start()
        if with_loops:
            loops.append(asyncio.create_task(run_loops(engine)))
        return engine

    yield make
    for task in loops:
        task.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    for engine in engines:
        await engine.close()


@pytest.fixture
async def engine(store_url: str, make_engine: EngineMaker) -> Engine:
    """An engine without loops; the test runs once per kind of store."""
    return await make_engine(store_url)


@pytest.fixture
async def make_stage(make_engine: EngineMaker) -> AsyncIterator[StageMaker]:
    """A maker of stages: `await make_stage(url)`; `clock_url` leads to the same store, past a proxy."""
    clients: list[redis.Redis] = []

    async def make(url: str, *, clock_url: str | None = None, **options: Any) -> Stage:
        client = redis.Redis.from_url(clock_url or url)
        clients.append(client)
        client.set(CLOCK_KEY, 1)
        return Stage(await make_engine(url, **{"scripts": SCRIPTS, **options}), client)

    yield make
    for client in clients:
        client.close()


@pytest.fixture
async def stage(store_url: str, make_stage: StageMaker) -> Stage:
    """A stage; the test runs once per kind of store."""
    return await make_stage(store_url)


@pytest.fixture
async def proxy(valkey: StoreProcess, tmp_path: Path) -> AsyncIterator[StoreProxy]:
    """A proxy in front of a Valkey."""
    proxy = StoreProxy(str(valkey.socket))
    await proxy.start()
    yield proxy
    await proxy.close()


@pytest.fixture
def client(store_url: str) -> Iterator[redis.Redis]:
    """A client of the store, past the engine."""
    made = redis.Redis.from_url(store_url)
    yield made
    made.close()


def new_job(engine: Engine, queue: str = "q", **options: Any) -> NewJob:
    """Return a job of task `t` with payload `1`."""
    options.setdefault("payload", Body(b"1"))
    return NewJob(id=engine.new_id(queue), task="t", queue=queue, **options)


async def enqueue(engine: Engine, queue: str = "q", **options: Any) -> bytes:
    """Enqueue one job and return its id."""
    answer = await engine.enqueue(EnqueueGroup([new_job(engine, queue, **options)]))
    return answer.jobs[0].id


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
