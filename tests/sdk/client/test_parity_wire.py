"""Blocking and awaiting code send the same requests, and make the same of every reply that openapi.yaml shows.

Generated from the names of the SDK and from the contract, so that nothing is left out: a new verb, member or twin fails
here until it is compared, too.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from headrace import App, AsyncClient, Client, JobHandle, NewJob, Patience, State
from headrace._verbs import Verbs
from headrace.results import AsyncResultSet, ResultSet
from headrace.signatures import Signature

from tests.sdk.client.calls import CALLS
from tests.sdk.client.drive import ID, job
from tests.sdk.client.twins import APART, IDS_OF_TWINS, public
from tests.support.contract import operation, resolve
from tests.support.servers import ServerProcess


class Enough(Exception):
    """More requests than a test of one verb wants to see."""


@dataclass
class Network:
    """A network that answers from a list, and again and again with its last answer, and keeps what was sent."""

    answers: list[httpx.Response | Exception]
    sent: list[tuple[Any, ...]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in request.headers.items() if name != "idempotency-key"}
        has_key = "idempotency-key" in request.headers
        self.sent.append((request.method, str(request.url), headers, has_key, request.content))
        if len(self.sent) > 3:
            raise Enough
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)


PATIENT = Patience(total_s=0.9, first_s=0)  # repeats at once, and waits for no Retry-After
Ask = Callable[[Any], Any]  # what is asked of a client, blocking or awaiting


def outcome(ask: Callable[[], Any]) -> str:
    """Return what came of something, as text: a value, or an error."""
    try:
        return repr(ask())
    except Exception as error:  # noqa: BLE001 - it is compared
        return f"{type(error).__name__}: {error}"


def blocking(answers: list[Any], ask: Ask) -> tuple[str, list[Any]]:
    network = Network(list(answers))

    def run() -> Any:
        with Client("http://a:1", retry=PATIENT, transport=network.transport) as client:
            found = ask(client)
            return list(found) if isinstance(found, Iterator) else found

    return outcome(run), network.sent


def awaiting(answers: list[Any], ask: Ask) -> tuple[str, list[Any]]:
    network = Network(list(answers))

    async def run() -> Any:
        async with AsyncClient("http://a:1", retry=PATIENT, transport=network.transport) as client:
            found = ask(client)
            return [each async for each in found] if isinstance(found, AsyncIterator) else await found

    return outcome(lambda: asyncio.run(run())), network.sent


def examples(operation_id: str) -> Iterator[list[Any]]:
    """Yield every reply that the contract shows for an operation."""
    for status, reply in operation(operation_id).spec["responses"].items():
        for media_type, content in resolve(reply).get("content", {"": {}}).items():
            for example in content.get("examples", {"": {}}).values():
                value = resolve(example).get("value", "")
                text = value if isinstance(value, str) and not media_type.endswith("json") else json.dumps(value)
                yield [httpx.Response(int(status), headers={"content-type": media_type}, content=text.encode())]


GARBAGE = httpx.Response(200, headers={"content-type": "text/html"}, content=b"<html>hello")
SLOW = httpx.ReadTimeout("slow")
LOST: list[list[Any]] = [[httpx.ConnectError("refused"), httpx.ReadError("reset"), SLOW, GARBAGE], [SLOW], [GARBAGE]]


def compare(verb: str, args: tuple[Any, ...], kwargs: dict[str, Any], operation_id: str) -> None:
    """Have both clients ask, once for each reply that the contract shows and for each way to lose one."""
    for answers in [*examples(operation_id), *LOST]:
        seen = [run(answers, lambda client: getattr(client, verb)(*args, **kwargs)) for run in (blocking, awaiting)]
        assert seen[0] == seen[1], answers
        assert seen[0][1], "something was sent"


@pytest.mark.parametrize("operation_id", CALLS)
def test_a_verb_sends_and_makes_the_same_in_both_clients(operation_id: str) -> None:
    compare(*CALLS[operation_id], operation_id)


# Verbs that are made of others, or make less of the same reply.
MADE: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "enqueue_job": ((NewJob(task="t"),), {}, "enqueueJob"),
    "enqueue_payloads": (("t", [1, 2]), {"priority": 7}, "enqueueJobs"),
    "wait": ((ID,), {"timeout": 0}, "getJob"),
    "wait_operation": ((ID,), {"timeout": 0}, "getOperation"),
    "result_bytes": ((ID,), {}, "getResult"),
    "iter_jobs": ((), {"queue": "q"}, "listJobs"),
    "iter_workers": ((), {"queue": "q"}, "listWorkers"),
    "iter_schedules": ((), {"owner": "me"}, "listSchedules"),
    "iter_webhooks": ((), {}, "listWebhooks"),
    "apply_schedules": (({},), {"owner": "me"}, "listSchedules"),
    "follow_events": ((), {"queue": "q"}, "readEvents"),
}


def test_every_verb_is_compared() -> None:
    verbs = {name for name in dir(Verbs) if not name.startswith("_")}
    assert verbs == {verb for verb, _, _ in CALLS.values()} | set(MADE)


@pytest.mark.parametrize("verb", MADE)
def test_a_verb_that_is_made_of_others_is_the_same_in_both_clients(verb: str) -> None:
    compare(verb, *MADE[verb])


ERROR = {"type": "ValueError", "message": "bad", "stack": "File shop.py"}
ENDS = {
    "succeeded": job(state="succeeded", result={"$uuid": ID}),
    "dead": job(state="dead", reason="max_attempts", attempt=3, error=ERROR),
    "cancelled": job(state="cancelled", reason="why"),
    "leased": job(state="leased", progress="half"),
}
GIVEN: dict[str, tuple[Any, ...]] = {"get": (0, False), "as_completed": (0,)}  # the others need nothing
OF_A_HANDLE = [name for name in public(JobHandle) if name not in ("id", "task_id")]
OF_A_SET = [name for name in public(ResultSet) if name != "add"]


def asked(thing: Any, name: str) -> Any:
    """Ask a handle or a set for one of its members, whichever kind that is."""
    if isinstance(getattr(type(thing), name), property):
        return getattr(thing, name)
    return getattr(thing, name)(*GIVEN.get(name, ()))


@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize("name", OF_A_HANDLE)
def test_a_handle_asks_and_makes_the_same(name: str, state: str) -> None:
    answers = [httpx.Response(200, json=ENDS[state])]
    seen = [run(answers, lambda client: asked(client.handle(ID), name)) for run in (blocking, awaiting)]
    assert seen[0] == seen[1]
    assert "Error: " not in seen[0][0]


@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize("name", OF_A_SET)
def test_a_set_asks_and_makes_the_same(name: str, state: str) -> None:
    document = ENDS[state]
    many = {"jobs": [document], "done": True, "server_time": document["enqueued_at"]}
    answers = [httpx.Response(200, json=document if name in ("revoke", "forget") else many)]

    def ask(client: Client | AsyncClient) -> Any:
        kind: Any = ResultSet if isinstance(client, Client) else AsyncResultSet
        return asked(kind([client.handle(ID)]), name)

    seen = [run(answers, ask) for run in (blocking, awaiting)]
    assert seen[0][1] == seen[1][1]
    assert seen[0][0] == seen[1][0].replace("AsyncJobHandle", "JobHandle")


# What is sent by each pair of twins of an app; the awaiting one of the same name with an `a` is called likewise.
SENDING: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "App.send_task": (("parity.add", [1], {"y": 2}), {"queue": "parity", "priority": 7}),
    "App.enqueue_many": (([Signature("parity.add", (1,)), Signature("parity.add", (2,), {"y": 3})],), {}),
    "App.apply_schedules": ((), {"prune": False}),
    "App.handle": ((ID,), {}),
    "App.close": ((), {}),
    "BaseTask.delay": ((1,), {"y": 2}),
    "BaseTask.apply_async": (((1,), {"y": 2}), {"tags": {"a": "b"}, "serializer": "msgpack"}),
    "BaseTask.delay_many": (([(1,), {"x": 1, "y": 2}],), {"priority": 9}),
    "BaseTask.handle": ((ID,), {}),
    "BaseTask.apply": (((1,), {"y": 2}), {}),
    "Signature.delay": ((0,), {"y": 2}),
    "Signature.apply_async": (((0,), {"y": 2}), {"priority": 3}),
    "headrace.results.gather": (([],), {}),
    "headrace.results.as_completed": (([],), {}),
}


def test_every_twin_is_compared() -> None:
    assert set(SENDING) == set(IDS_OF_TWINS) - set(APART)


@pytest.mark.parametrize(
    "twin", [name for name in SENDING if name.endswith(("send_task", "_many", "delay", "apply_async", "apply"))]
)
def test_twins_send_the_same_jobs(shared_server: ServerProcess, twin: str) -> None:
    home, _, name = twin.partition(".")
    args, kwargs = SENDING[twin]
    app = App(shared_server.url)

    @app.task(name="parity.add", queue="parity")
    def add(x: int, y: int = 0) -> int:
        return x + y

    of: dict[str, Any] = {"App": app, "BaseTask": add, "Signature": Signature("parity.add", (), {"y": 5}, sender=app)}

    async def main() -> list[dict[str, Any]]:
        found = await getattr(of[home], f"a{name}")(*_copies(args, app), **kwargs)
        jobs = [await handle.job() for handle in _listed(found)]
        await app.aclose()
        return [_facts(each) for each in jobs]

    found = getattr(of[home], name)(*_copies(args, app), **kwargs)
    sent = [_facts(handle.job()) for handle in _listed(found)]
    assert sent == asyncio.run(main())
    assert sent
    app.close()


def _copies(args: tuple[Any, ...], app: App) -> tuple[Any, ...]:
    """Return arguments whose signatures belong to an app."""
    return tuple(
        [app.signature(dict(each)) if isinstance(each, Signature) else each for each in arg]
        if isinstance(arg, list)
        else arg
        for arg in args
    )


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def _facts(sent: Any) -> dict[str, Any]:
    own = ("id", "enqueued_at", "run_at", "expires_at", "started_at", "finished_at")
    return {name: value for name, value in vars(sent).items() if name not in own}


def test_the_handles_of_an_app_are_on_the_same_job(shared_server: ServerProcess) -> None:
    app = App(shared_server.url)

    @app.task(name="parity.nobody", queue="parity-nobody")
    def nobody() -> None: ...

    sent = nobody.delay()

    async def look() -> list[State]:
        states = [await made.state for made in (app.ahandle(sent.id), nobody.ahandle(sent.id))]
        await app.aclose()
        return states

    assert asyncio.run(look()) == [app.handle(sent.id).state, nobody.handle(sent.id).state] == [State.READY] * 2
    app.close()
