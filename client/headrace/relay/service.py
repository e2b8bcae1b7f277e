"""The relay itself: who may ask, which robot a path means, what Alertmanager is answered; its life from start to stop.

A 5xx has Alertmanager try again, and anything below 500 has it give up: so 4xx is for what a repeat cannot mend.
"""

import asyncio
import hmac
import json
import logging
import signal
import time
from http import HTTPStatus
from typing import Final

import httpx

from headrace.relay import alerts, delivery, markdown
from headrace.relay.door import Answer, Door, Request
from headrace.relay.robots import Outcome, Robot, Verdict
from headrace.relay.settings import RelaySettings

LOGGER: Final = logging.getLogger("headrace.relay")
GRACE_S: Final = delivery.TOTAL_S + 1.0
MAX_DELIVERIES: Final = 16  # at a time
_SHOWN_BYTES: Final = 200
_STATUS: Final = {
    Outcome.TOLD: HTTPStatus.OK,
    Outcome.REFUSED: HTTPStatus.BAD_GATEWAY,
    Outcome.TOO_MANY: HTTPStatus.SERVICE_UNAVAILABLE,
    Outcome.UNREACHABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}


class Relay:
    """Answers requests."""

    def __init__(self, settings: RelaySettings, client: httpx.AsyncClient) -> None:
        self._robots = {f"/{robot.name}": robot for robot in settings.robots}
        self._bearer = f"Bearer {settings.token}".encode() if settings.token else b""
        self._client = client
        self._seats = MAX_DELIVERIES

    async def answer(self, request: Request) -> Answer:
        """Return what to say; a fault of ours is a 500 and a line in the log."""
        try:
            return await self._answer(request)
        except Exception:
            LOGGER.exception("relay failed")
            return _said(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of the relay; its log has more")

    async def _answer(self, request: Request) -> Answer:
        if request.path == "/livez":
            return _said(HTTPStatus.OK) if request.method == "GET" else _only("GET")
        robot = self._robots.get(request.path)
        if robot is None:
            return _said(HTTPStatus.NOT_FOUND, f"there are {', '.join(self._robots)}: other robots have no key here")
        if request.method != "POST":
            return _only("POST")
        if self._bearer and not hmac.compare_digest(request.headers.get("authorization", "").encode(), self._bearer):
            return _said(HTTPStatus.UNAUTHORIZED, "the bearer token is missing or wrong")
        try:
            notification = alerts.read(request.body)
        except alerts.NotAlerts as error:
            return _said(HTTPStatus.BAD_REQUEST, str(error))
        return await self._hand_on(robot, notification)

    async def _hand_on(self, robot: Robot, notification: alerts.Notification) -> Answer:
        if self._seats == 0:
            return _said(HTTPStatus.SERVICE_UNAVAILABLE, "too many notifications at a time")
        self._seats -= 1
        began = time.monotonic()
        try:
            verdict = await delivery.deliver(self._client, robot, notification)
        finally:
            self._seats += 1
        _log(robot, notification, verdict, (time.monotonic() - began) * 1000)
        return _said(_STATUS[verdict.outcome], _words(verdict))


async def run(settings: RelaySettings, host: str, port: int) -> None:
    """Relay until SIGTERM or SIGINT. Raises OSError where it cannot listen."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with delivery.make_client() as client:
        door = Door(Relay(settings, client).answer)
        url = await door.open(host, port)
        _line(logging.INFO, "listening", url=url, robots=",".join(robot.name for robot in settings.robots))
        try:
            await stopped.wait()
        finally:
            await door.close(GRACE_S)
    _line(logging.INFO, "stopped")


def _log(robot: Robot, notification: alerts.Notification, verdict: Verdict, took_ms: float) -> None:
    told = verdict.outcome is Outcome.TOLD
    _line(
        logging.INFO if told else logging.ERROR,
        "alerts told" if told else "alerts not told",
        robot=robot.name,
        alerts=markdown.plain(",".join(notification.names), _SHOWN_BYTES),
        firing=notification.firing,
        resolved=len(notification.alerts) - notification.firing,
        outcome=None if told else verdict.outcome.value,
        errcode=verdict.code,
        why=verdict.why,
        took_ms=round(took_ms, 1),
    )


def _line(level: int, event: str, **facts: object) -> None:
    LOGGER.log(level, event, extra={"facts": facts})


def _words(verdict: Verdict) -> str:
    """Return what Alertmanager may log: never the robot's own words, which might repeat what it was sent."""
    if verdict.outcome is Outcome.TOLD:
        return ""
    code = "" if verdict.code is None else f" ({verdict.code})"
    return f"the robot: {verdict.outcome.value}{code}; the relay's log says more"


def _only(method: str) -> Answer:
    return _said(HTTPStatus.METHOD_NOT_ALLOWED, f"only {method}")._replace(headers={"Allow": method})


def _said(status: HTTPStatus, detail: str = "") -> Answer:
    facts = {"status": status.phrase.lower()} | ({"detail": detail} if detail else {})
    return Answer(status, json.dumps(facts).encode() + b"\n")
