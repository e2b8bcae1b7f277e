"""The verbs of those who look after a server: queues and the server itself."""

from urllib.parse import quote

from headrace._exchange import Exchange
from headrace._read import read
from headrace._steps import Reply, Steps
from headrace._wire import Call, document_of
from headrace.models import QueuePage, QueueStats, ServerInfo


class Operate(Exchange):
    """The verbs of operators."""

    def queues(self, *, after: str | None = None, limit: int | None = None) -> Steps[QueuePage]:
        """Return one page of queues in order of their names, with their counts; ask again with `after=next_after`."""
        request = self._dialect.request("GET", "/v1/queues", params={"after": after, "limit": limit})
        return (yield from self._call(Call(request=request, read=_read_page, repeatable=True)))

    def queue_stats(self, queue: str) -> Steps[QueueStats]:
        """Return the counts of one queue; a queue that never was has zeros."""
        request = self._dialect.request("GET", f"/v1/queues/{quote(queue, safe='')}/stats")
        call = Call(request=request, read=lambda r: read(QueueStats, document_of(r)), repeatable=True)
        return (yield from self._call(call))

    def server_info(self) -> Steps[ServerInfo]:
        """Return the server's version, durability, store and limits."""
        request = self._dialect.request("GET", "/v1/server")
        call = Call(request=request, read=lambda r: read(ServerInfo, document_of(r)), repeatable=True)
        return (yield from self._call(call))


def _read_page(reply: Reply) -> QueuePage:
    document = document_of(reply)
    queues = tuple(read(QueueStats, item) for item in document["queues"])
    return QueuePage(queues=queues, next_after=document.get("next_after"))
