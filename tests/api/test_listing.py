"""GET /v1/jobs, and what lies below one job: attempts and explanations."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.anyio

ERROR = {"type": "ValueError", "message": "no", "stack": "s", "details": {"n": 1}}


async def _ids(api: Api, query: str) -> set[str]:
    """Return the ids of every page."""
    found: set[str] = set()
    url = f"/v1/jobs?{query}"
    while True:
        reply = await api.get(url)
        assert reply.status_code == 200, reply.text
        found |= {job["id"] for job in reply.json()["jobs"]}
        if "cursor" not in reply.json():
            assert "link" not in reply.headers
            return found
        url = str(reply.links["next"]["url"])


async def _nack(api: Api, job: dict[str, Any], error: dict[str, Any] = ERROR, **more: Any) -> None:
    reply = await api.post(f"/v1/jobs/{job['id']}/nack", {"token": job["token"], "error": error, **more})
    assert reply.status_code == 200, reply.text


async def test_a_list_shows_jobs_without_what_they_carry(api: Api) -> None:
    job = await api.leased(payload=[1], meta={"a": 1}, tags={"tenant": "acme"}, limits=["l"], result_ttl_ms=0)
    await _nack(api, job, retryable=False)
    reply = await api.get("/v1/jobs?state=dead")
    [found] = reply.json()["jobs"]
    assert found["error"] == {"type": "ValueError", "message": "no"}
    assert (found["id"], found["state"], found["reason"]) == (job["id"], "dead", "not_retryable")
    assert (found["tags"], found["limits"], found["max_crashes"]) == ({"tenant": "acme"}, ["l"], 5)
    assert {"payload", "meta", "trace", "progress", "checkpoint"} & set(found) == set()
    assert reply.json()["scanned"] >= 1
    assert reply.json()["server_time"]


async def test_every_filter_must_hold(api: Api) -> None:
    mail = await api.enqueue(queue="mail", task="send", tags={"tenant": "a=b: c"})
    news = await api.enqueue(queue="news", task="send", delay_ms=60_000)
    other = await api.enqueue(queue="mail", task="drop", tags={"tenant": "z"})
    assert await _ids(api, "") == {mail["id"], news["id"], other["id"]}
    assert await _ids(api, "queue=mail") == {mail["id"], other["id"]}
    assert await _ids(api, "task=send") == {mail["id"], news["id"]}
    assert await _ids(api, "task=send&queue=mail") == {mail["id"]}
    assert await _ids(api, "state=scheduled") == {news["id"]}
    assert await _ids(api, "state=scheduled,ready") == await _ids(api, "state=ready&state=scheduled")
    assert await _ids(api, f"tag={quote('tenant:a=b: c')}") == {mail["id"]}
    assert await _ids(api, "queue=nobody") == set()


async def test_dead_jobs_are_found_by_the_type_of_their_error(api: Api) -> None:
    first, second = await api.leased(), await api.leased()
    await _nack(api, first, retryable=False)
    await _nack(api, second, {"type": "KeyError", "message": "m"}, retryable=False)
    assert await _ids(api, "state=dead&error_type=KeyError") == {second["id"]}


async def test_jobs_are_found_by_time(api: Api) -> None:
    first = await api.enqueue()
    second = await api.enqueue()
    while second["enqueued_at"] == first["enqueued_at"]:
        second = await api.enqueue()
    between = quote(second["enqueued_at"])
    assert first["id"] in await _ids(api, f"enqueued_before={between}")
    after = await _ids(api, f"enqueued_after={between}")
    assert (second["id"] in after, first["id"] in after) == (True, False)
    await api.post(f"/v1/jobs/{first['id']}/cancel", {})
    assert await _ids(api, f"finished_after={between}") == {first["id"]}
    assert await _ids(api, f"finished_before={quote('2001-01-01T00:00:00+00:00')}") == set()


async def test_pages_together_are_the_whole_list(api: Api) -> None:
    jobs = [{"task": "t", "queue": f"q.{n % 3}"} for n in range(25)]
    made = (await api.post("/v1/jobs/batch", {"jobs": jobs})).json()["jobs"]
    assert await _ids(api, "limit=4") == {job["id"] for job in made}
    first = await api.get("/v1/jobs?limit=4&queue=q.1&state=ready")
    assert len(first.json()["jobs"]) == 4
    rest = await api.get(str(first.links["next"]["url"]))
    assert {job["queue"] for job in rest.json()["jobs"]} == {"q.1"}


@pytest.mark.parametrize("cursor", ["x", "AAAA", "{}"])
async def test_a_cursor_of_somebody_else_is_refused(api: Api, cursor: str) -> None:
    reply = await api.get(f"/v1/jobs?cursor={quote(cursor)}")
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_cursor")


async def test_a_cursor_belongs_to_its_filters(api: Api) -> None:
    for _ in range(3):
        await api.enqueue()
    cursor = (await api.get("/v1/jobs?limit=1&state=ready")).json()["cursor"]
    reply = await api.get(f"/v1/jobs?limit=1&state=dead&cursor={cursor}")
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_cursor")


async def test_all_faults_of_a_query_are_listed(api: Api) -> None:
    query = "queue=a%20b&state=ready,gone&task=&tag=x&limit=201&enqueued_after=soon&sort=id&cursor="
    reply = await api.get(f"/v1/jobs?{query}")
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")
    assert {fault["pointer"] for fault in reply.json()["errors"]} == {
        *("/queue", "/state/1", "/task", "/tag", "/limit", "/enqueued_after", "/sort", "/cursor"),
    }


async def test_attempts_tell_what_came_of_each(api: Api) -> None:
    job = await api.leased(retry={"initial_ms": 0})
    await _nack(api, job, retry_in_ms=0)
    [again] = await api.lease(wait_ms=10_000, worker={"id": "w2"})
    path = f"/v1/jobs/{job['id']}/attempts"
    failed, running = (await api.get(path)).json()["attempts"]
    assert (failed["attempt"], failed["delivery"], failed["outcome"]) == (1, 1, "failed")
    assert failed["error"] == ERROR
    assert failed["started_at"] <= failed["ended_at"]
    assert (running["attempt"], running["outcome"], running["worker"]) == (2, "running", "w2")
    assert "ended_at" not in running
    await api.post(f"/v1/jobs/{job['id']}/ack", {"token": again["token"]})
    reply = (await api.get(path)).json()
    assert reply["job_id"] == job["id"]
    assert [each["outcome"] for each in reply["attempts"]] == ["failed", "succeeded"]


async def test_a_job_that_never_ran_has_no_attempts(api: Api) -> None:
    job = await api.enqueue()
    assert (await api.get(f"/v1/jobs/{job['id']}/attempts")).json() == {"job_id": job["id"], "attempts": []}


async def _reasons(api: Api, job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    reply = await api.get(f"/v1/jobs/{job['id']}/explain")
    assert reply.status_code == 200, reply.text
    found = reply.json()
    assert found["summary"]
    assert found["reasons"][0]["detail"].startswith(found["summary"])
    return {reason["code"]: reason for reason in found["reasons"]}


async def test_an_explanation_names_what_is_in_the_way(api: Api) -> None:
    await api.http.put("/v1/limits/smtp", json={"concurrency": 1})
    held = await api.leased(limits=["smtp:a"])
    job = await api.enqueue(limits=["smtp:a"])
    found = (await _reasons(api, job))["limit_concurrency"]
    assert (found["key"], found["in_use"], found["limit"]) == ("smtp:a", 1, 1)
    await api.http.post("/v1/queues/default/pause", json={"for_ms": 60_000})
    paused = (await _reasons(api, job))["queue_paused"]
    assert paused["until"] in paused["detail"]
    assert "leased" in await _reasons(api, held)
    later = await api.enqueue(delay_ms=60_000)
    assert (await _reasons(api, later))["not_due"]["until"] == later["run_at"]


async def test_an_explanation_says_whether_somebody_asks(api: Api) -> None:
    job = await api.enqueue(queue="lonely")
    assert "Start a worker" in (await _reasons(api, job))["no_poller"]["detail"]
    await api.http.post("/v1/queues/lonely/pause")
    assert await api.lease(queues=["lonely"]) == []
    assert "no_poller" not in await _reasons(api, job)
