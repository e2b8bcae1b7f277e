"""The verbs of those who change jobs that are there: retry, patch, delete, and the same for many by an operation."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, Unpack

from headrace._exchange import Exchange
from headrace._read import read, read_job, write_instant
from headrace._steps import Pause, Reply, Steps
from headrace._wire import Call, document_of, path
from headrace._write import filter_body, given
from headrace.finding import JobFilter
from headrace.models import Job
from headrace.operating import Operation
from headrace.words import State

_LOOK_S: Final = (0.05, 1.0)  # the wait between two looks at an operation, at first and at most


class Mend(Exchange):
    """The verbs that change jobs, one by one or in bulk."""

    def retry(self, job_id: str, *, queue: str | None = None) -> Steps[Job]:
        """Give a dead job another run: all counters begin anew, its attempts and its checkpoint stay. Returns the job.

        `queue`: another queue of the same group. A lost reply is OutcomeUnknown and not repeated: look at the job.
        Raises Conflict (job_not_dead), UniqueConflict, QueueDraining, NotFound.
        """
        request = self._dialect.request("POST", path("jobs", job_id, "retry"), body=given(queue=queue))
        return (yield from self._call(Call(request=request, read=_read_job, repeatable=False)))

    def patch(
        self,
        job_id: str,
        *,
        priority: int | None = None,
        run_at: datetime | None = None,
        delay_ms: int | None = None,
        queue: str | None = None,
    ) -> Steps[Job]:
        """Change a job that nobody holds: its priority, when it runs, its queue (of the same group). Returns the job.

        A job whose priority or queue changes queues up anew; `run_at` in the past makes it ready. All at once or not at
        all. Raises Conflict (job_leased, job_final), QueueDraining, NotFound.
        """
        when = None if run_at is None else write_instant("run_at", run_at)
        body = given(priority=priority, run_at=when, delay_ms=delay_ms, queue=queue)
        request = self._dialect.request("PATCH", path("jobs", job_id), body=body)
        return (yield from self._call(Call(request=request, read=_read_job, repeatable=True)))

    def delete(self, job_id: str) -> Steps[None]:
        """Remove the record of a job that has ended. Raises Conflict (job_not_final) and NotFound.

        A lost reply is OutcomeUnknown and not repeated, for the second answer would be NotFound.
        """
        request = self._dialect.request("DELETE", path("jobs", job_id))
        return (yield from self._call(Call(request=request, read=_read_nothing, repeatable=False)))

    def start_operation(
        self,
        action: Literal["retry", "cancel", "delete", "move"],
        *,
        dry_run: bool = False,
        rate_per_s: int | None = None,
        target_queue: str | None = None,
        **which: Unpack[JobFilter],
    ) -> Steps[Operation]:
        """Act on all jobs of a filter that are there now, in the background: retry dead ones, cancel, delete, move.

        The filter is given by name, at least one field: `queue="mail", error_type="Timeout"`; see `JobFilter`.
        `dry_run`: only count, and show a sample. `rate_per_s` (1..10000): not faster. `target_queue`: where to move
        them, or to retry them in. Returns the operation as it begins: `wait_operation` waits for its end.
        A lost reply is OutcomeUnknown and not repeated: look at `operations`.
        """
        body = {
            "action": action,
            "filter": filter_body(which),
            **given(dry_run=dry_run or None, rate_per_s=rate_per_s, target_queue=target_queue),
        }
        request = self._dialect.request("POST", "/v1/operations", body=body)
        return (yield from self._call(Call(request=request, read=_read_operation, repeatable=False)))

    def purge_queue(self, queue: str, *, states: Sequence[State | str] = (), dry_run: bool = False) -> Steps[Operation]:
        """Remove the jobs of a queue that wait now (scheduled, ready, retrying; or `states` of these), without a trace.

        Leased jobs are left alone. It is an operation: see `start_operation`.
        """
        body = given(states=list(states) or None, dry_run=dry_run or None)
        request = self._dialect.request("POST", path("queues", queue, "purge"), body=body)
        return (yield from self._call(Call(request=request, read=_read_operation, repeatable=False)))

    def operation(self, operation_id: str) -> Steps[Operation]:
        """Return an operation as it is now. Raises NotFound; an ended one is kept for a day."""
        request = self._dialect.request("GET", path("operations", operation_id))
        return (yield from self._call(Call(request=request, read=_read_operation, repeatable=True)))

    def operations(self) -> Steps[tuple[Operation, ...]]:
        """Return the newest operations, at most 100, the newest first."""
        request = self._dialect.request("GET", "/v1/operations")
        call = Call(
            request=request,
            read=lambda r: tuple(read(Operation, item) for item in document_of(r)["operations"]),
            repeatable=True,
        )
        return (yield from self._call(call))

    def wait_operation(self, operation_id: str, *, timeout: float | None = None) -> Steps[Operation]:
        """Wait until an operation has ended, `timeout` seconds at most (None: as long as it takes).

        Returns it as it is then: look at `is_running`. Raises NotFound.
        """
        end = None if timeout is None else self._clock() + timeout
        wait_s, most_s = _LOOK_S
        while True:
            found = yield from self.operation(operation_id)
            left_s = most_s if end is None else end - self._clock()
            if not found.is_running or left_s <= 0:
                return found
            yield Pause(min(wait_s, left_s))
            wait_s = min(wait_s * 2, most_s)

    def stop_operation(self, operation_id: str) -> Steps[Operation]:
        """Stop an operation; what it has done stays done. Asking twice is the same.

        Raises Conflict (operation_ended) for one that had run to its end, and NotFound.
        """
        request = self._dialect.request("POST", path("operations", operation_id, "cancel"))
        return (yield from self._call(Call(request=request, read=_read_operation, repeatable=True)))


def _read_job(reply: Reply) -> Job:
    return read_job(document_of(reply))


def _read_operation(reply: Reply) -> Operation:
    return read(Operation, document_of(reply))


def _read_nothing(_: Reply) -> None:
    return None
