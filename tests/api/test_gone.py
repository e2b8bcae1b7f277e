"""A request whose client goes away while it is served: in the same moment as its end, or as another cancellation."""

import asyncio
from typing import Any

import pytest
from headrace_server.api.call import Call, ClientGone
from headrace_server.api.request_ids import RequestIds

pytestmark = pytest.mark.anyio

TURNS = 12  # of the event loop: more than lie between the end of a connection and the end of the work


class Client:
    """Sends a request without a body, and goes away when it is told."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        scope: dict[str, Any] = {"path": "/", "headers": []}
        self.call = Call(scope, self._receive, None, RequestIds(), None)  # type: ignore[arg-type]

    async def _receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def rest() -> None:
    """Let everything have its turn that was begun."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def serve(client: Client, work: "asyncio.Future[str]") -> str:
    """Serve a request and do a little more afterwards, which nothing may cancel."""
    task = asyncio.current_task()
    assert task is not None
    try:
        answer = await client.call.unless_gone(work)
    except ClientGone:
        answer = "gone"
    assert task.cancelling() == 0
    await rest()
    client.call.close()
    return answer


async def test_work_is_cancelled_when_its_client_goes_away() -> None:
    client = Client()
    work: asyncio.Future[str] = asyncio.Future()
    serving = asyncio.create_task(serve(client, work))
    await rest()
    client.gone.set()
    assert await serving == "gone"
    assert work.cancelled()
    assert client.call.is_gone()


async def test_a_client_that_goes_as_the_work_ends_cancels_the_work_or_nothing() -> None:
    found = []
    for turns in range(TURNS):
        client = Client()
        work: asyncio.Future[str] = asyncio.Future()
        serving = asyncio.create_task(serve(client, work))
        await rest()
        client.gone.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        if not work.done():
            work.set_result("done")
        found.append(await serving)
        assert client.call.is_gone()
    assert set(found) == {"gone", "done"}, "the moment lies between the turns that were tried"


async def test_who_cancels_from_outside_is_not_taken_for_the_client() -> None:
    """Whether the client goes away, too, and before or after it, or in the same turn of the event loop."""
    for turns in range(-1, TURNS):
        client = Client()
        serving = asyncio.create_task(serve(client, asyncio.Future()))
        await rest()
        if turns >= 0:
            client.gone.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert serving.cancelled()
        client.call.close()


async def test_work_that_ends_well_although_it_was_cancelled_counts() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.Future()
        except asyncio.CancelledError:
            return "done"
        return ""

    client = Client()
    serving = asyncio.create_task(serve(client, asyncio.ensure_future(stubborn())))
    await rest()
    client.gone.set()
    assert await serving == "done"
