"""A secret in every place of a request, and a fault in every operation: it is in no reply, no line and no report."""

import asyncio
import contextlib
import gc
import io
import json
import logging
import os
import sys
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import httpx
import pytest
from headrace_server.api import Application, Services
from headrace_server.api.call import Reply
from headrace_server.api.routes import ROUTES, Operation
from headrace_server.cli.serve import guarded, run_async
from headrace_server.loops.runner import run_loop
from headrace_server.telemetry import configure, report_faults
from headrace_server.telemetry.logs import FLOOD_LINES
from headrace_server.telemetry.meters import Layout, Meters
from starlette.routing import Route

from tests.api.conftest import LIMITS, OPEN_DOOR, URL
from tests.contract.world import example_of, path_of
from tests.support.contract import operations
from tests.support.sentry import DSN, Kept

SECRET = "geheim-4711"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS = {
    "authorization": f"Bearer {SECRET}",
    "cookie": SECRET,
    "baggage": f"user={SECRET}",
    "tracestate": f"a={SECRET}",
    "x-request-id": "mine",
    "traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01",
}
OPERATIONS = {route.name for route in ROUTES if route.path.startswith("/v1/")}
DATA = {"payload": [SECRET], "meta": {"note": SECRET}, "tags": {"note": SECRET}, "result": SECRET}


class Broken:
    """In the place of what handlers call: whatever is asked of it fails, with the secret wherever an error can hold it.

    `meters`, which no fault of a request may spoil, are there.
    """

    def __init__(self) -> None:
        self.meters = Meters(Layout((), (), ()))

    def __getattr__(self, name: str) -> Any:
        fail()


def fail(*_: Any) -> Any:
    local = {"copy": SECRET}
    try:
        raise KeyError(SECRET)
    except KeyError as cause:
        failure = RuntimeError(f"no {local}", SECRET)
        failure.add_note(SECRET)
        raise failure from cause


class Told:
    """What a server told: its reports and its log."""

    def __init__(self) -> None:
        self.sentry = Kept()
        self.log = io.StringIO()

    def lines(self) -> list[dict[str, Any]]:
        """Return what was logged."""
        found = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in found if line["log.logger"].startswith("headrace_server")]

    def is_silent_about(self, secret: str) -> bool:
        return secret not in self.log.getvalue() and not any(secret.encode() in part for part in self.sentry.wire)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Logs and reports as the server's command sets them up."""
    made, root = Told(), logging.getLogger()
    before, level = root.handlers[:], root.level
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", made.log)
        root.handlers = []
        configure("info", "json", [])
        handler = report_faults(DSN, messages=False, release="headrace@0", transport=made.sentry)
    try:
        yield made
    finally:
        handler.close()
        root.handlers = before
        root.setLevel(level)


def client(*routes: Route) -> httpx.AsyncClient:
    services: Any = Services(engine=Broken(), status=Broken(), limits=LIMITS)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(Application(services, OPEN_DOOR, [*ROUTES, *routes]))
    return httpx.AsyncClient(transport=transport, base_url=URL, headers=HEADERS)


def filled(body: dict[str, Any]) -> dict[str, Any]:
    """Return the example of a body with the secret in its data."""
    return {key: DATA.get(key, value) for key, value in body.items()}


async def test_a_fault_of_any_operation_tells_nothing_of_its_request(told: Told, anyio_backend: str) -> None:
    answered: dict[str, int] = {}
    async with client() as http:
        for operation in (each for each in operations() if each.id in OPERATIONS):
            body = {name: filled(content) for name, content in example_of(operation).items()}
            reply = await http.request(operation.method, path_of(operation), **body)
            answered[operation.id] = reply.status_code
            assert SECRET not in reply.text + str(reply.headers)
            assert (reply.json()["code"], reply.json()["request_id"]) == ("internal", "mine"), operation.id
    assert set(answered) == OPERATIONS
    assert set(answered.values()) == {500}
    written = told.lines()
    assert {line["error.type"] for line in written} == {"RuntimeError"}
    assert len(written) >= FLOOD_LINES, "the others are counted"
    assert {(line["http.request.id"], line["trace.id"]) for line in written} == {("mine", TRACE_ID)}
    events = told.sentry.events("event")
    assert len(events) == len(answered)
    assert {event["tags"]["request_id"] for event in events} == {"mine"}
    assert told.is_silent_about(SECRET)


async def _stream() -> AsyncGenerator[bytes, None]:
    yield b"a"
    fail()


async def streaming(_: Any) -> Reply:
    return Reply(stream=_stream(), media=b"text/plain")


async def unwritable(_: Any) -> Reply:
    return Reply(document={"a": _Unwritable()})


class _Unwritable:
    def __repr__(self) -> str:
        return SECRET


async def lost(_: Any) -> Reply:
    async def on_lost() -> None:
        fail()

    return Reply(stream=None, raw=_Unwritable(), on_lost=on_lost)  # type: ignore[arg-type]


@pytest.mark.parametrize("handler", [streaming, unwritable, lost])
async def test_a_fault_on_the_way_back_tells_nothing_either(told: Told, anyio_backend: str, handler: Any) -> None:
    route = Route("/v1/broken", Operation(handler), methods=["GET"], name="broken")
    async with client(route) as http:
        with contextlib.suppress(AssertionError):  # of the transport: half a reply has no end
            reply = await http.get("/v1/broken")
            assert SECRET not in reply.text
    assert len(told.sentry.events("event")) == 1
    assert told.is_silent_about(SECRET)
    assert [line["message"] for line in told.lines()] == ["fault of the server"]


def test_a_fault_in_a_loop_ends_the_process_and_is_told_with_the_loops_name(told: Told) -> None:
    async def step() -> int:
        fail()
        return 0

    async def pause() -> None:
        pass

    async def serve() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(run_loop("beat", step, pause, meters=Meters(Layout((), (), ()))))

    def command() -> int:
        asyncio.run(serve())
        return 0

    assert guarded(command) == os.EX_SOFTWARE
    [event] = told.sentry.events("event")
    assert (event["tags"], event["level"]) == ({"loop": "beat"}, "fatal")
    assert [value["type"] for value in event["exception"]["values"]] == ["KeyError", "RuntimeError"]
    assert not any(SECRET.encode() in envelope for envelope in told.sentry.wire)
    [line] = told.lines()
    assert (line["message"], line["log.level"]) == ("a fault ends this process", "critical")
    assert "in the loop beat" in line["error.stack_trace"]


def test_a_fault_that_nobody_waits_for_is_told_without_its_words(told: Told) -> None:
    async def fails() -> None:
        fail()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(fail, SECRET)
        task = asyncio.create_task(fails())
        await asyncio.wait({task})
        del task  # nobody has looked at it
        gc.collect()
        loop.call_exception_handler({"message": "no fault at all"})

    run_async(main())
    lines = [(line["log.level"], line["message"]) for line in told.lines()]
    assert lines == [("error", "fault in the background")] * 2 + [("warning", "no fault at all")]
    assert len(told.sentry.events("event")) == 2
    assert told.is_silent_about(SECRET)
