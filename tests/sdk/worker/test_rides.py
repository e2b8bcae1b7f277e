"""Ends of jobs travel with requests for jobs where one is near, each of them for as long as it may wait."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgpack
import pytest
from headrace import App, Leased
from headrace.leases import Ack
from headrace_worker import bounds, clock
from headrace_worker.duty import Duty
from headrace_worker.held import Board, HeldJob
from headrace_worker.inline import InlineHands
from headrace_worker.line import Line
from headrace_worker.parts import Parts
from headrace_worker.settle import Settler
from headrace_worker.tally import Tally

from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

NOBODY = "http://127.0.0.1:9"
TOKEN = "ab" * 16
SLOTS = 2
FEW = 4
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)

app = App()
gate = threading.Event()


@app.task(name="quick")
def quick() -> None:
    """Be over at once, where the gate is open."""
    gate.wait(30.0)


class Script:
    """A server that answers requests for jobs when the test says so, and settles whatever it is told."""

    def __init__(self) -> None:
        self.leases: list[dict[str, Any]] = []
        self.settled_alone = 0
        self._given = 0
        self._serving: list[asyncio.Task[Any] | None] = []
        self._replies: asyncio.Queue[int] = asyncio.Queue()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.append(asyncio.current_task())
        try:
            while True:
                path, document = await self._request(reader)
                reply = msgpack.packb(await self._answer(path, document))
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/msgpack\r\nContent-Length: {len(reply)}\r\n\r\n"
                writer.write(head.encode() + reply)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the test is over, whoever notices first
        finally:
            writer.close()

    async def next_after(self, jobs: int) -> None:
        """Answer the request for jobs that is there, or comes first, and wait for the next one."""
        asked = len(self.leases)
        await self._replies.put(jobs)
        await until(lambda: len(self.leases) > max(asked, 1), what="another request for jobs")

    async def end(self) -> None:
        """Close all connections."""
        for task in filter(None, self._serving):
            task.cancel()
        await asyncio.gather(*filter(None, self._serving), return_exceptions=True)

    async def _request(self, reader: asyncio.StreamReader) -> tuple[str, dict[str, Any]]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return head.split(" ")[1], msgpack.unpackb(await reader.readexactly(length))

    async def _answer(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        if path == "/v1/completions":
            self.settled_alone += len(document["items"])
            return {"items": [], "server_time": NOON.isoformat()}
        self.leases.append(document)
        jobs = [self._job() for _ in range(await self._replies.get())]
        return {"jobs": jobs, "completed": [], "server_time": NOON.isoformat(), "directive": "run"}

    def _job(self) -> dict[str, Any]:
        self._given += 1
        deadline = (NOON + timedelta(seconds=30)).isoformat()
        names = {"id": f"job-{self._given}", "task": "quick", "queue": "q", "token": TOKEN, "deadline": deadline}
        return {**names, "attempt": 1, "delivery": 1, "fence": 1, "payload": None}


@pytest.fixture
async def script() -> Script:
    return Script()


@pytest.fixture
async def parts(script: Script) -> AsyncIterator[Parts]:
    server = await asyncio.start_server(script, "127.0.0.1", 0)
    line = Line("w", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    made = Parts(line, InlineHands(lambda: app, SLOTS), Duty(lambda: None))
    await made.hands.start(made.dispatcher)
    joined = made.join("w", ("q",), {})
    loops = [asyncio.create_task(joined.leaser.run()), asyncio.create_task(made.settler.run())]
    yield made
    gate.set()
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    await made.hands.end()
    await line.close()
    await script.end()
    server.close()
    await server.wait_closed()


async def test_ends_wait_for_a_request_that_will_find_more(
    script: Script, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that left without any is not parked where the last one got all that it asked for."""
    for bound in ("BLOCKED_SLOT_MS", "WAIT_TO_START_MS"):
        monkeypatch.setattr(bounds, bound, 60_000.0)
    gate.set()
    while parts.dispatcher.wanted() < 3 * FEW:  # until it knows that its jobs are short, and would hold many
        await script.next_after(SLOTS)
    monkeypatch.setattr(bounds, "LEASE_JOBS", FEW)
    while script.leases[-1].get("complete") or script.leases[-1]["max"] > FEW:  # until one is parked
        await script.next_after(0)
    await until(lambda: not len(parts.settler))
    gate.clear()
    monkeypatch.setattr(bounds, "LINGER_S", 60.0)
    alone = script.settled_alone
    await script.next_after(FEW)
    assert "complete" not in script.leases[-1]
    gate.set()
    await until(lambda: len(parts.settler) == FEW, what="all are over")
    await script.next_after(1)
    assert len(script.leases[-1]["complete"]) in (FEW, FEW + 1)
    assert script.settled_alone == alone


async def test_every_end_waits_for_as_long_as_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """It once was the rest of what the first one had, which a request for jobs had taken along meanwhile."""
    moment, looks, tally, line = 100.0, [0], Tally(), Line("w", NOBODY)
    monkeypatch.setattr(bounds, "LINGER_S", 0.02)
    monkeypatch.setattr(clock, "now", lambda: moment)

    def takes_ride() -> bool:
        looks[0] += 1
        return True

    async def has_looked() -> None:
        seen = looks[0]
        await until(lambda: looks[0] > seen + 1)

    settler = Settler(line, Board(), tally)
    settler.takes_ride = takes_ride
    loop = asyncio.create_task(settler.run())
    settler.add(held(1), Ack(job_id="job-1", token=TOKEN))
    await has_looked()
    assert len(settler.take_along()) == 1
    moment = 100.015
    settler.add(held(2), Ack(job_id="job-2", token=TOKEN))
    moment = 100.03
    await has_looked()
    assert tally.failures["settle"] == 0, "it waits for its own ride"
    moment = 100.04
    await until(lambda: tally.failures["settle"] > 0, what="it is sent by itself; nobody is there")
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    await line.close()


async def until(condition: Callable[[], bool], what: str = "") -> None:
    async def holds() -> bool:
        return condition()

    await eventually_async(holds, what=what)


def held(number: int) -> HeldJob:
    names = {"id": f"job-{number}", "task": "quick", "queue": "q", "token": TOKEN}
    job = Leased(**names, deadline=NOON, attempt=1, delivery=1, fence=1)
    return HeldJob(job=job, received=0.0, lease_s=30.0, deadline=30.0)
