"""The blocking client: it sends and sleeps, and knows nothing of what it sends."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from headrace._codec import Format
from headrace._links import Begun, Link, link_to
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
    begin,
    blocking,
    iterating,
    next_of,
)
from headrace._transport import Endpoint, find_servers, none_there
from headrace._verbs import Verbs
from headrace.results import JobHandle

if TYPE_CHECKING:
    import httpx

R = TypeVar("R")
T = TypeVar("T")


class Client:
    """A Headrace server, for code that blocks; safe to share between threads and across a fork.

    `url`: HEADRACE_URL, else http://127.0.0.1:8080; several servers of one store as a list, or with commas between
    them: a client stays with one, goes on to the next when that cannot be reached, and tries the first again after 30
    s. `token`: HEADRACE_TOKEN, else none. `format`: how bodies are written. `retry`: how stubborn it is. `timeout`:
    seconds for one try, on top of what the server is asked to wait. `transport`: an httpx transport instead of the
    network.
    """

    def __init__(
        self,
        url: str | Sequence[str] | None = None,
        *,
        token: str | None = None,
        format: Format = "json",
        retry: Patience | None = None,
        timeout: float = 10.0,
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        self._route = Route(find_servers(url, token))
        self._verbs = Verbs(format=format, retry=retry, timeout_s=timeout)
        self._transport = transport
        self._pid = os.getpid()
        self._closed = False
        self._links: dict[str, Link] = {}

    enqueue = blocking(Verbs.enqueue)
    enqueue_job = blocking(Verbs.enqueue_job)
    enqueue_batch = blocking(Verbs.enqueue_batch)
    enqueue_payloads = blocking(Verbs.enqueue_payloads)
    get = blocking(Verbs.get)
    result = blocking(Verbs.result)
    result_bytes = blocking(Verbs.result_bytes)
    payload_bytes = blocking(Verbs.payload_bytes)
    wait = blocking(Verbs.wait)
    wait_many = blocking(Verbs.wait_many)
    cancel = blocking(Verbs.cancel)

    list_jobs = blocking(Verbs.list_jobs)
    iter_jobs = iterating(Verbs.iter_jobs)
    attempts = blocking(Verbs.attempts)
    explain = blocking(Verbs.explain)
    events = blocking(Verbs.events)
    follow_events = iterating(Verbs.follow_events)

    retry = blocking(Verbs.retry)
    patch = blocking(Verbs.patch)
    delete = blocking(Verbs.delete)
    start_operation = blocking(Verbs.start_operation)
    operation = blocking(Verbs.operation)
    operations = blocking(Verbs.operations)
    wait_operation = blocking(Verbs.wait_operation)
    stop_operation = blocking(Verbs.stop_operation)

    lease = blocking(Verbs.lease)
    complete = blocking(Verbs.complete)
    ack = blocking(Verbs.ack)
    nack = blocking(Verbs.nack)
    release = blocking(Verbs.release)
    snooze = blocking(Verbs.snooze)
    extend = blocking(Verbs.extend)
    heartbeat = blocking(Verbs.heartbeat)

    workers = blocking(Verbs.workers)
    iter_workers = iterating(Verbs.iter_workers)
    worker = blocking(Verbs.worker)
    quiet_worker = blocking(Verbs.quiet_worker)
    stop_worker = blocking(Verbs.stop_worker)
    resume_worker = blocking(Verbs.resume_worker)
    delete_worker = blocking(Verbs.delete_worker)

    queues = blocking(Verbs.queues)
    queue_stats = blocking(Verbs.queue_stats)
    queue = blocking(Verbs.queue)
    configure_queue = blocking(Verbs.configure_queue)
    pause_queue = blocking(Verbs.pause_queue)
    resume_queue = blocking(Verbs.resume_queue)
    drain_queue = blocking(Verbs.drain_queue)
    purge_queue = blocking(Verbs.purge_queue)
    delete_queue = blocking(Verbs.delete_queue)
    limits = blocking(Verbs.limits)
    limit = blocking(Verbs.limit)
    set_limit = blocking(Verbs.set_limit)
    unset_limit = blocking(Verbs.unset_limit)
    back_off = blocking(Verbs.back_off)
    server_info = blocking(Verbs.server_info)
    put_schedule = blocking(Verbs.put_schedule)
    schedule = blocking(Verbs.schedule)
    schedules = blocking(Verbs.schedules)
    iter_schedules = iterating(Verbs.iter_schedules)
    delete_schedule = blocking(Verbs.delete_schedule)
    pause_schedule = blocking(Verbs.pause_schedule)
    resume_schedule = blocking(Verbs.resume_schedule)
    trigger_schedule = blocking(Verbs.trigger_schedule)
    preview_schedule = blocking(Verbs.preview_schedule)
    preview_timing = blocking(Verbs.preview_timing)
    apply_schedules = blocking(Verbs.apply_schedules)
    put_webhook = blocking(Verbs.put_webhook)
    webhook = blocking(Verbs.webhook)
    webhooks = blocking(Verbs.webhooks)
    iter_webhooks = iterating(Verbs.iter_webhooks)
    delete_webhook = blocking(Verbs.delete_webhook)
    pause_webhook = blocking(Verbs.pause_webhook)
    resume_webhook = blocking(Verbs.resume_webhook)
    rotate_webhook = blocking(Verbs.rotate_webhook)
    ping_webhook = blocking(Verbs.ping_webhook)
    clock = blocking(Verbs.clock)
    advance_clock = blocking(Verbs.advance_clock)

    @overload
    def handle(self, job_id: str, *, read: None = None) -> JobHandle[Any]: ...
    @overload
    def handle(self, job_id: str, *, read: Callable[[Any], R]) -> JobHandle[R]: ...
    def handle(self, job_id: str, *, read: Callable[[Any], R] | None = None) -> JobHandle[R]:
        """Return a handle on a job, for its state and its result; asks nothing yet.

        `read` makes of a result, as it travelled, what `get` returns; by default tags are read
        (docs/guide/serializers.md), and bytes of a type of their own are returned as Raw.
        """
        return JobHandle(job_id, self._verbs, self._run, read=read)

    @property
    def url(self) -> str:
        """The address of the server that is asked now."""
        return self._route.current.url

    def close(self) -> None:
        """Close the connections; a closed client sends nothing any more."""
        self._closed = True
        while self._links:
            self._links.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def _run(self, steps: Steps[R], outcome: Outcome | None = None) -> R:
        try:
            while True:
                try:
                    step = steps.send(outcome)
                except StopIteration as stop:
                    value: R = stop.value
                    return value
                outcome = self._do(step)
        finally:
            steps.close()  # a call that is given up ends here, not when somebody forgets it

    def _walk(self, stream: Stream[T]) -> Iterator[T]:
        while (given := self._run(next_of(stream))) is not None:
            yield given.item

    def _do(self, step: Step) -> Outcome | None:
        match step:
            case Send():
                return self._send(step)
            case Pause():
                time.sleep(step.seconds)
            case Together():
                self._overlap(step)
        return None

    def _overlap(self, step: Together) -> None:
        """Write the next request before the reply to the one before is read: the server has it meanwhile."""
        under_way: deque[tuple[Steps[None], Send, Endpoint, Begun]] = deque()
        try:
            for call in step.calls:
                send, server = begin(call), self._route.current
                under_way.append((call, send, server, self._link(server).begin(send.request, send.timeout_s)))
                if len(under_way) == step.at_once:
                    self._finish(*under_way.popleft())
            while under_way:
                self._finish(*under_way.popleft())
        finally:
            for _, _, _, begun in under_way:
                begun.close()

    def _finish(self, call: Steps[None], send: Send, server: Endpoint, begun: Begun) -> None:
        outcome = begun.outcome()
        if self._route.unsent(server, outcome) is not None:
            outcome = self._send(send)  # nothing was sent: to the next server, as everything else
        self._run(call, outcome)

    def _send(self, step: Send) -> Outcome:
        unreached: list[NoReply] = []
        for server in self._route.tries():
            outcome = self._link(server).ask(step.request, step.timeout_s)
            unsent = self._route.unsent(server, outcome)
            if unsent is None:
                return outcome
            unreached.append(unsent)
        return none_there(unreached)

    def _link(self, server: Endpoint) -> Link:
        if self._closed:
            raise RuntimeError("this client is closed")
        if self._pid != os.getpid():  # forked: the parent's sockets must not be shared
            self._pid, self._links = os.getpid(), {}
        link = self._links.get(server.url)
        if link is None:  # another thread may have been faster
            link = self._links.setdefault(server.url, link_to(server, self._transport))
        return link
