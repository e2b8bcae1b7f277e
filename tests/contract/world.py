"""A server that can be made to give every answer of the contract: small limits, a token, a store that can stop."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.contract import Document, Operation, document, resolve
from tests.support.servers import ServerProcess
from tests.support.stores import DURABLE, StoreProcess, valkey_binary

TOKEN = "token-of-the-contract-tests"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
SMALL = {
    "HEADRACE_TOKENS": TOKEN,
    "HEADRACE_MAX_BODY_BYTES": "20000",
    "HEADRACE_MAX_PAYLOAD_BYTES": "10000",
    "HEADRACE_MAX_HEADER_BYTES": "8000",
    "HEADRACE_RECEIVE_TIMEOUT_MS": "2000",  # and yet long enough for a busy machine
    "HEADRACE_STORE_TIMEOUT_MS": "2000",
    "HEADRACE_WORKER_TIMEOUT_MS": "1000",  # so that a test can wait for it
    "HEADRACE_WEBHOOK_NETWORKS": "127.0.0.1/32",
    "HEADRACE_TEST_CLOCK": "1",  # which changes nothing until it is set
}
SCHEMAS: Document = document()["components"]["schemas"]
ID = SCHEMAS["JobId"]["examples"][0]
LEASE_TOKEN = SCHEMAS["LeaseToken"]["examples"][0]
FAR = "/v1/jobs/" + ID  # a job that nobody knows: what passes the checks is 404
PROOF = {"token": LEASE_TOKEN}
ERROR = {"type": "E", "message": "m"}


class World:
    """One server, its store, and a client with the token."""

    def __init__(self, folder: Path) -> None:
        self.store = StoreProcess(valkey_binary(), folder / "store", DURABLE)
        self.server = ServerProcess(folder, redis_url=self.store.url, env=SMALL)
        self.http = httpx.Client(headers=AUTHORIZED, timeout=20.0)
        self._folder = folder

    @contextmanager
    def running(self) -> Iterator["World"]:
        try:
            self.store.start()
            self.server.start()
            self.http.base_url = self.server.url
            yield self
        finally:
            self.http.close()
            self.server.end()
            self.store.stop()

    @contextmanager
    def everyday(self) -> Iterator[httpx.Client]:
        """A client of another server on the same store: it has everybody's clock."""
        env = {"HEADRACE_TOKENS": TOKEN, "HEADRACE_NAMESPACE": "everyday"}
        server = ServerProcess(self._folder / "everyday", redis_url=self.store.url, env=env)
        try:
            with httpx.Client(base_url=server.start().url, headers=AUTHORIZED) as client:
                yield client
        finally:
            server.end()

    def call(self, operation: Operation, **options: Any) -> httpx.Response:
        """Send the example request of an operation; a job in its path is one that nobody knows."""
        return self.http.request(operation.method, path_of(operation), **{**example_of(operation), **options})

    def enqueue(self, queue: str, **fields: Any) -> Document:
        """Return a new job, ready in `queue`."""
        reply = self.http.post("/v1/jobs", json={"task": "a", "queue": queue, **fields})
        assert reply.status_code == 201, reply.text
        job: Document = reply.json()
        return job

    def lease(self, queue: str) -> Document:
        """Return a job of `queue` with its token, newly enqueued and leased."""
        self.enqueue(queue)
        [leased] = self.http.post("/v1/leases", json={"queues": [queue], "worker": {"id": "w"}}).json()["jobs"]
        assert isinstance(leased, dict)
        return leased


def refused_at(reply: httpx.Response, *pointers: str) -> None:
    """Hold a refusal to the places of its faults."""
    assert reply.status_code in (413, 422), reply.text
    assert [fault["pointer"] for fault in reply.json()["errors"]] == list(pointers)


def taken(reply: httpx.Response) -> Document:
    """Return the reply to a request that passed all checks, though its job may be unknown."""
    assert reply.status_code in (200, 201, 202, 404), reply.text
    document: Document = reply.json()
    return document


def path_of(operation: Operation, **given: str) -> str:
    """Return the path of an operation with an example for each parameter that is not given."""
    path = operation.path
    for parameter in (resolve(node) for node in operation.spec.get("parameters", [])):
        if parameter["in"] == "path":
            schema = resolve(parameter["schema"])
            value = given.get(parameter["name"]) or (schema.get("examples") or schema["enum"])[0]
            path = path.replace(f"{{{parameter['name']}}}", value)
    return path


def example_of(operation: Operation) -> Document:
    """Return the first example body of an operation as options of a request."""
    if "requestBody" not in operation.spec:
        return {}
    content = resolve(operation.spec["requestBody"])["content"]["application/json"]
    return {"json": next(iter(content["examples"].values()))["value"]}


Story = Callable[[World, str], list[httpx.Response]]
