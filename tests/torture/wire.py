"""Raw HTTP to one of several servers; every answer is filed as done, refused, not done, or maybe."""

import random
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import httpx
import msgspec

ANSWER_S = 10.0  # beyond the wait that was asked for


class Outcome(StrEnum):
    """What is known of a request afterwards."""

    DONE = "done"  # 2xx
    REFUSED = "refused"  # 4xx: an answer like any other, nothing was changed
    NOT_DONE = "not_done"  # never sent, or 503 not_done
    MAYBE = "maybe"  # no whole answer, or 504 unknown


class Answer(msgspec.Struct, frozen=True):
    """One answer, or the lack of it."""

    outcome: Outcome
    status: int  # 0: no answer
    body: Any = None

    @property
    def is_done(self) -> bool:
        return self.outcome is Outcome.DONE


class Wire:
    """A client of several servers that takes one at random for each request and repeats nothing by itself."""

    def __init__(self, urls: Sequence[str], dice: random.Random) -> None:
        self._urls = list(urls)
        self._dice = dice
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        self._client = httpx.AsyncClient(limits=limits, trust_env=False)

    async def post(self, path: str, body: Any, *, wait_s: float = 0.0, key: str | None = None) -> Answer:
        """Send a POST; `key` becomes the Idempotency-Key."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self._send("POST", path, wait_s, headers, msgspec.json.encode(body))

    async def get(self, path: str) -> Answer:
        return await self._send("GET", path, 0.0, {}, b"")

    async def send(self, method: str, path: str, body: Any | None) -> Answer:
        """Send any other request; None: without a body."""
        return await self._send(method, path, 0.0, {}, b"" if body is None else msgspec.json.encode(body))

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(self, method: str, path: str, wait_s: float, headers: Mapping[str, str], body: bytes) -> Answer:
        url = self._dice.choice(self._urls) + path
        headers = {"Content-Type": "application/json", **headers} if body else headers
        try:
            reply = await self._client.request(method, url, content=body, headers=headers, timeout=ANSWER_S + wait_s)
            document = msgspec.json.decode(reply.content) if reply.content else None  # 204 has none
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return Answer(Outcome.NOT_DONE, 0)
        except (httpx.HTTPError, msgspec.DecodeError):
            return Answer(Outcome.MAYBE, 0)
        return Answer(outcome_of(reply.status_code, document), reply.status_code, document)


def outcome_of(status: int, document: Any) -> Outcome:
    """File an answer; the problem's own word decides about a 5xx."""
    if status < 400:
        return Outcome.DONE
    if status < 500:
        return Outcome.REFUSED
    known = isinstance(document, dict) and document.get("outcome") == "not_done"
    return Outcome.NOT_DONE if known else Outcome.MAYBE
