"""The worker in the test's own process, where its bounds can be made short: what takes minutes in earnest."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from headrace import AsyncClient, State, loading
from headrace_worker import bounds
from headrace_worker.inline import InlineHands
from headrace_worker.worker import Worker, WorkerSettings, make_id

from tests.sdk.worker.conftest import APP
from tests.support.proxy import Fault, Proxy
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

Running = Callable[[str], contextlib.AbstractAsyncContextManager[Worker]]


@pytest.fixture
async def running(queue: str) -> Running:
    """A context in which a worker runs; it must end with 0."""

    @contextlib.asynccontextmanager
    async def run(url: str) -> AsyncIterator[Worker]:
        hands = InlineHands(lambda: loading.load(APP), 1)
        worker = Worker(WorkerSettings(url=url, queues=(queue,)), hands)
        task = asyncio.create_task(worker.run())
        yield worker
        worker.stop()
        assert await asyncio.wait_for(task, 20.0) == 0

    return run


async def succeeds(client: AsyncClient, queue: str, timeout_s: float = 15.0) -> None:
    job = await client.enqueue("noop", queue=queue)

    async def done() -> bool:
        return (await client.get(job.id)).state is State.SUCCEEDED

    await eventually_async(done, timeout_s, "the job succeeds")


async def test_the_watchdog_makes_new_connections_and_the_worker_goes_on(
    shared_server: ServerProcess,
    queue: str,
    running: Running,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(bounds, "WATCHDOG_S", 1.0)
    async with AsyncClient(shared_server.url) as client:
        with Proxy(shared_server.port) as proxy:
            proxy.faults = [Fault.PASS, Fault.SWALLOW]  # the first poll: from now on the worker only looks alive
            async with running(proxy.url):

                async def barked() -> bool:
                    return "no answer from the server" in caplog.text

                await eventually_async(barked, 10.0, "the watchdog barks")
                monkeypatch.setattr(bounds, "WATCHDOG_S", 60.0)  # a busy machine must not make it bark again
                await succeeds(client, queue)


async def test_a_busy_worker_is_not_silent(
    shared_server: ServerProcess,
    queue: str,
    running: Running,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Parked polls that are answered in time are no reason to bark."""
    monkeypatch.setattr(bounds, "POLL_WAIT_MS", 100)
    monkeypatch.setattr(bounds, "WATCHDOG_S", 1.0)
    async with AsyncClient(shared_server.url) as client, running(shared_server.url):
        loop = asyncio.get_running_loop()
        end = loop.time() + 3.0
        while loop.time() < end:
            await succeeds(client, queue)
    assert "no answer" not in caplog.text


async def test_a_full_buffer_of_results_stops_the_leasing_only_while_it_is_full(
    shared_server: ServerProcess, queue: str, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "UNSETTLED_JOBS", 1)
    async with AsyncClient(shared_server.url) as client, running(shared_server.url):
        for _ in range(5):
            await succeeds(client, queue)


async def test_an_outage_is_logged_once_at_its_beginning_and_once_at_its_end(
    shared_server: ServerProcess, queue: str, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "headrace.worker")
    async with AsyncClient(shared_server.url) as client:
        with Proxy(shared_server.port) as proxy:
            async with running(proxy.url):
                await succeeds(client, queue)
                proxy.refuse()

                async def noticed() -> bool:
                    return "lease failed" in caplog.text

                await eventually_async(noticed, 10.0)
                await asyncio.sleep(0.5)  # some more tries: they must not be logged
                proxy.accept()
                await succeeds(client, queue, 5.0)
    assert caplog.text.count("lease failed, will try again") == 1
    assert caplog.text.count("lease works again") == 1


def test_a_worker_id_tells_host_and_process_and_fits_the_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "büro 7.example" + "x" * 300)
    first, second = make_id(), make_id()
    assert first != second
    assert len(first) == 128
    assert first.startswith("b-ro-7.example")
