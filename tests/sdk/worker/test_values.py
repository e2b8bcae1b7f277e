"""Values on their way to a real worker and back: tags, annotations, serializers; and results of many jobs at once."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from headrace import App, BaseTask, Client, Conflict, NotFinished, NotFound, Raw, State, TaskFailed, agather, gather
from headrace.models import NewJob
from headrace.results import AsyncResultSet, ResultSet, aas_completed, as_completed
from headrace.serializers import PickleAccepted

from tests.sdk.worker import values
from tests.sdk.worker.conftest import MakeWorker, ended
from tests.sdk.worker.values import Line, Order, Size
from tests.support.proxy import Proxy
from tests.support.servers import ServerProcess

WORKER = "tests.sdk.worker.values:app"
TRUSTING = "tests.sdk.worker.values:trusting_app"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
ORDER = Order(uuid4(), [Line("a", Decimal("1.10"), Size.LARGE), Line("b", Decimal(5))], NOON, {"gift"})
PLAIN = {
    "id": str(ORDER.id),
    "lines": [{"sku": "a", "price": "1.10", "size": "l"}, {"sku": "b", "price": 5}],
    "due": "2026-11-01T12:00:00Z",
    "notes": ["gift"],
}


@pytest.fixture
def make_app(shared_server: ServerProcess, queue: str) -> Iterator[Callable[..., App]]:
    """A maker of apps whose calls go to this test's queue."""
    made: list[App] = []

    def make(url: str = shared_server.url, **options: Any) -> App:
        app = values.build(url, **options)
        app.conf.task_default_queue = queue
        made.append(app)
        return app

    yield make
    for app in made:
        app.close()


@pytest.fixture
def app(make_app: Callable[..., App], make_worker: MakeWorker, shared_server: ServerProcess) -> App:
    """An app with a worker."""
    make_worker(shared_server.url, app=WORKER)
    return make_app()


def task(app: App, name: str) -> BaseTask[Any, Any]:
    return app.tasks[f"values.{name}"]


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_what_a_task_takes_and_returns_is_what_its_caller_gave_and_gets(app: App, serializer: str) -> None:
    postpone = task(app, "postpone")
    later = postpone.apply_async((ORDER, timedelta(hours=1)), serializer=serializer).get(timeout=60)
    assert later == Order(ORDER.id, ORDER.lines, NOON + timedelta(hours=1), {"gift"})
    mixed = {"$set": [b"\x00", {1, 2}, NOON, {"$bin": 5}], "b": (None, [True, 1.5])}
    there = task(app, "same").apply_async((mixed,), serializer=serializer).get(timeout=60)
    assert there == {**mixed, "b": [None, [True, 1.5]]}


def test_another_language_needs_no_tags(app: App, client: Client, queue: str) -> None:
    job = client.enqueue("values.total", {"order": PLAIN, "on": "2026-11-02"}, queue=queue)
    assert ended(client, job.id).result == {"$decimal": "1.10"}
    assert task(app, "total").delay(ORDER, on=date(2026, 11, 2)).get(timeout=60) == Decimal("1.10")


def test_what_does_not_fit_is_told_with_its_place_and_not_retried(app: App, client: Client, queue: str) -> None:
    lines = [{"sku": "a", "price": "much"}]
    job = client.enqueue("values.total", [{**PLAIN, "lines": lines}], queue=queue)
    dead = ended(client, job.id)
    assert (dead.state, dead.reason, dead.attempt) == (State.DEAD, "not_retryable", 1)
    assert dead.error is not None
    assert dead.error.type == "TypeError"
    assert "argument 'order'['lines'][0]['price']: 'much' is no Decimal" in dead.error.message


def test_a_serializer_of_one_s_own_and_bytes_of_a_type(app: App, client: Client, queue: str) -> None:
    table = [["a", "b"], ["c", "d"]]
    handle = task(app, "same").apply_async((table,), serializer="table")
    assert handle.get(timeout=60) == table
    assert client.payload_bytes(handle.id) == Raw(b"a\tb\nc\td", "text/tab-separated-values")
    image = Raw(b"<svg/>", "image/svg+xml")
    assert task(app, "thumbnail").delay(image).get(timeout=60) == Raw(b"<SVG/>", "image/svg+xml")
    job = client.enqueue("values.thumbnail", image, queue=queue)
    assert ended(client, job.id).result == Raw(b"<SVG/>", "image/svg+xml")
    assert app.handle(job.id).get() == Raw(b"<SVG/>", "image/svg+xml")


def test_pickle_goes_both_ways_where_both_sides_named_it(
    make_app: Callable[..., App], make_worker: MakeWorker, shared_server: ServerProcess
) -> None:
    worker = make_worker(shared_server.url, app=TRUSTING)
    app = make_app(accept=["pickle"])
    with pytest.warns(PickleAccepted):
        handle = task(app, "same").apply_async(({1: {Size.LARGE: ORDER}},), serializer="pickle")
    assert handle.get(timeout=60) == {1: {Size.LARGE: ORDER}}
    assert "PickleAccepted: this app accepts pickle" in worker.text()


def test_a_worker_that_was_not_told_to_accept_pickle_never_reads_it(
    app: App, make_app: Callable[..., App], tmp_path: Path
) -> None:
    sender = make_app(accept=["pickle"])
    with pytest.warns(PickleAccepted):
        handle = task(sender, "same").apply_async((values.Trap(tmp_path / "trapped"),), serializer="pickle")
    with pytest.raises(TaskFailed, match=r"does not accept pickle .* app\.conf\.accept_content") as caught:
        handle.get(timeout=60)
    assert (caught.value.type, caught.value.reason, caught.value.attempts) == ("ContentRefused", "not_retryable", 1)
    assert not (tmp_path / "trapped").exists()


def test_many_results_take_few_requests(
    app: App, make_app: Callable[..., App], shared_server: ServerProcess, queue: str
) -> None:
    with Proxy(shared_server.port) as proxy:
        counted = make_app(proxy.url)
        square = task(counted, "square")
        handles = square.delay_many([(n,) for n in range(300)])
        assert gather(handles, timeout=60) == [n * n for n in range(300)]
        assert proxy.requests <= 2 + 3, "two batches of calls, and a look or two"
        before = proxy.requests
        assert sorted(handle.get() for handle in as_completed(handles)) == [n * n for n in range(300)]
        assert proxy.requests == before, "what has ended is known"
        again = [counted.handle(handle.id) for handle in handles]
        assert {handle.id for handle in as_completed(again, timeout=60)} == {handle.id for handle in handles}
        assert proxy.requests == before + 1


def test_awaiting_code_waits_for_many_in_the_same_way(app: App) -> None:
    async def main() -> None:
        square = task(app, "square")
        handles = await square.adelay_many([(n,) for n in range(50)])
        assert await agather(handles, timeout=60) == [n * n for n in range(50)]
        fresh = [app.ahandle(handle.id) for handle in handles]
        assert sorted([await handle.get() async for handle in aas_completed(fresh)]) == [n * n for n in range(50)]
        assert await AsyncResultSet(fresh).completed_count() == 50
        await app.aclose()

    asyncio.run(main())


def test_handles_come_as_they_end_and_not_in_their_own_order(client: Client, queue: str) -> None:
    slow, quick = (client.handle(job.id) for job in client.enqueue_batch([NewJob(task="t", queue=queue)] * 2).jobs)
    leased = {job.id: job.token for job in client.lease(queue, worker="w", max_jobs=2).jobs}
    client.ack(quick.id, leased[quick.id], result="quick")
    stream = as_completed([slow, quick], timeout=60)
    assert next(stream) is quick
    client.ack(slow.id, leased[slow.id], result="slow")
    assert [handle.get() for handle in stream] == ["slow"]


def test_who_waits_for_nobody_is_told_in_time(client: Client, queue: str) -> None:
    waiting = ResultSet([client.handle(client.enqueue("t", queue=queue).id)])
    with pytest.raises(NotFinished, match=r"1 of 1 jobs have not ended after 0\.2 s"):
        waiting.get(0.2)
    with pytest.raises(NotFinished):
        next(waiting.as_completed(0.2))
    assert not waiting.ready()
    waiting.revoke()
    assert waiting.ready()
    assert not waiting.successful()


def test_a_forgotten_job_is_gone_and_one_that_runs_cannot_be_forgotten(app: App, client: Client, queue: str) -> None:
    handle = task(app, "square").delay(3)
    assert handle.get(timeout=60) == 9
    handle.forget()
    with pytest.raises(NotFound):
        handle.get()
    with pytest.raises(NotFound):
        gather([handle, app.handle(handle.id)])
    pending = client.handle(client.enqueue("nobody", queue=f"{queue}-nobody").id)
    with pytest.raises(Conflict):
        pending.forget()
    pending.revoke(terminate=True)
    assert pending.state is State.CANCELLED
    pending.revoke()
