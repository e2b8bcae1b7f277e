"""Several servers over one store, as a test sees them: by HTTP, from several threads."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from tests.support.servers import ServerProcess
from tests.support.stores import StoreProcess
from tests.torture.history import to_ms

T = TypeVar("T")
Document = dict[str, Any]


@dataclass(frozen=True)
class Lease:
    """One lease as its worker was told, and when, by the store's clock."""

    job: Document
    at_ms: int

    @property
    def id(self) -> str:
        return str(self.job["id"])

    @property
    def proof(self) -> Document:
        """What settles it."""
        return {"token": self.job["token"]}


class Caller:
    """A client of one server; threads may share it."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=40.0, limits=httpx.Limits(max_connections=100))

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send any request; names of headers with underscores for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(method, f"/v1/{path}", json=body, headers=named)

    def do(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request that must be answered 2xx; return the document."""
        reply = self.ask(method, path, body, **headers)
        assert reply.is_success, f"{method} {path}: {reply.status_code} {reply.text}"
        return reply.json() if reply.content else None

    def enqueue(self, queue: str, **fields: Any) -> Document:
        document: Document = self.do("POST", "jobs", {"task": "t", "queue": queue, **fields})
        return document

    def enqueue_many(self, jobs: Sequence[Document]) -> list[Document]:
        """Enqueue a batch as a whole."""
        documents: list[Document] = self.do("POST", "jobs/batch", {"jobs": [{"task": "t", **job} for job in jobs]})[
            "jobs"
        ]
        return documents

    def lease(self, *queues: str, max: int = 1, wait_ms: int = 0, **more: Any) -> list[Lease]:
        reply = self.do("POST", "leases", {"queues": queues, "max": max, "wait_ms": wait_ms, **more})
        return [Lease(job, to_ms(reply["server_time"])) for job in reply["jobs"]]

    def settle(self, verb: str, lease: Lease, **more: Any) -> Document:
        document: Document = self.do("POST", f"jobs/{lease.id}/{verb}", {**lease.proof, **more})
        return document

    def fail(self, lease: Lease, **more: Any) -> Document:
        return self.settle("nack", lease, error={"type": "E", "message": "m"}, **more)

    def job(self, job_id: str) -> Document:
        document: Document = self.do("GET", f"jobs/{job_id}")
        return document

    def counts(self, queue: str) -> dict[str, int]:
        counts: dict[str, int] = self.do("GET", f"queues/{queue}/stats")["counts"]
        return counts


class Cluster:
    """The servers of one store; each call goes to the next one in turn."""

    def __init__(self, store: StoreProcess, servers: Sequence[ServerProcess]) -> None:
        self.store = store
        self.servers = list(servers)
        self.callers = [Caller(server.url) for server in servers]
        self._turns = itertools.cycle(self.callers)

    @property
    def any(self) -> Caller:
        """The next server."""
        return next(self._turns)

    def now_ms(self) -> int:
        """Return the store's clock."""
        seconds, us = self.store.call("TIME")
        return int(seconds) * 1000 + int(us) // 1000

    def close(self) -> None:
        for caller in self.callers:
            caller.http.close()


@contextmanager
def at_once(tasks: int) -> Iterator[ThreadPoolExecutor]:
    """Threads for so many tasks; all have ended afterwards."""
    with ThreadPoolExecutor(tasks) as pool:
        yield pool


def each(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Run calls at once and return what they return, in order."""
    with at_once(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]
