"""A shop in FastAPI: nothing blocks, neither the requests nor the tasks."""

import asyncio
from typing import Annotated

from fastapi import Depends, FastAPI
from headrace import App, AsyncClient
from headrace.contrib.fastapi import Headrace
from pydantic import BaseModel

queue = App()
jobs = Headrace(queue)
api = FastAPI(lifespan=jobs.lifespan)


class Order(BaseModel):
    """What a customer sends, and what the task gets."""

    email: str
    cents: int


class Progress(BaseModel):
    """How far the job of an order is."""

    state: str
    receipt: str | None = None


@queue.task(name="shop.charge", queue="shop", max_retries=5, retry_backoff=True)
async def charge(order: Order) -> str:
    """Charge an order and return the receipt."""
    await asyncio.sleep(0)  # where a real one awaits the bank
    return f"{order.email} paid {order.cents / 100:.2f}"


@api.post("/orders", status_code=202)
async def create(order: Order) -> dict[str, str]:
    """Take an order."""
    handle = await charge.adelay(order)
    return {"job": handle.id}


@api.get("/orders/{job_id}")
async def show(job_id: str, client: Annotated[AsyncClient, Depends(jobs.client)], wait: int = 0) -> Progress:
    """Tell how far an order is; `?wait=10` waits up to 10 seconds for its end."""
    job = await client.wait(job_id, timeout=wait)
    return Progress(state=job.state.value, receipt=job.result)
