"""The connection on which the store tells what happens: refused, broken and made anew."""

import asyncio
import logging

import pytest
from headrace_server.engine import Engine, wakeups

from tests.engine.conftest import EngineMaker, StoreMaker, enqueue
from tests.engine.test_polls import ASK, parked
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

LOST = "the store's messages are not heard: waiters look by themselves"
HEARD = "the store's messages are heard again"


@pytest.fixture(autouse=True)
def without_a_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody look by himself once a second."""
    monkeypatch.setattr(wakeups, "FLOOR_S", 60.0)


async def test_a_poll_hears_of_jobs_again_when_the_store_lets_it_listen_again(
    make_store: StoreMaker, make_engine: EngineMaker
) -> None:
    store = make_store()
    engine, other = await make_engine(store.url), await make_engine(store.url)
    await eventually_async(lambda: _listening(store, 2), what="both listen")
    store.call("ACL", "SETUSER", "default", "-ssubscribe")
    store.call("CLIENT", "KILL", "TYPE", "pubsub")
    refused = int(store.call("INFO", "stats")["acl_access_denied_cmd"])
    await eventually_async(lambda: _refused(store, refused + 4), what="both have tried again")
    store.call("ACL", "SETUSER", "default", "+ssubscribe")
    await eventually_async(lambda: _listening(store, 2), what="both listen again")
    await _hears(engine, other)


async def test_a_poll_hears_of_jobs_again_when_its_connection_was_cut(
    make_store: StoreMaker, make_engine: EngineMaker
) -> None:
    store = make_store()
    engine, other = await make_engine(store.url), await make_engine(store.url)
    for _ in range(2):
        await eventually_async(lambda: _listening(store, 2), what="both listen")
        await _hears(engine, other)
        store.call("CLIENT", "KILL", "TYPE", "pubsub")


async def test_a_store_that_is_gone_is_logged_once_and_once_when_it_is_heard_again(
    make_store: StoreMaker, make_engine: EngineMaker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=wakeups.__name__)
    store = make_store()
    await make_engine(store.url)
    await eventually_async(lambda: _listening(store, 1), what="it listens")
    store.kill9()
    await eventually_async(lambda: _logged(caplog, 1), what="the loss is logged")
    store.start()
    await eventually_async(lambda: _logged(caplog, 2), what="the end of it is logged")
    assert _lines(caplog) == [(logging.WARNING, LOST, "the store closed the connection"), (logging.INFO, HEARD, None)]


async def test_attempts_to_listen_again_are_not_logged(
    make_store: StoreMaker, make_engine: EngineMaker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=wakeups.__name__)
    store = make_store()
    store.call("ACL", "SETUSER", "default", "-ssubscribe")
    refused = int(store.call("INFO", "stats")["acl_access_denied_cmd"])
    starting = asyncio.create_task(make_engine(store.url))
    await eventually_async(lambda: _refused(store, refused + 3), what="it has tried again")
    store.call("ACL", "SETUSER", "default", "+ssubscribe")
    await starting
    await eventually_async(lambda: _logged(caplog, 2), what="it listens, and says so")
    [(level, text, detail), heard] = _lines(caplog)
    assert (level, text, heard) == (logging.WARNING, LOST, (logging.INFO, HEARD, None))
    assert detail is not None
    assert "no permissions" in detail


async def _logged(caplog: pytest.LogCaptureFixture, count: int) -> bool:
    return len(_lines(caplog)) >= count


def _lines(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str, str | None]]:
    """Return level, text and reason of what the listener has logged."""
    found = (record for record in caplog.records if record.name == wakeups.__name__)
    return [(record.levelno, record.getMessage(), getattr(record, "detail", None)) for record in found]


async def _hears(engine: Engine, other: Engine) -> None:
    poll = asyncio.create_task(engine.poll(ASK, 20_000))
    await parked(engine, 1)
    job_id = await enqueue(other)
    assert [job.id for job in (await poll).jobs] == [job_id]


async def _listening(store: StoreProcess, count: int) -> bool:
    return bool(store.call("PUBSUB", "SHARDNUMSUB", "hr:{0}:wake")[1] == count)


async def _refused(store: StoreProcess, times: int) -> bool:
    return int(store.call("INFO", "stats")["acl_access_denied_cmd"]) >= times
