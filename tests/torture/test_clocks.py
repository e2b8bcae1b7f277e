"""G17: clocks of real servers that are a day wrong change nothing."""

from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.servers import ServerProcess
from tests.support.shims import Clock
from tests.support.stores import StoreProcess
from tests.torture.history import to_instant, to_ms

pytestmark = pytest.mark.torture

MakeStore = Callable[..., StoreProcess]
MakeServer = Callable[..., ServerProcess]
DAY_MS = 24 * 3600 * 1000


class Caller:
    """A client of one server."""

    def __init__(self, server: ServerProcess) -> None:
        self._http = httpx.Client(base_url=server.url, timeout=30.0)

    def post(self, path: str, **body: Any) -> Any:
        reply = self._http.post(f"/v1/{path}", json=body)
        assert reply.is_success, reply.text
        return reply.json()

    def lease(self, wait_ms: int = 0, **other: Any) -> tuple[int, list[Any]]:
        """Return the store's time and the jobs."""
        reply = self.post("leases", **{"queues": ["q"], "max": 9, "wait_ms": wait_ms, **other})
        return to_ms(reply["server_time"]), reply["jobs"]

    def date_ms(self) -> float:
        """Return the server's own idea of the time."""
        return parsedate_to_datetime(self._http.get("/livez").headers["Date"]).timestamp() * 1000

    def close(self) -> None:
        self._http.close()


MakeCaller = Callable[[ServerProcess], Caller]


def store_ms(store: StoreProcess) -> int:
    seconds, us = store.call("TIME")
    return int(seconds) * 1000 + int(us) // 1000


@pytest.fixture
def call() -> Iterator[Callable[[ServerProcess], Caller]]:
    """A maker of callers."""
    made: list[Caller] = []

    def make(server: ServerProcess) -> Caller:
        made.append(Caller(server))
        return made[-1]

    yield make
    for caller in made:
        caller.close()


def test_g17_wrong_clocks_of_servers_change_nothing(
    make_store: MakeStore, make_server: MakeServer, call: MakeCaller, tmp_path: Path
) -> None:
    """G17: one server lives tomorrow, the other one yesterday, and only the store's clock counts."""
    store = make_store()
    callers = []
    for name, shift_ms in (("tomorrow", DAY_MS), ("yesterday", -DAY_MS)):
        clock = Clock(tmp_path / name)
        clock.shift_ms(shift_ms)
        callers.append(call(make_server(redis_url=store.url, env=clock.env)))
        assert abs(callers[-1].date_ms() - store_ms(store) - shift_ms) < 5_000, "the shim works"
    for producer, worker in (callers, callers[::-1]):
        live_a_life(store, producer, worker)


def live_a_life(store: StoreProcess, producer: Caller, worker: Caller) -> None:
    """Delay, lease, extend, fail, retry and finish a job over two servers."""
    now_ms = store_ms(store)
    job = producer.post("jobs", task="t", queue="q", delay_ms=300, expires_at=to_instant(now_ms + 60_000))
    assert 300 <= to_ms(job["run_at"]) - now_ms < 2_000
    at_ms, [first] = worker.lease(wait_ms=5_000, lease_ms=10_000)
    assert 0 <= at_ms - to_ms(job["run_at"]) < 1_000
    assert to_ms(first["deadline"]) == at_ms + 10_000
    longer = producer.post(f"jobs/{job['id']}/extend", token=first["token"], lease_ms=20_000)
    assert longer["status"] == "ok"
    assert 20_000 <= to_ms(longer["deadline"]) - at_ms < 22_000
    failed = producer.post(
        f"jobs/{job['id']}/nack", token=first["token"], error={"type": "E", "message": "m"}, retry_in_ms=300
    )
    assert (failed["status"], failed["state"]) == ("ok", "retrying")
    at_ms, [second] = worker.lease(wait_ms=5_000)
    assert 0 <= at_ms - to_ms(failed["run_at"]) < 1_000
    assert second["fence"] > first["fence"]
    assert producer.post(f"jobs/{job['id']}/ack", token=second["token"])["status"] == "ok"
