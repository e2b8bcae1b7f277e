"""The awaiting client: it sends and sleeps, and knows nothing of what it sends."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from headrace._alinks import AsyncLink, link_to
from headrace._codec import Format
from headrace._retry import Patience
from headrace._route import Route
from headrace._steps import (
    NoReply,
    Outcome,
    Pause,
    Send,
    Step,
    Steps,
    Stream,
    Together,
    async_iterating,
    awaiting,
    next_of,
)
from headrace._transport import Endpoint, find_servers, none_there
from headrace._verbs import Verbs
from headrace.results import AsyncJobHandle

if TYPE_CHECKING:
    import httpx

R = TypeVar("R")
T = TypeVar("T")


class AsyncClient:
    """A Headrace server, for code that awaits; one client belongs to one event loop.

    The parameters are those of `Client`. A call that is cancelled closes its connection; a parked lease that is
    cancelled so gives back whatever was being granted.
    """

    def __init__(
        self,
        url: str | Sequence[str] | None = None,
        *,
        token: str | None = None,
        format: Format = "json",
        retry: Patience | None = None,
        timeout: float = 10.0,
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        self._route = Route(find_servers(url, token))
        self._verbs = Verbs(format=format, retry=retry, timeout_s=timeout)
        self._transport = transport
        self._closed = False
        self._links: dict[str, AsyncLink] = {}

    enqueue = awaiting(Verbs.enqueue)
    enqueue_job = awaiting(Verbs.enqueue_job)
    enqueue_batch = awaiting(Verbs.enqueue_batch)
    enqueue_payloads = awaiting(Verbs.enqueue_payloads)
    get = awaiting(Verbs.get)
    result = awaiting(Verbs.result)
    result_bytes = awaiting(Verbs.result_bytes)
    payload_bytes = awaiting(Verbs.payload_bytes)
    wait = awaiting(Verbs.wait)
    wait_many = awaiting(Verbs.wait_many)
    cancel = awaiting(Verbs.cancel)

    list_jobs = awaiting(Verbs.list_jobs)
    iter_jobs = async_iterating(Verbs.iter_jobs)
    attempts = awaiting(Verbs.attempts)
    explain = awaiting(Verbs.explain)
    events = awaiting(Verbs.events)
    follow_events = async_iterating(Verbs.follow_events)

    retry = awaiting(Verbs.retry)
    patch = awaiting(Verbs.patch)
    delete = awaiting(Verbs.delete)
    start_operation = awaiting(Verbs.start_operation)
    operation = awaiting(Verbs.operation)
    operations = awaiting(Verbs.operations)
    wait_operation = awaiting(Verbs.wait_operation)
    stop_operation = awaiting(Verbs.stop_operation)

    lease = awaiting(Verbs.lease)
    complete = awaiting(Verbs.complete)
    ack = awaiting(Verbs.ack)
    nack = awaiting(Verbs.nack)
    release = awaiting(Verbs.release)
    snooze = awaiting(Verbs.snooze)
    extend = awaiting(Verbs.extend)
    heartbeat = awaiting(Verbs.heartbeat)

    workers = awaiting(Verbs.workers)
    iter_workers = async_iterating(Verbs.iter_workers)
    worker = awaiting(Verbs.worker)
    quiet_worker = awaiting(Verbs.quiet_worker)
    stop_worker = awaiting(Verbs.stop_worker)
    resume_worker = awaiting(Verbs.resume_worker)
    delete_worker = awaiting(Verbs.delete_worker)

    queues = awaiting(Verbs.queues)
    queue_stats = awaiting(Verbs.queue_stats)
    queue = awaiting(Verbs.queue)
    configure_queue = awaiting(Verbs.configure_queue)
    pause_queue = awaiting(Verbs.pause_queue)
    resume_queue = awaiting(Verbs.resume_queue)
    drain_queue = awaiting(Verbs.drain_queue)
    purge_queue = awaiting(Verbs.purge_queue)
    delete_queue = awaiting(Verbs.delete_queue)
    limits = awaiting(Verbs.limits)
    limit = awaiting(Verbs.limit)
    set_limit = awaiting(Verbs.set_limit)
    unset_limit = awaiting(Verbs.unset_limit)
    back_off = awaiting(Verbs.back_off)
    server_info = awaiting(Verbs.server_info)
    put_schedule = awaiting(Verbs.put_schedule)
    schedule = awaiting(Verbs.schedule)
    schedules = awaiting(Verbs.schedules)
    iter_schedules = async_iterating(Verbs.iter_schedules)
    delete_schedule = awaiting(Verbs.delete_schedule)
    pause_schedule = awaiting(Verbs.pause_schedule)
    resume_schedule = awaiting(Verbs.resume_schedule)
    trigger_schedule = awaiting(Verbs.trigger_schedule)
    preview_schedule = awaiting(Verbs.preview_schedule)
    preview_timing = awaiting(Verbs.preview_timing)
    apply_schedules = awaiting(Verbs.apply_schedules)
    put_webhook = awaiting(Verbs.put_webhook)
    webhook = awaiting(Verbs.webhook)
    webhooks = awaiting(Verbs.webhooks)
    iter_webhooks = async_iterating(Verbs.iter_webhooks)
    delete_webhook = awaiting(Verbs.delete_webhook)
    pause_webhook = awaiting(Verbs.pause_webhook)
    resume_webhook = awaiting(Verbs.resume_webhook)
    rotate_webhook = awaiting(Verbs.rotate_webhook)
    ping_webhook = awaiting(Verbs.ping_webhook)
    clock = awaiting(Verbs.clock)
    advance_clock = awaiting(Verbs.advance_clock)

    @overload
    def handle(self, job_id: str, *, read: None = None) -> AsyncJobHandle[Any]: ...
    @overload
    def handle(self, job_id: str, *, read: Callable[[Any], R]) -> AsyncJobHandle[R]: ...
    def handle(self, job_id: str, *, read: Callable[[Any], R] | None = None) -> AsyncJobHandle[R]:
        """Return a handle on a job, for its state and its result; asks nothing yet.

        `read` makes of a result, as it travelled, what `get` returns; by default tags are read
        (docs/guide/serializers.md), and bytes of a type of their own are returned as Raw.
        """
        return AsyncJobHandle(job_id, self._verbs, self._run, read=read)

    @property
    def url(self) -> str:
        """The address of the server that is asked now."""
        return self._route.current.url

    async def close(self) -> None:
        """Close the connections; a closed client sends nothing any more."""
        self._closed = True
        while self._links:
            await self._links.popitem()[1].close()

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
        try:
            while True:
                try:
                    step = steps.send(outcome)
                except StopIteration as stop:
                    value: R = stop.value
                    return value
                outcome = await self._do(step)
        finally:
            steps.close()  # a call that is given up ends here, not when somebody forgets it

    async def _walk(self, stream: Stream[T]) -> AsyncIterator[T]:
        while (given := await self._run(next_of(stream))) is not None:
            yield given.item

    async def _do(self, step: Step) -> Outcome | None:
        match step:
            case Send():
                return await self._send(step)
            case Pause():
                await asyncio.sleep(step.seconds)
            case Together():
                await self._overlap(step)
        return None

    async def _overlap(self, step: Together) -> None:
        under_way: deque[asyncio.Task[None]] = deque()
        try:
            for call in step.calls:
                under_way.append(asyncio.create_task(self._run(call)))
                await asyncio.sleep(0)  # its request is written before the next one is made
                if len(under_way) == step.at_once:
                    await under_way.popleft()
            while under_way:
                await under_way.popleft()
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _send(self, step: Send) -> Outcome:
        unreached: list[NoReply] = []
        for server in self._route.tries():
            outcome = await self._link(server).ask(step.request, step.timeout_s)
            unsent = self._route.unsent(server, outcome)
            if unsent is None:
                return outcome
            unreached.append(unsent)
        return none_there(unreached)

    def _link(self, server: Endpoint) -> AsyncLink:
        if self._closed:
            raise RuntimeError("this client is closed")
        link = self._links.get(server.url)
        if link is None:
            link = self._links[server.url] = link_to(server, self._transport)
        return link
