"""Headrace in a FastAPI application: its connections end with the application, and routes may ask for its client.

    queue = App()
    jobs = Headrace(queue)
    api = FastAPI(lifespan=jobs.lifespan)

    @api.post("/orders/{number}", status_code=202)
    async def order(number: int) -> dict[str, str]:
        handle = await send_receipt.adelay(number)
        return {"job": handle.id}

    @api.get("/jobs/{job_id}")
    async def job(job_id: str, client: Annotated[AsyncClient, Depends(jobs.client)]) -> dict[str, str]:
        return {"state": (await client.get(job_id)).state}

Who puts jobs in by `adelay` needs no dependency.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

from fastapi import FastAPI

from headrace.aio import AsyncClient
from headrace.app import App

State: TypeAlias = Mapping[str, Any]
Lifespan: TypeAlias = Callable[[FastAPI], AbstractAsyncContextManager[State | None]]


class Headrace:
    """What a FastAPI application needs of an `App`; `lifespan` is the application's own one, run inside of ours."""

    def __init__(self, app: App, lifespan: Lifespan | None = None) -> None:
        self.app = app
        self._inner = lifespan

    @asynccontextmanager
    async def lifespan(self, api: FastAPI) -> AsyncGenerator[State, None]:
        """Close the app's connections when the application ends; for `FastAPI(lifespan=...)`.

        Nothing connects before the first call, so an application starts while the server is away.
        """
        try:
            if self._inner is None:
                yield {}
            else:
                async with self._inner(api) as state:
                    yield state or {}
        finally:
            await self.app.aclose()

    async def client(self) -> AsyncClient:
        """Return the app's client for the running event loop; a dependency: `Depends(jobs.client)`."""
        return self.app.async_client
