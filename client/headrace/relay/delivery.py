"""Sends a message to a robot, and again where that may help, within the time that Alertmanager waits."""

import asyncio
import itertools
import random
import time
from typing import Final

import httpx

from headrace.relay.alerts import Notification
from headrace.relay.robots import Outcome, Robot, Verdict, judge

TOTAL_S: Final = 8.0  # Alertmanager gives a notification ten seconds at least, and then tries again itself
_TRY_S: Final = 3.0
_FIRST_S: Final = 0.25
_CAP_S: Final = 2.0
_MAX_ANSWER_BYTES: Final = 65_536


def make_client() -> httpx.AsyncClient:
    """Return what talks to robots: no redirects, a proxy where the environment names one."""
    return httpx.AsyncClient(timeout=_TRY_S, follow_redirects=False, headers={"Content-Type": "application/json"})


async def deliver(
    client: httpx.AsyncClient, robot: Robot, notification: Notification, total_s: float = TOTAL_S
) -> Verdict:
    """Return what became of the message, after at most `total_s` seconds.

    A robot that took it while its answer got lost is told twice: an alert twice is better than none.
    """
    body = robot.message(notification)
    verdict = Verdict(Outcome.UNREACHABLE, why="TimeoutError")
    try:
        async with asyncio.timeout(total_s):
            for tries in itertools.count():
                verdict = await _try(client, robot.url(int(time.time() * 1000)), body)
                if verdict.outcome is not Outcome.UNREACHABLE:
                    break
                await asyncio.sleep(wait_s(tries, random.random()))
    except TimeoutError:
        return verdict
    return verdict


def wait_s(tries: int, draw: float) -> float:
    """Return how long to wait after the failure number `tries` (from 0); `draw`: a random number in 0..1."""
    return min(_CAP_S, _FIRST_S * 2.0 ** min(tries, 10)) * (0.5 + draw / 2)


async def _try(client: httpx.AsyncClient, url: str, body: bytes) -> Verdict:
    try:
        async with client.stream("POST", url, content=body) as reply:
            return judge(reply.status_code, await _start_of(reply))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Verdict(Outcome.UNREACHABLE, why=type(error).__name__)  # its text holds the address, and so the key


async def _start_of(reply: httpx.Response) -> bytes:
    """Return the body of an answer, of a very long one only the beginning."""
    read = bytearray()
    async for chunk in reply.aiter_bytes():
        read += chunk
        if len(read) > _MAX_ANSWER_BYTES:
            break
    return bytes(read)
