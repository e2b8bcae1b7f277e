"""The awaiting client: it sends and sleeps, and knows nothing of what it sends."""

import asyncio
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from headrace._codec import Format
from headrace._retry import Retry
from headrace._steps import Outcome, Send, Steps, awaiting
from headrace._transport import Endpoint, no_reply, reply_of, timeout
from headrace._verbs import Verbs
from headrace.results import AsyncJobHandle

R = TypeVar("R")


class AsyncClient:
    """A Headrace server, for code that awaits; one client belongs to one event loop.

    The parameters are those of `Client`. A call that is cancelled closes its connection; a parked lease that is
    cancelled so gives back whatever was being granted.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        format: Format = "json",
        retry: Retry | None = None,
        timeout: float = 10.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._endpoint = Endpoint.find(url, token)
        self._verbs = Verbs(format=format, retry=retry, timeout_s=timeout)
        self._http = httpx.AsyncClient(
            base_url=self._endpoint.url,
            headers=self._endpoint.headers(),
            limits=self._endpoint.limits(),
            verify=self._endpoint.tls(),
            trust_env=not self._endpoint.is_local,
            transport=transport,
        )

    enqueue = awaiting(Verbs.enqueue)
    enqueue_batch = awaiting(Verbs.enqueue_batch)
    get = awaiting(Verbs.get)
    result = awaiting(Verbs.result)
    wait = awaiting(Verbs.wait)
    cancel = awaiting(Verbs.cancel)

    lease = awaiting(Verbs.lease)
    complete = awaiting(Verbs.complete)
    ack = awaiting(Verbs.ack)
    nack = awaiting(Verbs.nack)
    release = awaiting(Verbs.release)
    snooze = awaiting(Verbs.snooze)
    extend = awaiting(Verbs.extend)
    heartbeat = awaiting(Verbs.heartbeat)

    queues = awaiting(Verbs.queues)
    queue_stats = awaiting(Verbs.queue_stats)
    server_info = awaiting(Verbs.server_info)

    def handle(self, job_id: str) -> AsyncJobHandle[Any]:
        """Return a handle on a job, for its state and its result; asks nothing yet."""
        return AsyncJobHandle(job_id, self._verbs, self._run)

    @property
    def url(self) -> str:
        """The server's address."""
        return self._endpoint.url

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncClient({self.url!r})"

    async def _run(self, steps: Steps[R]) -> R:
        outcome: Outcome | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as stop:
                value: R = stop.value
                return value
            if isinstance(step, Send):
                outcome = await self._send(step)
            else:
                await asyncio.sleep(step.seconds)
                outcome = None

    async def _send(self, step: Send) -> Outcome:
        request = step.request
        try:
            response = await self._http.request(
                request.method,
                request.path,
                params=request.params,
                headers=request.headers,
                content=request.content,
                timeout=timeout(step.timeout_s),
            )
        except (httpx.TransportError, httpx.DecodingError) as error:
            return no_reply(self._endpoint, request, error)
        return reply_of(response)
