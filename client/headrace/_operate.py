"""The verbs of those who look after a server: queues, limits, and the server itself."""

from headrace._exchange import Exchange
from headrace._read import Document, read
from headrace._steps import Reply, Steps
from headrace._wire import Call, document_of, path
from headrace._write import given, written
from headrace.operating import Limit, LimitPage, Queue, QueuePage, QueueSettings, QueueStats, Rate, ServerInfo


class Operate(Exchange):
    """The verbs of operators."""

    def queues(self, *, after: str | None = None, limit: int | None = None) -> Steps[QueuePage]:
        """Return one page of queues in order of their names, with their counts; ask again with `after=next_after`."""
        request = self._dialect.request("GET", "/v1/queues", params={"after": after, "limit": limit})
        call = Call(request=request, read=lambda r: read(QueuePage, document_of(r)), repeatable=True)
        return (yield from self._call(call))

    def queue_stats(self, queue: str) -> Steps[QueueStats]:
        """Return the counts of one queue; a queue that never was has zeros."""
        request = self._dialect.request("GET", path("queues", queue, "stats"))
        call = Call(request=request, read=lambda r: read(QueueStats, document_of(r)), repeatable=True)
        return (yield from self._call(call))

    def queue(self, queue: str) -> Steps[Queue]:
        """Return a queue with its settings and counts; one that never was has none."""
        return (yield from self._queue("GET", queue))

    def configure_queue(self, queue: str, settings: QueueSettings) -> Steps[Queue]:
        """Replace all settings of a queue; they hold from now on, also for the jobs that are there.

        Whether it is paused or drains is no setting and stays. To change one of them, read the others before:
        `dataclasses.replace(client.queue(name).settings, concurrency=5)`.
        """
        return (yield from self._queue("PUT", queue, body=written(settings)))

    def pause_queue(self, queue: str, *, for_ms: int | None = None) -> Steps[Queue]:
        """Lease no more jobs of a queue, until `resume_queue` or for a time; what runs goes on."""
        return (yield from self._queue("POST", queue, "pause", body=given(for_ms=for_ms)))

    def resume_queue(self, queue: str) -> Steps[Queue]:
        """End the pause and the drain of a queue."""
        return (yield from self._queue("POST", queue, "resume"))

    def drain_queue(self, queue: str) -> Steps[Queue]:
        """Take no new jobs into a queue; those that are there are handed out, retried and finished."""
        return (yield from self._queue("POST", queue, "drain"))

    def delete_queue(self, queue: str) -> Steps[None]:
        """Forget a queue: its settings and its name. Raises Conflict (queue_not_empty) while jobs have not ended."""
        request = self._dialect.request("DELETE", path("queues", queue))
        return (yield from self._call(Call(request=request, read=_read_nothing, repeatable=True)))

    def limits(self, *, after: str | None = None, limit: int | None = None) -> Steps[LimitPage]:
        """Return one page of the limits that have settings or are held back, in order of their names."""
        request = self._dialect.request("GET", "/v1/limits", params={"after": after, "limit": limit})
        call = Call(request=request, read=lambda r: read(LimitPage, document_of(r)), repeatable=True)
        return (yield from self._call(call))

    def limit(self, name: str) -> Steps[Limit]:
        """Return a limit: how many jobs are leased under exactly this key, and its settings if it has some."""
        return (yield from self._limit("GET", name))

    def set_limit(self, name: str, *, concurrency: int | None = None, rate: Rate | None = None) -> Steps[Limit]:
        """Set what holds for each limit key by itself that is `name` or begins with it and `:`; give at least one.

        It replaces what was set under this name. Of several names that fit a key, the longest one counts.
        """
        body = given(concurrency=concurrency, rate=None if rate is None else written(rate))
        return (yield from self._limit("PUT", name, body=body))

    def unset_limit(self, name: str) -> Steps[Limit]:
        """Remove the settings of a limit; a back-off stays. Asking twice is the same."""
        return (yield from self._limit("DELETE", name))

    def back_off(self, name: str, *, for_ms: int) -> Steps[Limit]:
        """Lease no job for a while whose limit is `name` or begins with it and `:`; for "the API said 429".

        `for_ms` from now, 0 to 1 day; the newest call counts, and 0 lifts it.
        """
        return (yield from self._limit("POST", name, "backoff", body={"for_ms": for_ms}))

    def server_info(self) -> Steps[ServerInfo]:
        """Return the server's version, durability, store and limits."""
        request = self._dialect.request("GET", "/v1/server")
        call = Call(request=request, read=lambda r: read(ServerInfo, document_of(r)), repeatable=True)
        return (yield from self._call(call))

    def _queue(self, method: str, queue: str, *verb: str, body: Document | None = None) -> Steps[Queue]:
        request = self._dialect.request(method, path("queues", queue, *verb), body=body)
        call = Call(request=request, read=lambda r: read(Queue, document_of(r)), repeatable=True)
        return (yield from self._call(call))

    def _limit(self, method: str, name: str, *verb: str, body: Document | None = None) -> Steps[Limit]:
        request = self._dialect.request(method, path("limits", name, *verb), body=body)
        call = Call(request=request, read=lambda r: read(Limit, document_of(r)), repeatable=True)
        return (yield from self._call(call))


def _read_nothing(_: Reply) -> None:
    return None
