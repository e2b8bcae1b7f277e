"""The verbs about workers as such: they say that they live, and others look at them and tell them what to do."""

from collections.abc import Iterable

from headrace._exchange import Exchange
from headrace._read import Document, read
from headrace._steps import Reply, Steps, Stream, pages
from headrace._wire import Call, document_of, path
from headrace._write import given, said, written
from headrace.fleet import Heartbeat, WorkerInfo, WorkerPage, WorkerRecord
from headrace.leases import Held
from headrace.words import WorkerState


class Fleet(Exchange):
    """The verbs of heartbeats, and of those who look after workers."""

    def heartbeat(
        self,
        worker: str,
        leases: Iterable[Held] = (),
        info: WorkerInfo | None = None,
        next_ms: int | None = None,
        final: bool = False,
    ) -> Steps[Heartbeat]:
        """Say that a worker lives, and keep its leases, at most 1000, with one request; each has a status of its own.

        A lease that is lost, or whose job was cancelled, says so in its `status` and raises nothing: stop working on
        that job. `cancel_requested`: the lease lives on, and somebody asked for the end of the job.

        `info` replaces what was said before; None: it stays. `next_ms` (1000..3600000): when the next heartbeat comes;
        after twice that and ten seconds more the worker counts as lost (None: after the server's
        HEADRACE_WORKER_TIMEOUT_MS). `final`: goodbye, its record goes; its leases are kept all the same.
        """
        body = {
            "leases": [_held(lease) for lease in leases],
            **given(info=None if info is None else written(info), next_ms=next_ms, final=final or None),
        }
        request = self._dialect.request("POST", path("workers", worker, "heartbeat"), body=body)
        call = Call(request=request, read=lambda r: read(Heartbeat, document_of(r)), repeatable=True)
        return (yield from self._call(call))

    def workers(
        self,
        *,
        state: WorkerState | str | None = None,
        queue: str | None = None,
        task: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Steps[WorkerPage]:
        """Return one page of workers in order of their ids; `iter_workers` reads all pages.

        `state`: up or lost. `queue`, `task`: those that say that they serve it. A page looks at a bounded number
        of workers, so it may be short or empty and yet have a `cursor`. `limit` (1..200): workers of a page. Raises
        InvalidCursor.
        """
        params = {"state": state, "queue": queue, "task": task, "limit": limit, "cursor": cursor}
        request = self._dialect.request("GET", "/v1/workers", params=params)
        call = Call(request=request, read=lambda r: read(WorkerPage, document_of(r)), repeatable=True)
        return (yield from self._call(call))

    def iter_workers(
        self,
        *,
        state: WorkerState | str | None = None,
        queue: str | None = None,
        task: str | None = None,
        limit: int | None = None,
    ) -> Stream[WorkerRecord]:
        """Iterate over all workers that a filter means, page by page (`limit` a page), as `workers` finds them."""
        return pages(
            lambda cursor: self.workers(state=state, queue=queue, task=task, limit=limit, cursor=cursor),
            lambda page: (page.workers, page.cursor),
        )

    def worker(self, worker: str) -> Steps[WorkerRecord]:
        """Return a worker as the server knows it. Raises NotFound; a lost one is kept for a day."""
        request = self._dialect.request("GET", path("workers", worker))
        return (yield from self._call(Call(request=request, read=_read_record, repeatable=True)))

    def quiet_worker(self, worker: str) -> Steps[WorkerRecord]:
        """Tell a worker to take no new jobs, and to finish those it has; `resume_worker` ends that. Raises NotFound.

        A poll of it that waits is answered at once; it hears the directive then, or with its next heartbeat.
        """
        return (yield from self._direct(worker, "quiet"))

    def stop_worker(self, worker: str) -> Steps[WorkerRecord]:
        """Tell a worker to end as at SIGTERM: it finishes what it has, says goodbye, and its record goes.

        Who starts it again is not Headrace's business. Raises NotFound.
        """
        return (yield from self._direct(worker, "stop"))

    def resume_worker(self, worker: str) -> Steps[WorkerRecord]:
        """Tell a quiet worker to take jobs again; also takes back a stop that it has not heard. Raises NotFound."""
        return (yield from self._direct(worker, "resume"))

    def delete_worker(self, worker: str) -> Steps[None]:
        """Remove the record of a lost worker. Raises Conflict (worker_up) for one that lives, and NotFound.

        A lost reply is OutcomeUnknown and not repeated, for the second answer would be NotFound.
        """
        request = self._dialect.request("DELETE", path("workers", worker))
        return (yield from self._call(Call(request=request, read=_read_nothing, repeatable=False)))

    def _direct(self, worker: str, verb: str) -> Steps[WorkerRecord]:
        request = self._dialect.request("POST", path("workers", worker, verb))
        return (yield from self._call(Call(request=request, read=_read_record, repeatable=True)))


def _held(lease: Held) -> Document:
    more = {**given(extend_ms=lease.extend_ms), **said(progress=lease.progress, checkpoint=lease.checkpoint)}
    return {"job_id": lease.job_id, "token": lease.token, **more}


def _read_record(reply: Reply) -> WorkerRecord:
    return read(WorkerRecord, document_of(reply))


def _read_nothing(_: Reply) -> None:
    return None
