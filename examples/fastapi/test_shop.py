"""The shop's own tests: `pytest` in this folder, with a real server and a real worker."""

import asyncio

import httpx
from headrace import App
from headrace.testing import AssertEnqueued
from headrace_worker.testing import WorkerThread
from shop import api, charge

ORDER = {"email": "ada@shop.example", "cents": 1250}


async def order_and_wait(wait: int) -> dict[str, str]:
    transport = httpx.ASGITransport(app=api)
    async with api.router.lifespan_context(api), httpx.AsyncClient(transport=transport, base_url="http://shop") as http:
        job = (await http.post("/orders", json=ORDER)).json()["job"]
        shown: dict[str, str] = (await http.get(f"/orders/{job}", params={"wait": wait})).json()
        return shown


def test_an_order_becomes_a_job(headrace_app: App, assert_enqueued: AssertEnqueued) -> None:
    assert asyncio.run(order_and_wait(0))["state"] == "ready"
    assert_enqueued(charge, [ORDER], queue="shop", count=1)


def test_an_order_is_charged(headrace_worker: WorkerThread) -> None:
    shown = asyncio.run(order_and_wait(10))
    assert shown == {"state": "succeeded", "receipt": "ada@shop.example paid 12.50"}
