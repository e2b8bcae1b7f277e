"""The application in this process, over a real engine and a real store; real servers are in tests/conftest.py."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import msgpack
import pytest
from headrace_server.api import Application, Door, Limits, Services, Status
from headrace_server.api.documents import routes as document_routes
from headrace_server.api.routes import ROUTES
from headrace_server.engine import VERBS, Engine
from headrace_server.loops import run_loops
from headrace_server.telemetry.meters import Layout, Meters
from starlette.routing import Route

from tests.support.stores import StoreProcess
from tests.support.watch import watch

URL = "http://localhost"
MSGPACK = "application/msgpack"
# small, so that tests reach them quickly
LIMITS = Limits(max_header_bytes=8 * 1024, max_body_bytes=64 * 1024, max_payload_bytes=16 * 1024)


ASKED = [(route.path, method) for route in ROUTES for method in route.methods or ()]
OPEN_DOOR = Door(tokens=[], allowed_origins=[], host="127.0.0.1", any_host=False)


@dataclass
class Api:
    """What a test talks to: the client, and the parts behind it."""

    http: httpx.AsyncClient
    engine: Engine
    status: Status
    application: Application

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """POST a JSON body; header names with underscores for dashes."""
        return await self.http.post(path, json=body, headers=_dashed(headers))

    async def post_msgpack(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """POST a msgpack body and read msgpack."""
        sent = {"content-type": MSGPACK, "accept": MSGPACK, **_dashed(headers)}
        return await self.http.post(path, content=msgpack.packb(body), headers=sent)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=_dashed(headers))

    async def enqueue(self, **fields: Any) -> dict[str, Any]:
        """Enqueue one job; return its document."""
        reply = await self.post("/v1/jobs", {"task": "t", **fields})
        assert reply.status_code == 201, reply.text
        found: dict[str, Any] = reply.json()
        return found

    async def lease(self, **fields: Any) -> list[dict[str, Any]]:
        """Lease from the default queue; return the jobs."""
        reply = await self.post("/v1/leases", {"queues": ["default"], **fields})
        assert reply.status_code == 200, reply.text
        jobs: list[dict[str, Any]] = reply.json()["jobs"]
        return jobs

    async def leased(self, **fields: Any) -> dict[str, Any]:
        """Enqueue a job and lease it."""
        await self.enqueue(**fields)
        [job] = await self.lease()
        return job


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _client(application: Application) -> httpx.AsyncClient:
    watch(URL)
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=URL)


@pytest.fixture
async def api(valkey: StoreProcess, anyio_backend: str) -> AsyncIterator[Api]:
    """The application on an empty store, with its loops running."""
    engine = Engine(valkey.url, meters=Meters(Layout(ASKED, VERBS, ())))
    await engine.start()
    status = Status("0", "fsync", 1, "valkey", "9", embedded=False)
    services = Services(engine=engine, status=status, limits=LIMITS)
    door = Door(tokens=[], allowed_origins=["https://ui.example"], host="127.0.0.1", any_host=False)
    application = Application(services, door, [*ROUTES, *document_routes])
    loops = asyncio.create_task(run_loops(engine))
    async with _client(application) as http:
        yield Api(http, engine, status, application)
    loops.cancel()
    await asyncio.wait((loops,))
    await engine.close()


@pytest.fixture
def without_store(anyio_backend: str) -> Api:
    """The application over a store that nobody runs."""
    meters = Meters(Layout(ASKED, VERBS, ()))
    engine = Engine("unix:///nonexistent/headrace-test.sock", connect_timeout_ms=100, meters=meters)
    status = Status("0", "fsync", 1, "valkey", "9", embedded=False)
    services = Services(engine=engine, status=status, limits=LIMITS)
    application = Application(services, OPEN_DOOR, ROUTES)
    return Api(_client(application), engine, status, application)


def with_door(api: Api, door: Door, routes: Sequence[Route] | None = None) -> httpx.AsyncClient:
    """Return a client of the same application behind another door, or with other routes."""
    services = Services(engine=api.engine, status=api.status, limits=LIMITS)
    return _client(Application(services, door, routes or api.application.routes))
