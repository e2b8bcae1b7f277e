"""A FastAPI application's lifespan around the app's connections, and its client as a dependency."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from headrace import App, AsyncClient
from headrace.contrib.fastapi import Headrace

pytestmark = pytest.mark.anyio


def browser(api: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url="http://api.test")


async def test_the_connections_end_with_the_application() -> None:
    queue = App("http://192.0.2.1:1")
    jobs = Headrace(queue)
    async with jobs.lifespan(FastAPI()):
        client = await jobs.client()
        assert client is queue.async_client
    assert queue.async_client is not client
    with pytest.raises(RuntimeError, match="closed"):
        await client.get("0190b5f2-0000-7000-8000-000000000000")
    await queue.aclose()


async def test_the_applications_own_lifespan_runs_inside() -> None:
    queue, seen = App("http://192.0.2.1:1"), []

    @asynccontextmanager
    async def own(api: FastAPI) -> AsyncGenerator[dict[str, str], None]:
        client = queue.async_client
        yield {"name": api.title}
        seen.append(queue.async_client is client)  # still open

    api = FastAPI(title="shop", lifespan=Headrace(queue, lifespan=own).lifespan)
    async with api.router.lifespan_context(api) as state:
        assert state == {"name": "shop"}
    assert seen == [True]


async def test_a_dependency_can_be_replaced() -> None:
    jobs = Headrace(App("http://192.0.2.1:1"))
    api = FastAPI()

    @api.get("/")
    async def where(_: Request, client: Annotated[AsyncClient, Depends(jobs.client)]) -> str:
        return client.url

    other = AsyncClient("http://192.0.2.2:2")
    async with browser(api) as http:
        assert (await http.get("/")).json() == "http://192.0.2.1:1"
        api.dependency_overrides[jobs.client] = lambda: other
        assert (await http.get("/")).json() == "http://192.0.2.2:2"
    await other.close()
    await jobs.app.aclose()
