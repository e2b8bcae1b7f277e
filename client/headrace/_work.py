"""The verbs of workers: lease, keep, settle. Whoever acts on a lease proves it with the token."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from headrace._codec import Codec
from headrace._exchange import Exchange
from headrace._grants import read_grant
from headrace._read import Document, read, read_instant
from headrace._steps import Reply, Steps
from headrace._wire import Call, document_of, is_replay, path
from headrace._write import carried, given, said
from headrace.leases import Ack, Completed, Completion, Grant, Nack, Release, Settled, Snooze
from headrace.models import JobError
from headrace.words import ABSENT, Directive


class Work(Exchange):
    """The verbs of workers."""

    def lease(
        self,
        queues: str | Sequence[str],
        *,
        max_jobs: int = 1,
        max_bytes: int | None = None,
        wait_ms: int = 0,
        lease_ms: int | None = None,
        worker: str | None = None,
        complete: Iterable[Completion] = (),
        idempotency_key: str | None = None,
        minimal: bool = False,
    ) -> Steps[Grant]:
        """Take up to `max_jobs` jobs, in strict order of `queues`; nothing there is an empty grant, not an error.

        `max_bytes`: stop before the payloads sum up to more. `wait_ms` (0..30000): how long the server may keep the
        request open while there is nothing; a request with `complete` items, which it settles first, never waits.
        `worker`: who you are; with it the request carries a key (`idempotency_key`, else a fresh one), and a repeat
        after a lost reply returns the same live leases. Without it a lost reply is OutcomeUnknown: what was granted
        comes back when the lease runs out. `minimal`: no answers to those of `complete` that end as asked; the others
        say by their `index` which they are. The answer's `directive` says what the worker is told to do; one that is
        told to be quiet, or to stop, gets no jobs.
        """
        key = idempotency_key or (str(uuid.uuid4()) if worker is not None else None)
        items = [_item(completion, self._dialect.codec) for completion in complete]
        body: Document = {
            "queues": [queues] if isinstance(queues, str) else list(queues),
            "max": max_jobs,
            "wait_ms": wait_ms,
            **given(max_bytes=max_bytes, lease_ms=lease_ms, worker={"id": worker} if worker is not None else None),
            **({"complete": items} if items else {}),
        }
        request = self._dialect.request("POST", "/v1/leases", body=body, key=key, minimal=minimal)
        call = Call(request=request, read=_read_grant, repeatable=key is not None, wait_s=wait_ms / 1000)
        return (yield from self._call(call))

    def complete(self, completions: Iterable[Completion], *, minimal: bool = False) -> Steps[Completed]:
        """Settle many jobs with one request, at most 1000; each ends with a status of its own, in order.

        An item that is refused says so in its `status` (lease_lost, not_found, invalid) and raises nothing. `minimal`:
        no answers to those that end as asked (an ack ok and succeeded, and so on; a nack is always answered); the
        others say by their `index` which they are.
        """
        body = {"items": [_item(completion, self._dialect.codec) for completion in completions]}
        request = self._dialect.request("POST", "/v1/completions", body=body, minimal=minimal)
        return (yield from self._call(Call(request=request, read=_read_completed, repeatable=True)))

    def ack(self, job_id: str, token: str, *, result: Any = ABSENT, result_ttl_ms: int | None = None) -> Steps[Settled]:
        """Say that the job is done, with its result if there is one: any value, or a Raw of some media type.

        `result_ttl_ms`: how long it is kept, instead of what job and queue say; 0: it is not stored.
        Raises LeaseLost (JobCancelled) and NotFound, as all settles do.
        """
        return (yield from self._settle(Ack(job_id=job_id, token=token, result=result, result_ttl_ms=result_ttl_ms)))

    def nack(
        self,
        job_id: str,
        token: str,
        *,
        error: JobError,
        retryable: bool = True,
        retry_in_ms: int | None = None,
        discard: bool = False,
    ) -> Steps[Settled]:
        """Say that the attempt failed: it counts, and the job is tried again or dead (`retryable=False`: dead now).

        `retry_in_ms` replaces the backoff. `discard`: dead now, and its record goes at once. The answer names the new
        state and `run_at`. Raises LeaseLost and NotFound.
        """
        proof = {"job_id": job_id, "token": token}
        nack = Nack(**proof, error=error, retryable=retryable, retry_in_ms=retry_in_ms, discard=discard)
        return (yield from self._settle(nack))

    def release(self, job_id: str, token: str, *, reason: str | None = None) -> Steps[Settled]:
        """Put the job back to its place in the queue; no attempt is counted. Raises LeaseLost and NotFound."""
        return (yield from self._settle(Release(job_id=job_id, token=token, reason=reason)))

    def snooze(
        self, job_id: str, token: str, *, delay_ms: int, reason: str | None = None, checkpoint: Any = ABSENT
    ) -> Steps[Settled]:
        """Put the job aside for `delay_ms`; no attempt is counted. `checkpoint` is handed to the next delivery."""
        snooze = Snooze(job_id=job_id, token=token, delay_ms=delay_ms, reason=reason, checkpoint=checkpoint)
        return (yield from self._settle(snooze))

    def extend(
        self,
        job_id: str,
        token: str,
        *,
        lease_ms: int | None = None,
        progress: Any = ABSENT,
        checkpoint: Any = ABSENT,
    ) -> Steps[Settled]:
        """Keep the lease for at least `lease_ms` from now (None: its first length); never shortens it.

        No lease lasts beyond the job's `max_runtime_ms`. `progress` is for whoever looks at the job, `checkpoint` for
        the next delivery; each replaces what was there. The answer carries the new `deadline`, and
        `cancel_requested`: stop then. Raises LeaseLost (JobCancelled) and NotFound.
        """
        body = {"token": token, **given(lease_ms=lease_ms), **said(progress=progress, checkpoint=checkpoint)}
        return (yield from self._act(job_id, "extend", body))

    def _settle(self, completion: Completion) -> Steps[Settled]:
        item = _item(completion, self._dialect.codec)
        body = {name: value for name, value in item.items() if name not in ("op", "job_id")}
        return (yield from self._act(completion.job_id, item["op"], body))

    def _act(self, job_id: str, verb: str, body: Document) -> Steps[Settled]:
        request = self._dialect.request("POST", path("jobs", job_id, verb), body=body)
        call = Call(request=request, read=lambda r: read(Settled, document_of(r)), repeatable=True)
        return (yield from self._call(call))


def _item(completion: Completion, codec: Codec) -> Document:
    if isinstance(completion, Ack):
        return _ack(completion, codec)
    proof = {"job_id": completion.job_id, "token": completion.token}
    match completion:
        case Nack(error=error, retryable=retryable, retry_in_ms=retry_in_ms, discard=discard):
            more = given(
                retryable=None if retryable else False, retry_in_ms=retry_in_ms, discard=True if discard else None
            )
            return {"op": "nack", **proof, "error": given(**vars(error)), **more}
        case Release(reason=reason):
            return {"op": "release", **proof, **given(reason=reason)}
        case Snooze(delay_ms=delay_ms, reason=reason, checkpoint=checkpoint):
            more = {**given(reason=reason), **said(checkpoint=checkpoint)}
            return {"op": "snooze", **proof, "delay_ms": delay_ms, **more}
        case _:
            raise TypeError(f"a completion is an Ack, Nack, Release or Snooze, not {type(completion).__name__}")


def _ack(ack: Ack, codec: Codec) -> Document:
    """Return the item of most jobs, which costs less than a general one."""
    item: dict[str, Any] = {"op": "ack", "job_id": ack.job_id, "token": ack.token}
    if ack.result is not ABSENT:
        item |= carried("result", ack.result, codec)
    if ack.result_ttl_ms is not None:
        item["result_ttl_ms"] = ack.result_ttl_ms
    return item


def _read_grant(reply: Reply) -> Grant:
    document = document_of(reply)
    return Grant(
        jobs=read_grant(document["jobs"]),
        completed=_settled(document.get("completed", ())),
        server_time=read_instant(document["server_time"]),
        replayed=is_replay(reply),
        directive=None if document.get("directive") is None else Directive(document["directive"]),
    )


def _read_completed(reply: Reply) -> Completed:
    document = document_of(reply)
    return Completed(items=_settled(document["items"]), server_time=read_instant(document["server_time"]))


def _settled(items: Iterable[Document]) -> tuple[Settled, ...]:
    return tuple(read(Settled, item) for item in items)
