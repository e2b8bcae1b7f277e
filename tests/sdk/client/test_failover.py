"""Several servers of one store: a client stays with one, moves on when it is gone, and comes back to the first."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from headrace import App, AsyncClient, Client, ConnectionFailed, Patience, ReasonCode, State, TimedOut
from headrace._route import Route
from headrace._steps import Loss, NoReply, Reply
from headrace._transport import Endpoint

from tests.support.proxy import Fault, Proxy
from tests.support.servers import ServerProcess
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually_async

A, B, C = (Endpoint(f"http://{name}:1") for name in "abc")
ANSWER = Reply(status=200)
UNSENT = NoReply(Loss.NOT_SENT, "nobody there")
CUT = NoReply(Loss.CUT, "the connection broke")
SLOW = NoReply(Loss.SLOW, "no reply in time")
ONE_TRY = Patience(total_s=0)


class Clock:
    """A clock that stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def route(clock: Clock) -> Route:
    return Route([A, B, C], clock=clock)


def test_a_server_that_answers_is_asked_again(route: Route) -> None:
    assert list(route.tries()) == [A, B, C]
    assert route.unsent(A, ANSWER) is None
    assert route.current is A


@pytest.mark.parametrize("lost", [CUT, SLOW])
def test_a_lost_reply_moves_on_and_leaves_the_repeat_to_the_verb(route: Route, lost: NoReply) -> None:
    assert route.unsent(A, lost) is None
    assert list(route.tries()) == [B, C, A]


def test_what_was_not_sent_may_go_to_the_next_server_at_once(route: Route) -> None:
    assert route.unsent(A, UNSENT) is UNSENT
    assert route.current is B


def test_after_the_last_comes_the_first(route: Route) -> None:
    for server in (A, B, C):
        route.unsent(server, UNSENT)
    assert route.current is A


def test_two_threads_that_lose_the_same_server_move_on_once(route: Route) -> None:
    route.unsent(A, UNSENT)
    route.unsent(A, UNSENT)
    assert route.current is B


def test_the_first_server_is_tried_again_after_half_a_minute(route: Route, clock: Clock) -> None:
    route.unsent(A, UNSENT)
    clock.now += 20
    route.unsent(B, UNSENT)
    assert route.current is C
    clock.now += 9.9
    assert route.current is C
    clock.now += 0.1
    assert route.current is A, "30 s after it was left, whatever came after"
    route.unsent(A, UNSENT)
    clock.now += 29
    assert route.current is B, "and not sooner than 30 s after the last look"


@pytest.fixture
def pair(make_store: Callable[..., StoreProcess], make_server: Callable[..., ServerProcess]) -> list[ServerProcess]:
    """Two real servers of one store."""
    store = make_store()
    return [make_server(redis_url=store.url) for _ in range(2)]


def test_a_killed_server_costs_no_call(pair: list[ServerProcess]) -> None:
    first, second = pair
    with Client(f"{first.url},{second.url}", retry=ONE_TRY) as client:
        before = client.enqueue("t", queue="mail")
        assert client.url == first.url
        first.kill9()
        assert client.get(before.id).state is State.READY, "nothing was sent to the dead one: the other one at once"
        assert client.url == second.url
        first.start()
        second.kill9()
        assert client.get(before.id).state is State.READY
        assert client.url == first.url


def test_a_killed_server_costs_an_awaiting_caller_nothing(pair: list[ServerProcess]) -> None:
    first, second = pair

    async def main() -> None:
        async with AsyncClient([first.url, second.url]) as client:
            before = await client.enqueue("t", queue="mail")
            first.kill9()
            jobs = await asyncio.gather(*(client.enqueue("t", n, queue="mail") for n in range(20)))
            assert client.url == second.url
            assert len({before.id, *(job.id for job in jobs)}) == 21
            assert (await client.queue_stats("mail")).backlog == 21

    asyncio.run(main())


def test_a_poll_goes_on_at_the_other_server(pair: list[ServerProcess]) -> None:
    first, second = pair

    async def main() -> None:
        async with AsyncClient([first.url, second.url]) as client, AsyncClient(second.url) as other:
            await other.pause_queue("mail")
            job = await other.enqueue("t", queue="mail")
            poll = asyncio.create_task(client.lease("mail", worker="w", wait_ms=20_000))

            async def has_poller() -> bool:
                reasons = (await other.explain(job.id)).reasons
                return ReasonCode.NO_POLLER not in [reason.code for reason in reasons]

            await eventually_async(has_poller)
            first.kill9()
            await other.resume_queue("mail")
            assert [leased.id for leased in (await poll).jobs] == [job.id]
            assert client.url == second.url

    asyncio.run(main())


def test_nobody_there_names_every_server(pair: list[ServerProcess]) -> None:
    for server in pair:
        server.kill9()
    with Client([server.url for server in pair], retry=ONE_TRY) as client:
        with pytest.raises(ConnectionFailed) as caught:
            client.server_info()
        assert all(server.url in str(caught.value) for server in pair)


@pytest.fixture
def lossy(shared_server: ServerProcess) -> Iterator[Proxy]:
    with Proxy(shared_server.port) as proxy:
        yield proxy


def test_a_call_whose_reply_was_lost_is_repeated_at_the_other_server(
    lossy: Proxy, shared_server: ServerProcess, queue: str
) -> None:
    lossy.faults = [Fault.CUT_REPLY]
    with Client([lossy.url, shared_server.url]) as client:
        job = client.enqueue("t", queue=queue)
        assert (job.deduplicated, client.url) == (True, shared_server.url)
        assert client.queue_stats(queue).backlog == 1
        assert lossy.requests == 1


def test_a_call_without_proof_is_not_repeated_at_the_other_server(
    lossy: Proxy, shared_server: ServerProcess, queue: str
) -> None:
    lossy.faults = [Fault.SWALLOW]
    with Client([lossy.url, shared_server.url], timeout=0.3) as client:
        with pytest.raises(TimedOut):
            client.start_operation("cancel", queue=queue)
        assert client.url == shared_server.url


def test_an_app_and_the_environment_name_several_servers(
    shared_server: ServerProcess, monkeypatch: pytest.MonkeyPatch, queue: str
) -> None:
    monkeypatch.setenv("HEADRACE_URL", f"http://127.0.0.1:9,{shared_server.url}")
    app = App()
    assert app.send_task("t", [1], queue=queue).job().queue == queue
    assert app.client.url == shared_server.url
    app.close()


def test_a_closed_client_sends_nothing_any_more(shared_server: ServerProcess) -> None:
    client = Client(shared_server.url)
    client.server_info()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.server_info()
