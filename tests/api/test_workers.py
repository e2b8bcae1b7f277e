"""Workers as such over HTTP: heartbeats, what is known of workers, what they are told."""

import asyncio
from datetime import datetime
from typing import Any

import msgpack
import pytest

from tests.api.conftest import Api
from tests.support.stores import StoreProcess

pytestmark = pytest.mark.anyio

INFO = {
    "host": "worker-host",
    "pid": 4711,
    "state": "run",
    "queues": ["high", "default"],
    "slots": 16,
    "busy": 1,
    "processes": 2,
    "tasks": ["t", "u"],
    "versions": {"headrace": "0.1.0"},
    "rss_bytes": 80_000_000,
    "started_at": "2026-01-02T03:04:05.678Z",
    "counts": {"succeeded": 5, "failed": 1, "retried": 2},
    "labels": {"zone": "eu-1"},
}


async def beat(api: Api, worker: str = "w1", **body: Any) -> dict[str, Any]:
    """Send a heartbeat; return the answer."""
    reply = await api.post(f"/v1/workers/{worker}/heartbeat", body)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def known(api: Api, worker: str = "w1") -> dict[str, Any]:
    reply = await api.get(f"/v1/workers/{worker}")
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def test_a_worker_is_known_by_what_it_said(api: Api) -> None:
    answer = await beat(api, info=INFO)
    assert answer == {"directive": "run", "leases": [], "server_time": answer["server_time"]}
    found = await known(api)
    assert found["info"] == INFO
    assert (found["id"], found["state"], found["directive"]) == ("w1", "up", "run")
    assert found["registered_at"] == found["last_seen_at"] < found["lost_at"]
    assert (found["leased"], found["job_ids"]) == (0, [])
    await beat(api)
    assert (await known(api))["info"] == INFO  # what was said stays


async def test_a_worker_that_says_nothing_of_itself_is_known_all_the_same(api: Api) -> None:
    await beat(api)
    assert "info" not in await known(api)


async def test_what_a_worker_says_may_come_and_go_as_msgpack(api: Api) -> None:
    await api.post_msgpack(
        "/v1/workers/w1/heartbeat", {"info": {**INFO, "started_at": "2026-01-02T04:04:05.678+01:00"}}
    )
    reply = await api.get("/v1/workers/w1", accept="application/msgpack")
    assert msgpack.unpackb(reply.content)["info"] == INFO


async def test_the_record_names_the_jobs_whose_leases_live(api: Api) -> None:
    job = await api.leased()
    held = {"job_id": job["id"], "token": job["token"]}
    answer = await beat(api, leases=[held, {**held, "token": "0" * 32}, {"job_id": "none"}])
    assert [lease["status"] for lease in answer["leases"]] == ["ok", "lease_lost", "invalid"]
    found = await known(api)
    assert (found["leased"], found["job_ids"]) == (1, [job["id"]])
    await beat(api)
    assert (await known(api))["leased"] == 0


async def test_when_the_next_heartbeat_comes_says_when_a_worker_is_lost(api: Api) -> None:
    async def patience_ms(**body: Any) -> float:
        now = (await beat(api, **body))["server_time"]
        lost_at = (await known(api))["lost_at"]
        return (_instant(lost_at) - _instant(now)) * 1000

    assert await patience_ms() == pytest.approx(100_000)
    assert await patience_ms(next_ms=15_000) == pytest.approx(40_000)


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def test_a_goodbye_keeps_the_leases_and_forgets_the_worker(api: Api) -> None:
    job = await api.leased()
    await beat(api, info=INFO)
    held = {"job_id": job["id"], "token": job["token"], "extend_ms": 90_000}
    answer = await beat(api, leases=[held], final=True)
    assert [lease["status"] for lease in answer["leases"]] == ["ok"]
    assert (await api.get("/v1/workers/w1")).json()["code"] == "no_such_worker"


async def test_what_is_too_much_to_keep_is_refused_before_anything_is_done(api: Api) -> None:
    job = await api.leased()
    held = {"job_id": job["id"], "token": job["token"], "extend_ms": 90_000}
    tasks = [f"{n:0128}" for n in range(200)]
    reply = await api.post("/v1/workers/w1/heartbeat", {"leases": [held], "info": {"tasks": tasks}})
    assert (reply.status_code, [fault["pointer"] for fault in reply.json()["errors"]]) == (422, ["/info"])
    read = (await api.get(f"/v1/jobs/{job['id']}")).json()
    assert read["deadline"] == job["deadline"]


async def test_every_fault_of_what_a_worker_says_is_listed(api: Api) -> None:
    said = {"pid": -1, "state": "dead", "queues": ["a b"], "counts": {"lost": 1}, "started_at": "yesterday", "x": 1}
    reply = await api.post("/v1/workers/w1/heartbeat", {"info": said, "next_ms": 999, "final": 1})
    assert reply.status_code == 422
    assert {fault["pointer"] for fault in reply.json()["errors"]} == {
        "/info/x",
        "/info/pid",
        "/info/state",
        "/info/queues/0",
        "/info/counts/lost",
        "/info/started_at",
        "/next_ms",
        "/final",
    }


async def test_a_directive_is_told_by_heartbeats_and_leases(api: Api) -> None:
    await beat(api)
    await api.enqueue()
    for verb, directive in (("quiet", "quiet"), ("stop", "stop")):
        reply = await api.post(f"/v1/workers/w1/{verb}", None)
        assert (reply.status_code, reply.json()["directive"]) == (200, directive)
        assert (await beat(api))["directive"] == directive
        leased = (await api.post("/v1/leases", {"queues": ["default"], "worker": {"id": "w1"}})).json()
        assert (leased["jobs"], leased["directive"]) == ([], directive)
    await api.post("/v1/workers/w1/resume", None)
    leased = (await api.post("/v1/leases", {"queues": ["default"], "worker": {"id": "w1"}})).json()
    assert (len(leased["jobs"]), leased["directive"]) == (1, "run")


async def test_who_gives_no_id_is_told_nothing(api: Api) -> None:
    assert "directive" not in (await api.post("/v1/leases", {"queues": ["default"]})).json()


async def test_a_worker_that_never_registered_may_run(api: Api) -> None:
    """Heartbeats are for those that want to be seen: a lease needs none."""
    await api.enqueue()
    leased = (await api.post("/v1/leases", {"queues": ["default"], "worker": {"id": "w9"}})).json()
    assert (len(leased["jobs"]), leased["directive"]) == (1, "run")
    assert (await api.get("/v1/workers/w9")).status_code == 404


async def test_a_quiet_worker_still_settles_in_a_lease_request(api: Api) -> None:
    job = await api.leased()
    await beat(api)
    await api.post("/v1/workers/w1/quiet", None)
    await api.enqueue()
    done = {"op": "ack", "job_id": job["id"], "token": job["token"]}
    body = {"queues": ["default"], "worker": {"id": "w1"}, "complete": [done], "wait_ms": 20_000}
    reply = (await api.post("/v1/leases", body)).json()
    assert ([item["status"] for item in reply["completed"]], reply["jobs"], reply["directive"]) == (["ok"], [], "quiet")


async def test_a_parked_poll_is_answered_with_the_directive(api: Api) -> None:
    await beat(api)
    body = {"queues": ["default"], "worker": {"id": "w1"}, "wait_ms": 20_000}
    polling = asyncio.create_task(api.post("/v1/leases", body))
    while not api.engine._parking:
        await asyncio.sleep(0)
    await api.post("/v1/workers/w1/quiet", None)
    reply = (await asyncio.wait_for(polling, 2)).json()
    assert (reply["jobs"], reply["directive"]) == ([], "quiet")


async def test_nobody_is_an_unknown_worker_whatever_one_does(api: Api) -> None:
    for name in ("nobody", "a%2Fb", "%20"):
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/quiet"), ("POST", "/stop"), ("POST", "/resume")):
            reply = await api.http.request(method, f"/v1/workers/{name}{path}")
            assert reply.status_code == 404, (method, name, path)
    reply = await api.get("/v1/workers/nobody")
    assert reply.json()["code"] == "no_such_worker"


async def test_a_lost_worker_can_be_forgotten_and_a_live_one_not(api: Api) -> None:
    await beat(api)
    reply = await api.http.delete("/v1/workers/w1")
    assert (reply.status_code, reply.json()["code"]) == (409, "worker_up")
    await api.engine._shards[0].ask("heartbeat", [1, "w1", 0, "", 0, b"", ""])  # one after which it is lost at once
    assert (await known(api))["state"] == "lost"
    assert (await api.http.delete("/v1/workers/w1")).status_code == 204
    assert (await api.http.delete("/v1/workers/w1")).status_code == 404


async def test_workers_are_listed_page_by_page_with_links(api: Api) -> None:
    for worker in ("a", "b", "c"):
        await beat(api, worker, info={"queues": [worker, "all"], "tasks": ["t"]})
    page = await api.get("/v1/workers?queue=all&task=t&state=up&limit=2")
    assert [worker["id"] for worker in page.json()["workers"]] == ["a", "b"]
    rest = await api.get(page.links["next"]["url"])
    assert [worker["id"] for worker in rest.json()["workers"]] == ["c"]
    assert "cursor" not in rest.json()
    assert "next" not in rest.links
    found = (await api.get("/v1/workers?queue=b")).json()
    assert [worker["id"] for worker in found["workers"]] == ["b"]
    assert found["scanned"] == 3


async def test_explain_names_the_missing_worker_and_what_to_do(api: Api) -> None:
    await beat(api, info={"queues": ["default"], "tasks": ["other"]})
    job = await api.enqueue()
    told = (await api.get(f"/v1/jobs/{job['id']}/explain")).json()
    [reason] = [reason for reason in told["reasons"] if reason["code"] == "no_worker"]
    assert told["summary"] == (
        "Of the workers that are known, none lives that takes jobs of the queue default and knows the task t."
    )
    assert "GET /v1/workers?task=t" in reason["detail"]


@pytest.mark.breaks_store("so that the registry fails and nothing else")
async def test_leases_are_answered_though_the_registry_fails(api: Api, valkey: StoreProcess) -> None:
    """On many shards the first one may be away while the leases of others are extended: that must be told."""
    job = await api.leased()
    valkey.call("SET", "hr:{0}:fleet:names", "what no script can use")
    answer = await beat(api, leases=[{"job_id": job["id"], "token": job["token"]}])
    assert [lease["status"] for lease in answer["leases"]] == ["ok"]
    assert "directive" not in answer
    reply = await api.post("/v1/workers/w1/heartbeat", {"info": INFO})
    assert (reply.status_code, reply.json()["outcome"]) == (504, "unknown")


async def test_without_a_store_nothing_is_known(without_store: Api) -> None:
    for method, path in (("GET", ""), ("GET", "/w"), ("POST", "/w/quiet"), ("DELETE", "/w"), ("POST", "/w/heartbeat")):
        body = {} if path.endswith("heartbeat") else None
        reply = await without_store.http.request(method, f"/v1/workers{path}", json=body)
        assert (reply.status_code, reply.json()["code"]) == (503, "store_unreachable"), path
