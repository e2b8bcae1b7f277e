"""Holds every reply of a real server to this test process against openapi.yaml, whoever asked: a test or the SDK.

Servers make themselves known by `watch(url)`; anything else that speaks HTTP in a test (a cutting proxy, a stand-in) is
left alone. What was wrong is told at the end of the test that saw it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from headrace._alinks import AsyncPlainLink
from headrace._links import PlainLink
from headrace._steps import Outcome, Reply, Request

from tests.support.contract import Exchange, reply_faults

_watched: set[tuple[str, int | None]] = set()
_found: list[str] = []


def watch(url: str) -> None:
    """From now on, judge the replies of the server at `url`."""
    _watched.add(_place(httpx.URL(url)))


def unwatch(url: str) -> None:
    """Leave the address alone again: its port may be somebody else's next."""
    _watched.discard(_place(httpx.URL(url)))


def take_faults() -> list[str]:
    """Return what was wrong since the last call."""
    faults, _found[:] = list(_found), []
    return faults


@contextmanager
def watching() -> Iterator[None]:
    """Judge what httpx and the clients of the SDK receive in this process."""
    with _watching_httpx(), _watching_links():
        yield


@contextmanager
def _watching_httpx() -> Iterator[None]:
    plain_send, plain_send_async = httpx.Client.send, httpx.AsyncClient.send

    def send(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        response = plain_send(client, request, **options)
        _judge_response(response, options)
        return response

    async def send_async(client: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        response = await plain_send_async(client, request, **options)
        _judge_response(response, options)
        return response

    httpx.Client.send, httpx.AsyncClient.send = send, send_async
    try:
        yield
    finally:
        httpx.Client.send, httpx.AsyncClient.send = plain_send, plain_send_async


@contextmanager
def _watching_links() -> Iterator[None]:
    plain_ask, plain_ask_async = PlainLink.ask, AsyncPlainLink.ask

    def ask(link: PlainLink, request: Request, timeout_s: float) -> Outcome:
        outcome = plain_ask(link, request, timeout_s)
        _judge_outcome(link.url, request, outcome)
        return outcome

    async def ask_async(link: AsyncPlainLink, request: Request, timeout_s: float) -> Outcome:
        outcome = await plain_ask_async(link, request, timeout_s)
        _judge_outcome(link.url, request, outcome)
        return outcome

    PlainLink.ask, AsyncPlainLink.ask = ask, ask_async
    try:
        yield
    finally:
        PlainLink.ask, AsyncPlainLink.ask = plain_ask, plain_ask_async


def _judge_response(response: httpx.Response, options: dict[str, Any]) -> None:
    if not options.get("stream"):
        request = response.request
        path = request.url.raw_path.partition(b"?")[0].decode()
        headers = {name.lower(): value for name, value in response.headers.items()}
        _judge(request.url, Exchange(request.method, path, response.status_code, headers, response.content))


def _judge_outcome(url: str, request: Request, outcome: Outcome) -> None:
    if isinstance(outcome, Reply):
        server = httpx.URL(url)
        path = server.path.rstrip("/") + request.path
        _judge(server, Exchange(request.method, path, outcome.status, outcome.headers, outcome.content))


def _judge(url: httpx.URL, seen: Exchange) -> None:
    if _place(url) in _watched:
        _found.extend(reply_faults(seen))


def _place(url: httpx.URL) -> tuple[str, int | None]:
    return url.host, url.port
