"""The verbs of those who want work done: enqueue, look, wait, cancel."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from headrace._codec import value_of
from headrace._exchange import Exchange
from headrace._read import Document, read, read_job, write_instant
from headrace._steps import Pause, Reply, Steps
from headrace._wire import MAX_WAIT_S, Call, document_of
from headrace.errors import Conflict, Problem, ProblemError, error_for, failure_of
from headrace.models import Job, NewJob, RetryPolicy
from headrace.words import ABSENT

_EARLY_PAUSE_S: Final = 0.25  # after a poll that came back early (a draining server): do not spin


@dataclass(frozen=True)
class Batch:
    """The answer to a batch: for each job, in order, the job or the error that kept it out."""

    items: tuple[Job | ProblemError, ...]

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All jobs; raises the first error if there is one (never after an atomic batch)."""
        for item in self.items:
            if isinstance(item, ProblemError):
                raise item
        return tuple(item for item in self.items if isinstance(item, Job))


class Produce(Exchange):
    """The verbs of producers."""

    def enqueue(
        self,
        task: str,
        payload: Any = ABSENT,
        *,
        queue: str | None = None,
        priority: int | None = None,
        delay_ms: int | None = None,
        run_at: datetime | None = None,
        expires_in_ms: int | None = None,
        expires_at: datetime | None = None,
        lease_ms: int | None = None,
        retention_ms: int | None = None,
        max_crashes: int | None = None,
        retry: RetryPolicy | None = None,
        meta: Mapping[str, Any] | None = None,
        trace: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        wait_s: int = 0,
    ) -> Steps[Job]:
        """Put one job into a queue; when this returns, the job is durable.

        The options are described at `NewJob`. `trace`: traceparent, tracestate, baggage as they came. Without an
        `idempotency_key` a fresh one is made, so a retry after a lost reply finds the job instead of making another.
        `wait_s` (0..30): return as soon as the job is final, after that time as it is.
        Returns the job; one that the same key had made before says `deduplicated` (and may be in state `gone`).
        Raises IdempotencyMismatch for a key that came with another request, TypeError for a payload that the
        client's format cannot write, ValueError for a naive datetime.
        """
        job = NewJob(
            task=task,
            payload=payload,
            queue=queue,
            priority=priority,
            delay_ms=delay_ms,
            run_at=run_at,
            expires_in_ms=expires_in_ms,
            expires_at=expires_at,
            lease_ms=lease_ms,
            retention_ms=retention_ms,
            max_crashes=max_crashes,
            retry=retry,
            meta=meta,
        )
        request = self._dialect.request(
            "POST", "/v1/jobs", body=_body(job), wait_s=wait_s, key=idempotency_key or _fresh_key(), more=trace
        )
        asked = {"task": task, "queue": queue or "default"}
        return (
            yield from self._call(
                Call(
                    request=request,
                    read=lambda reply: read_job({**asked, **document_of(reply)}),
                    repeatable=True,
                    wait_s=wait_s,
                )
            )
        )

    def enqueue_batch(
        self,
        jobs: Sequence[NewJob],
        *,
        atomic: bool = True,
        idempotency_key: str | None = None,
        trace: Mapping[str, str] | None = None,
    ) -> Steps[Batch]:
        """Put many jobs into queues with one request, at most 1000.

        `atomic` (at most 200 jobs, one group of queues): all or none, and the first fault raises Invalid with pointers
        like `/jobs/17/priority`. Otherwise each job stands for itself: look at `Batch.items`. The key belongs to the
        batch; where jobs bring keys of their own, none is made for the batch.
        Raises IdempotencyMismatch, and TypeError and ValueError as `enqueue` does.
        """
        own_keys = [job.idempotency_key for job in jobs if job.idempotency_key is not None]
        key = idempotency_key or (None if own_keys else _fresh_key())
        body = {"jobs": [_body(job) for job in jobs], "atomic": atomic}
        request = self._dialect.request("POST", "/v1/jobs/batch", body=body, key=key, more=trace)
        repeatable = key is not None or len(own_keys) == len(jobs)
        return (yield from self._call(Call(request=request, read=_read_batch, repeatable=repeatable)))

    def get(self, job_id: str, *, wait_s: int = 0) -> Steps[Job]:
        """Return a job as it is now; with `wait_s` (0..30) as soon as it is final, after that time as it is.

        Raises NotFound for an id that never was, or whose record is pruned.
        """
        request = self._dialect.request("GET", _path(job_id), wait_s=wait_s)
        call = Call(request=request, read=_read_job, repeatable=True, wait_s=wait_s)
        return (yield from self._call(call))

    def result(self, job_id: str) -> Steps[Any]:
        """Return the result of a succeeded job as a value.

        Raises NotFinished before its end, TaskFailed for one that died, TaskCancelled for one that was cancelled,
        NotFound for an unknown or pruned job and for one that left no result.
        """
        request = self._dialect.request("GET", _path(job_id, "/result"))
        try:
            return (yield from self._call(Call(request=request, read=_read_value, repeatable=True)))
        except Conflict as error:
            if error.code == "job_failed" and error.state is not None:
                raise failure_of(job_id, error.state, error.problem.error, None) from None
            raise

    def wait(self, job_id: str, *, timeout: float | None = None) -> Steps[Job]:
        """Wait until a job is final, `timeout` seconds at most (None: as long as it takes).

        Returns the job as it is then: look at `state.is_final`. Raises NotFound.
        """
        end = None if timeout is None else self._clock() + timeout
        while True:
            left_s = MAX_WAIT_S if end is None else max(0.0, min(MAX_WAIT_S, end - self._clock()))
            asked_at = self._clock()
            job = yield from self.get(job_id, wait_s=int(left_s))
            now = self._clock()
            if job.state.is_final or (end is not None and now >= end):
                return job
            if now - asked_at < int(left_s) or left_s < 1:
                yield Pause(_EARLY_PAUSE_S if end is None else min(_EARLY_PAUSE_S, end - now))

    def cancel(self, job_id: str, *, reason: str | None = None) -> Steps[Job]:
        """Cancel a job that nobody holds; asking twice is the same. Returns the job.

        Raises Conflict (code job_leased or job_final) and NotFound.
        """
        body = {} if reason is None else {"reason": reason}
        request = self._dialect.request("POST", _path(job_id, "/cancel"), body=body)
        return (yield from self._call(Call(request=request, read=_read_job, repeatable=True)))


def _fresh_key() -> str:
    return str(uuid.uuid4())


def _path(job_id: str, more: str = "") -> str:
    return f"/v1/jobs/{quote(job_id, safe='')}{more}"


def _body(job: NewJob) -> Document:
    options = {f.name: getattr(job, f.name) for f in fields(job) if f.name != "payload"}
    written = {name: _written(name, value) for name, value in options.items() if value is not None}
    return written if job.payload is ABSENT else {**written, "payload": job.payload}


def _written(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return write_instant(name, value)
    if isinstance(value, RetryPolicy):
        return {key: part for key, part in vars(value).items() if part is not None}
    return dict(value) if isinstance(value, Mapping) else value


def _read_job(reply: Reply) -> Job:
    return read_job(document_of(reply))


def _read_value(reply: Reply) -> Any:
    return value_of(reply.content, reply.headers.get("content-type", ""))


def _read_batch(reply: Reply) -> Batch:
    document = document_of(reply)
    if "jobs" in document:
        return Batch(tuple(read_job(item) for item in document["jobs"]))
    return Batch(tuple(_read_item(item) for item in document["results"]))


def _read_item(item: Document) -> Job | ProblemError:
    if "job" in item:
        return read_job(item["job"])
    return error_for(read(Problem, {"code": "", "detail": "", **item["problem"], "status": item["status"]}))
