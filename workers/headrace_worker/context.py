"""What a running task may know about its job; it must not know executors or the server.

from headrace_worker import current

@app.task
def charge(order: int) -> None:
    bank.charge(order, fence=current().fence)
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from headrace_worker import clock
from headrace_worker.news import Topic, written


class Cancelled(Exception):
    """Raise it in a task whose `current().cancelled` is true: its job ends as cancelled, and not as a failure."""


def _nobody(*_: object) -> None:
    """Hear nothing: of a context that no worker made."""


@dataclass(kw_only=True, eq=False)
class JobContext:
    """The job that the current code works on; `cancelled`, `lease_lost` and `seconds_left` change while it runs."""

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
    last_checkpoint: Any = None  # the newest `checkpoint` of this job: of an earlier delivery, until this one makes one
    cancelled: bool = False  # somebody wants the job to end: clean up and raise Cancelled, or finish all the same
    lease_lost: bool = False  # somebody else may have the job: whatever is returned now is thrown away
    _tell: Callable[[Topic, bytes], None] = field(default=_nobody, repr=False)  # who hears of progress and checkpoints

    def progress(self, value: Any) -> None:
        """Tell whoever looks at the job how far it is: any JSON value of at most 4 KiB, as the task likes to put it.

        It is on the job within about a second; of several in a row only the newest. Raises TypeError or ValueError for
        what JSON cannot write.
        """
        self._tell(Topic.PROGRESS, written(Topic.PROGRESS, value))

    def checkpoint(self, value: Any) -> None:
        """Keep where the work can go on: any JSON value of at most 64 KiB, the `last_checkpoint` of the next delivery.

        The newest counts. It is with the server within about a second, and surely before the job is failed or given
        back; a worker that is killed loses what it has not sent. Raises TypeError or ValueError for what JSON cannot
        write.
        """
        self._tell(Topic.CHECKPOINT, written(Topic.CHECKPOINT, value))
        self.last_checkpoint = value

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
