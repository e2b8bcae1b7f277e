"""What a running task may know about its job; it must not know executors or the server.

from headrace import current

@app.task
def charge(order: int) -> None:
    bank.charge(order, fence=current().fence)
"""

import math
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from headrace.models import ScheduleSlot

RESERVED: Final = "headrace"  # the key of a job's meta under which the SDK tells itself what one call asked for


def reserved(meta: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the caller's SDK told the worker's in a job's meta: time_limit, soft_time_limit (s), headers."""
    told = meta.get(RESERVED)
    return told if isinstance(told, Mapping) else {}


def _nobody(*_: object) -> None:
    """Hear nothing: of a request that no worker made."""


@dataclass(kw_only=True, eq=False)
class Request:
    """The job that the current code works on; `cancelled`, `lease_lost`, `deadline` change while it runs."""

    id: str  # of the job; empty in a plain call of a task, outside of any job
    task: str
    queue: str
    attempt: int = 1  # number of this run, 1 at first
    max_attempts: int = 1
    delivery: int = 1  # leases of this job so far, this one included
    fence: int = 0  # grows with every lease of this job: hand it to systems that can refuse an older one
    payload: Any = field(default=None, repr=False)  # as it came
    args: tuple[Any, ...] = field(default=(), repr=False)  # the payload as the task gets it: positional ...
    kwargs: dict[str, Any] = field(default_factory=dict, repr=False)  # ... and by name
    enqueued_at: datetime | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)  # what the producer gave along
    trace: Mapping[str, str] = field(default_factory=dict)  # traceparent, tracestate, baggage
    schedule: ScheduleSlot | None = None  # for which slot of which schedule; None: somebody enqueued it
    last_checkpoint: Any = None  # the newest `checkpoint` of this job: of an earlier delivery, until this one makes one
    is_eager: bool = False  # run by `always_eager`, without a server
    cancelled: bool = False  # somebody wants the job to end: clean up and raise Cancelled, or finish all the same
    lease_lost: bool = False  # somebody else may have the job: whatever is returned now is thrown away
    lease_end: float = field(default=math.inf, repr=False)  # moment of `clock`; heartbeats move it; inf: no lease
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)  # seconds; the worker's counts suspend
    tell: Callable[[str, Any], None] = field(default=_nobody, repr=False)  # hears ("progress" | "checkpoint", value)

    @property
    def retries(self) -> int:
        """How many runs failed before this one: 0 in the first."""
        return self.attempt - 1

    @property
    def headers(self) -> Mapping[str, Any]:
        """What the caller gave as `apply_async(headers=...)`."""
        headers = reserved(self.meta).get("headers")
        return headers if isinstance(headers, Mapping) else {}

    @property
    def seconds_left(self) -> float:
        """How long the lease surely still lasts; negative while the server cannot be reached for too long."""
        return self.lease_end - self.clock()

    @property
    def deadline(self) -> datetime | None:
        """When the lease ends, by this machine's time, unless a heartbeat extends it; None: there is no lease."""
        return None if math.isinf(self.lease_end) else datetime.now(UTC) + timedelta(seconds=self.seconds_left)

    def progress(self, value: Any) -> None:
        """Tell whoever looks at the job how far it is: any JSON value of at most 4 KiB, as the task likes to put it.

        It is on the job within about a second; of several in a row only the newest. Raises TypeError or ValueError for
        what JSON cannot write.
        """
        self.tell("progress", value)

    def checkpoint(self, value: Any) -> None:
        """Keep where the work can go on: any JSON value of at most 64 KiB, the `last_checkpoint` of the next delivery.

        The newest counts. It is with the server within about a second, and surely before the job is failed or given
        back; a worker that is killed loses what it has not sent. Raises TypeError or ValueError for what JSON cannot
        write.
        """
        self.tell("checkpoint", value)
        self.last_checkpoint = value


CURRENT: Final[ContextVar[Request]] = ContextVar("headrace_request")


def current() -> Request:
    """Return the request of the job that this code runs for; LookupError outside of a task.

    It is found in the task's own thread or coroutine and in what these start with a copy of their context
    (`asyncio.create_task`, `asyncio.to_thread`).
    """
    try:
        return CURRENT.get()
    except LookupError:
        raise LookupError("current() has an answer only while a Headrace task runs") from None
