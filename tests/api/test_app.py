"""The glue of app.py: what is watched beside the requests."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from headrace_server import app
from headrace_server.api import Status
from headrace_server.config import Settings

from tests.support.needs import missing
from tests.support.servers import ServerProcess
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually

BALLAST_BYTES = 8 * 1024**4  # sparse: it takes no room, yet the store would need twice as much


def _enqueue(server: ServerProcess) -> httpx.Response:
    return httpx.post(f"{server.url}/v1/jobs", json={"task": "t"})


def test_g23_a_disk_that_is_nearly_full_refuses_jobs_before_the_store_fails(
    make_server: Callable[..., ServerProcess],
) -> None:
    server = make_server()
    assert _enqueue(server).status_code == 201
    assert server.data_dir
    ballast = server.data_dir / "appendonlydir" / "ballast"
    _grow(ballast)
    eventually(lambda: _enqueue(server).status_code == 503, 10, "enqueues are refused")
    assert _enqueue(server).json()["code"] == "disk_low"
    [job] = httpx.post(f"{server.url}/v1/leases", json={"queues": ["default"]}).json()["jobs"]
    settled = httpx.post(f"{server.url}/v1/jobs/{job['id']}/ack", json={"token": job["token"]})
    assert settled.status_code == 200
    ballast.unlink()
    eventually(lambda: _enqueue(server).status_code == 201, 10, "enqueues are taken again")


def _grow(path: Path) -> None:
    with path.open("wb") as out:
        try:
            out.truncate(BALLAST_BYTES)
        except OSError as error:
            missing(f"this file system has no file of {BALLAST_BYTES} bytes: {error.strerror}")


@pytest.mark.anyio
async def test_a_store_that_begins_to_evict_turns_readiness_red_until_it_is_mended(valkey: StoreProcess) -> None:
    settings = Settings(redis_url=valkey.url)
    status = Status("0", "fsync", 1, "valkey", "9", embedded=False)
    async with app.open_store(settings) as store:
        try:
            valkey.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
            await app._check_gate(settings, store, status)
            assert "allkeys-lru" in status.refusal
        finally:
            valkey.call("CONFIG", "SET", "maxmemory-policy", "noeviction")
        await app._check_gate(settings, store, status)
        assert status.refusal == ""


@pytest.mark.anyio
async def test_a_store_that_is_away_for_a_moment_is_not_called_unfit(make_store: Callable[..., StoreProcess]) -> None:
    store_process = make_store()
    settings = Settings(redis_url=store_process.url, store_timeout_ms=500)
    status = Status("0", "fsync", 1, "valkey", "9", embedded=False)
    async with app.open_store(settings) as store:
        store_process.kill9()
        await app._check_gate(settings, store, status)
        assert status.refusal == ""
