"""What a running task may know about its job; it must not know executors or the server.

from headrace_worker import current

@app.task
def charge(order: int) -> None:
    bank.charge(order, fence=current().fence)
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from headrace_worker import clock


@dataclass(kw_only=True, eq=False)
class JobContext:
    """The job that the current code works on. Read only; `lease_lost` and `seconds_left` change while it runs."""

    job_id: str
    task: str
    queue: str
    attempt: int  # number of this run, 1 at first
    max_attempts: int
    delivery: int  # leases of this job so far, this one included
    fence: int  # grows with every lease of this job: hand it to systems that can refuse an older one
    payload: Any = field(default=None, repr=False)  # as it came; the task's arguments are made of it
    enqueued_at: datetime | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)  # what the producer gave along
    trace: Mapping[str, str] = field(default_factory=dict)  # traceparent, tracestate, baggage
    deadline: float = field(default=0.0, repr=False)  # `clock.now()` at which the lease ends; heartbeats move it
    lease_lost: bool = False  # somebody else may have the job: whatever is returned now is thrown away

    @property
    def seconds_left(self) -> float:
        """How long the lease surely still lasts; negative while the server cannot be reached for too long."""
        return self.deadline - clock.now()


CURRENT: Final[ContextVar[JobContext]] = ContextVar("headrace_job")


def current() -> JobContext:
    """Return the context of the job that this code runs for; LookupError outside of a task.

    It is found in the task's own thread or coroutine and in what these start with a copy of their context
    (`asyncio.create_task`, `asyncio.to_thread`).
    """
    try:
        return CURRENT.get()
    except LookupError:
        raise LookupError("current() has an answer only while a task of a Headrace worker runs") from None
