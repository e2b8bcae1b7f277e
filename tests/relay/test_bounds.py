"""The bounds of a relay: of its tries, of a request that does not come, of what it does at a time."""

import asyncio
import json
from http import HTTPStatus

import pytest
from headrace.relay.alerts import read
from headrace.relay.delivery import deliver, make_client
from headrace.relay.door import MAX_CONNECTIONS, Answer, Door, Request
from headrace.relay.robots import Outcome, Verdict, WeCom
from headrace.relay.service import MAX_DELIVERIES, Relay
from headrace.relay.settings import RelaySettings

from tests.relay.conftest import KEY
from tests.relay.notices import alert, notice
from tests.relay.robots import RobotServer

pytestmark = pytest.mark.anyio
SOME = read(json.dumps(notice(alert())).encode())


async def test_a_robot_that_is_away_is_given_up_after_a_while() -> None:
    async with make_client() as client:
        verdict = await deliver(client, WeCom("http://127.0.0.1:9/send", KEY), SOME, total_s=0.5)
    assert verdict.outcome is Outcome.UNREACHABLE


async def test_a_robot_that_never_answers_is_given_up_too(wecom_robot: RobotServer) -> None:
    wecom_robot.held.clear()
    async with make_client() as client:
        verdict = await deliver(client, WeCom(wecom_robot.url, KEY), SOME, total_s=0.5)
    wecom_robot.held.set()
    assert verdict == Verdict(Outcome.UNREACHABLE, why="TimeoutError")


async def test_a_connection_too_many_is_closed_at_once(caplog: pytest.LogCaptureFixture) -> None:
    async def answer(request: Request) -> Answer:
        return Answer(HTTPStatus.OK, request.path.encode())

    door = Door(answer, receive_s=60.0)
    port = int((await door.open("127.0.0.1", 0)).rpartition(":")[2])
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_CONNECTIONS)]
    try:
        one_more = await asyncio.open_connection("127.0.0.1", port)
        assert await one_more[0].read() == b""
        reader, writer = idle[0]
        writer.write(b"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\n/a")
        idle.append(one_more)
    finally:
        await door.close(1.0)
        for _, writer in idle:
            writer.close()
            await writer.wait_closed()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_more_than_it_can_hold_is_put_off(wecom_robot: RobotServer) -> None:
    wecom_robot.held.clear()
    asked = Request("POST", "/wecom", {}, json.dumps(notice(alert())).encode())
    async with make_client() as client:
        relay = Relay(RelaySettings((WeCom(wecom_robot.url, KEY),), token="", secrets=()), client)
        waiting = [asyncio.create_task(relay.answer(asked)) for _ in range(MAX_DELIVERIES)]
        await asyncio.sleep(0)  # each has taken its seat before it first waits
        assert (await relay.answer(asked)).status is HTTPStatus.SERVICE_UNAVAILABLE
        wecom_robot.held.set()
        assert [answer.status for answer in await asyncio.gather(*waiting)] == [HTTPStatus.OK] * MAX_DELIVERIES
        assert (await relay.answer(asked)).status is HTTPStatus.OK


async def test_a_request_that_does_not_come_is_refused() -> None:
    async def answer(request: Request) -> Answer:
        return Answer(HTTPStatus.OK, request.body)

    door = Door(answer, receive_s=0.2)
    url = await door.open("127.0.0.1", 0)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"POST /wecom HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123")
        assert (await reader.readline()).split()[1] == b"408"
        writer.write_eof()
        await reader.read()
        writer.close()
        await writer.wait_closed()
    finally:
        await door.close(1.0)
