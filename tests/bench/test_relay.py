"""A relay sends what belongs to a job when Headrace would: no sooner, no later, and nothing is lost."""

import asyncio
from contextlib import closing
from typing import Any

import pytest
from comparison.recording import function_of
from comparison.relay import cut
from relay.server import Relay, Store
from relay.tape import Commands, Job, Recorded

from tests.support.stores import StoreProcess


def command(*words: str) -> bytes:
    return (f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)).encode()


def call(verb: str, number: int = 0) -> bytes:
    return command("FCALL", f"headrace_{verb}_0123456789abcdef", "0", str(number))


LOAD = command("FUNCTION", "LOAD")
TICK = call("tick")


def parts(recorded: Recorded) -> list[bytes]:
    return [recorded.setup.data, *(part.data for job in recorded.jobs for part in (job.hand_over, job.rest))]


def test_a_job_is_handed_over_by_its_enqueue_and_its_lease() -> None:
    sent = [LOAD, TICK]
    for number in (1, 2):
        sent += [call("enqueue", number), call("lease", number), call("lease"), call("ack", number)]
    assert parts(cut(sent, 2)) == [LOAD + TICK, *(b"".join(sent[n : n + 2]) for n in (2, 4, 6, 8))]


def test_what_comes_between_belongs_to_the_job_before() -> None:
    sent = [call("enqueue", 1), TICK, call("lease", 1), call("enqueue", 2), call("ack", 1), call("lease", 2)]
    recorded = cut([LOAD, *sent], 1)
    assert parts(recorded) == [LOAD + TICK, sent[0] + sent[2], sent[4], sent[3] + sent[5], b""]


def test_it_is_said_how_many_answers_there_will_be() -> None:
    recorded = cut([LOAD, TICK, call("enqueue"), call("lease"), call("ack")], 2)
    assert [recorded.setup.answers, recorded.jobs[0].hand_over.answers, recorded.jobs[0].rest.answers] == [2, 2, 1]


@pytest.mark.parametrize(("sent", "function"), [(LOAD, b""), (call("ack"), b"headrace_ack_0123456789abcdef")])
def test_a_command_tells_its_function(sent: bytes, function: bytes) -> None:
    assert function_of(sent) == function


def pushes(word: str) -> Commands:
    return Commands(command("RPUSH", "pushed", word), 1)


async def ask(relay: Relay, path: str, body: bytes = b"") -> bytes:
    """Send a request in two messages, and return the body of the answer."""
    parts = [{"body": body[1:], "more_body": False}, {"body": body[:1], "more_body": True}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return parts.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await relay({"path": path}, receive, send)
    return bytes(sent[1]["body"])


@pytest.mark.anyio
@pytest.mark.parametrize("waits", [True, False])
async def test_a_relay_passes_jobs_on_in_order_once_the_store_has_them(valkey: StoreProcess, waits: bool) -> None:
    """The consumer waits for the first job, or comes when both are there."""
    jobs = [Job(pushes(f"job {number}"), pushes(f"rest {number}")) for number in (1, 2)]
    transport, store = await asyncio.get_running_loop().create_unix_connection(Store, str(valkey.socket))
    with closing(transport):
        relay = Relay(store, jobs)
        if waits:
            first = asyncio.create_task(ask(relay, "/next"))
            await asyncio.sleep(0)
        assert [await ask(relay, "/jobs", body) for body in (b"one", b"two")] == [b"", b""]
        assert await (first if waits else ask(relay, "/next")) == b"one"
        assert await ask(relay, "/next") == b"two"
        assert await ask(relay, "/next") == b""
    assert valkey.call("LRANGE", "pushed", 0, -1) == [b"job 1", b"job 2", b"rest 1", b"rest 2"]
    valkey.call("DEL", "pushed")
