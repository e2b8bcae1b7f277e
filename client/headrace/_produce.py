"""The verbs of those who want work done: enqueue, look, cancel."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar

from headrace._bulk import Bulk
from headrace._codec import value_of
from headrace._publish import Sending, published
from headrace._read import read_job, read_receipt
from headrace._steps import Reply, Steps
from headrace._wire import Call, document_of, path
from headrace._write import fresh_key, given, job_body
from headrace.errors import Conflict, failure_of
from headrace.models import Job, NewJob, Raw, RetryPolicy, Unique
from headrace.receipts import Receipt
from headrace.words import ABSENT

M = TypeVar("M", Job, Receipt)


class Produce(Bulk):
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
        max_runtime_ms: int | None = None,
        result_ttl_ms: int | None = None,
        retry: RetryPolicy | None = None,
        unique: Unique | None = None,
        tags: Mapping[str, str] | None = None,
        limits: Sequence[str] | None = None,
        fairness_key: str | None = None,
        weight: int | None = None,
        ordering_key: str | None = None,
        on_dead: Literal["next", "hold"] | None = None,
        meta: Mapping[str, Any] | None = None,
        trace: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        wait_s: int = 0,
    ) -> Steps[Job]:
        """Put one job into a queue; when this returns, the job is durable.

        `payload` is any value, or a Raw: bytes of any kind with their media type, which nobody on the way looks into.
        The options are described at `NewJob`. `trace`: traceparent, tracestate, baggage as they came; by default those
        of the current context (`headrace.tracing`). Without an `idempotency_key` a fresh one is made, so a retry after
        a lost reply finds the job instead of making another.
        `wait_s` (0..30): return as soon as the job is final, after that time as it is.
        Returns the job; one that the same key had made before says `deduplicated` (and may be in state `gone`), as does
        one that has the same `unique` key; one that `unique` let this job take the place of says `replaced`.
        Raises IdempotencyMismatch for a key that came with another request, UniqueConflict, QueueDraining, QueueFull
        (after the client's own retries), TypeError for a payload that the client's format cannot write, ValueError for
        a naive datetime.
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
            max_runtime_ms=max_runtime_ms,
            result_ttl_ms=result_ttl_ms,
            retry=retry,
            unique=unique,
            tags=tags,
            limits=limits,
            fairness_key=fairness_key,
            weight=weight,
            ordering_key=ordering_key,
            on_dead=on_dead,
            meta=meta,
            idempotency_key=idempotency_key,
        )
        asked = {"task": task, "queue": queue or "default"}

        def whole(reply: Reply) -> Job:
            return read_job({**asked, **document_of(reply)})

        return (yield from self._put(job, whole, trace, wait_s=wait_s))

    def enqueue_job(self, job: NewJob, *, trace: Mapping[str, str] | None = None) -> Steps[Receipt]:
        """Put one job into a queue, as `enqueue` does, for those who only want to know that it is there.

        The job's own `idempotency_key` is that of the request. Raises what `enqueue` raises.
        """
        return (yield from self._put(job, _read_receipt, trace, minimal=True))

    def get(self, job_id: str, *, wait_s: int = 0) -> Steps[Job]:
        """Return a job as it is now; with `wait_s` (0..30) as soon as it is final, after that time as it is.

        Raises NotFound for an id that never was, or whose record is pruned.
        """
        request = self._dialect.request("GET", path("jobs", job_id), wait_s=wait_s)
        call = Call(request=request, read=_read_job, repeatable=True, wait_s=wait_s)
        return (yield from self._call(call))

    def result(self, job_id: str) -> Steps[Any]:
        """Return the result of a succeeded job as a value.

        Raises NotFinished before its end, TaskFailed for one that died, TaskCancelled for one that was cancelled,
        NotFound for an unknown or pruned job and for one that left no result.
        """
        request = self._dialect.request("GET", path("jobs", job_id, "result"))
        try:
            return (yield from self._call(Call(request=request, read=_read_value, repeatable=True)))
        except Conflict as error:
            if error.code == "job_failed" and error.state is not None:
                raise failure_of(job_id, error.state, error.problem.error, None) from None
            raise

    def result_bytes(self, job_id: str) -> Steps[Raw]:
        """Return the result of a succeeded job as the bytes that the worker sent, with their media type.

        Raises what `result` raises, but Conflict for every job that ended without a result.
        """
        return (yield from self._bytes(path("jobs", job_id, "result")))

    def payload_bytes(self, job_id: str) -> Steps[Raw]:
        """Return the payload of a job as the bytes that came, with their media type. Raises NotFound."""
        return (yield from self._bytes(path("jobs", job_id, "payload")))

    def cancel(
        self, job_id: str, *, reason: str | None = None, mode: Literal["soft", "hard"] | None = None
    ) -> Steps[Job]:
        """Cancel a job; asking twice is the same. Returns the job: it has ended, or says `cancel_requested`.

        A job that a worker holds is asked for (`soft`): the worker is told, and unless the work succeeds all the same,
        the job ends as cancelled. `hard` ends the lease at once; what the worker then says changes nothing.
        Raises Conflict (job_final) for a job that has succeeded or died, and NotFound.
        """
        request = self._dialect.request("POST", path("jobs", job_id, "cancel"), body=given(reason=reason, mode=mode))
        return (yield from self._call(Call(request=request, read=_read_job, repeatable=True)))

    def _put(
        self,
        job: NewJob,
        read: Callable[[Reply], M],
        trace: Mapping[str, str] | None,
        *,
        wait_s: int = 0,
        minimal: bool = False,
    ) -> Steps[M]:
        body = job_body(job, self._dialect.codec)
        key = body.pop("idempotency_key", None) or fresh_key()
        with published(Sending(task=job.task, queues=[job.queue]), trace) as sent:
            request = self._dialect.request(
                "POST", "/v1/jobs", body=body, wait_s=wait_s, minimal=minimal, key=key, more=sent.headers
            )
            made = yield from self._call(Call(request=request, read=read, repeatable=True, wait_s=wait_s))
            sent.made(made.id)
        return made

    def _bytes(self, path: str) -> Steps[Raw]:
        request = self._dialect.request("GET", path)
        return (yield from self._call(Call(request=request, read=_read_raw, repeatable=True)))


def _read_job(reply: Reply) -> Job:
    return read_job(document_of(reply))


def _read_receipt(reply: Reply) -> Receipt:
    return read_receipt(document_of(reply))


def _read_value(reply: Reply) -> Any:
    return value_of(reply.content, reply.headers.get("content-type", ""))


def _read_raw(reply: Reply) -> Raw:
    return Raw(reply.content, reply.headers.get("content-type", ""))
