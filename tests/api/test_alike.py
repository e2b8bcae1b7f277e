"""POST /v1/jobs/batch with jobs that have nothing of their own but payloads: read and written as one thing.

Who sends them cannot tell: all is as if each job had said itself what the defaults say.
"""

from typing import Any

import msgpack
import pytest

from tests.api.conftest import LIMITS, Api

pytestmark = pytest.mark.anyio

# What makes a job one that goes the other way; it is what holds anyway.
APART = {"expires_in_ms": 10**9}
CHOSEN = ("id", "enqueued_at", "run_at", "expires_at")  # another one for each job


def batch(jobs: list[dict[str, Any]], **defaults: Any) -> dict[str, Any]:
    return {"atomic": False, "defaults": {"task": "t", **defaults}, "jobs": jobs}


def payloads(*values: Any) -> list[dict[str, Any]]:
    return [{"payload": value} for value in values]


async def found(api: Api, ids: list[str]) -> list[dict[str, Any]]:
    jobs = [(await api.get(f"/v1/jobs/{job_id}")).json() for job_id in ids]
    return [{name: value for name, value in job.items() if name not in CHOSEN} for job in jobs]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"queue": "mail", "priority": 7, "meta": {"k": [1]}, "lease_ms": 5_000, "max_crashes": 2},
        {"delay_ms": 60_000},
        {"run_at": "2001-01-01T00:00:00Z"},
        {"retention_ms": 60_000, "result_ttl_ms": 1, "retry": {"max_attempts": 9, "max_elapsed_ms": 5}},
        {"tags": {"customer": "c1"}},
        {"fairness_key": "f", "weight": 2, "ordering_key": "o", "limits": ["api"]},
        {"payload": {"of": "all"}},
    ],
)
@pytest.mark.parametrize("atomic", [False, True])
async def test_they_are_what_jobs_are_that_say_it_themselves(
    api: Api, options: dict[str, Any], *, atomic: bool
) -> None:
    jobs = [*payloads(1, {"a": "ü"}, [[]]), {}]
    said = [{"task": "t", **options, **job} for job in jobs]
    alone = [(await api.post("/v1/jobs", job)).json()["id"] for job in said]
    for body in (batch(jobs, **options), {"jobs": said}):
        for prefer in ("return=minimal", "return=representation"):
            reply = await api.post("/v1/jobs/batch", {**body, "atomic": atomic}, prefer=prefer)
            assert reply.status_code == (201 if atomic else 200)
            ids = _ids(reply.json())
            assert await found(api, ids) == await found(api, alone)
            assert sorted(ids) == ids
    if not {"delay_ms", "ordering_key"} & options.keys():
        leased = await api.lease(queues=["mail", "default"], max=20)
        assert [job["payload"] for job in leased] == [job.get("payload", options.get("payload")) for job in jobs] * 5


async def test_jobs_that_differ_in_more_are_not_taken_for_alike(api: Api) -> None:
    jobs: list[dict[str, Any]] = [
        *({"task": "t", "payload": 1, "meta": {"n": n}} for n in (1, 2)),
        *({"task": task, "payload": 1} for task in ("t", "u")),
        *({"task": "t", "payload": 1, "priority": n} for n in (0, 1)),
        *({"task": "t", "payload_raw": data, "payload_type": "a/b"} for data in ("AA==", "AQ==")),
        *({"task": "t", "queue": queue} for queue in ("a", "b")),
    ]
    for pair in zip(jobs[::2], jobs[1::2], strict=True):
        reply = await api.post("/v1/jobs/batch", {"jobs": pair, "atomic": False}, prefer="return=minimal")
        made = await found(api, _ids(reply.json()))
        assert [{name: job[name] for name in told} for job, told in zip(made, pair, strict=True)] == [*pair]


def _ids(reply: dict[str, Any]) -> list[str]:
    if "ids" in reply:
        assert reply["results"] == []
        ids: list[str] = reply["ids"]
        return ids
    return [job["id"] for job in reply.get("jobs") or [result["job"] for result in reply["results"]]]


async def test_each_has_a_rev_of_its_own(api: Api) -> None:
    reply = await api.post("/v1/jobs/batch", batch(payloads(1, 2, 3)))
    ids = [result["job"]["id"] for result in reply.json()["results"]]
    revs = [int((await api.get(f"/v1/jobs/{job_id}")).headers["etag"].strip('"')) for job_id in ids]
    assert revs == [revs[0], revs[0] + 1, revs[0] + 2]


DEEP: Any = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]


@pytest.mark.parametrize(
    ("jobs", "defaults"),
    [
        (payloads(1, "x" * LIMITS.max_payload_bytes), {}),
        (payloads(DEEP, 1), {}),
        (payloads(1, 2), {"task": "not a name"}),
        (payloads(1, 2), {"weight": 2}),
        (payloads(1, 2), {"payload": DEEP}),
        (payloads(1, 2), {"delay_ms": 1, "run_at": "2001-01-01T00:00:00Z"}),
        ([{"payload": 1, "payload_raw": ""}], {}),
        ([3, {}], {}),
        ([], {}),
    ],
)
@pytest.mark.parametrize("atomic", [False, True])
async def test_their_faults_have_the_same_words(
    api: Api, jobs: list[Any], defaults: dict[str, Any], *, atomic: bool
) -> None:
    """Beside a job that goes the other way the same ones are refused in the same way."""
    bodies = [{**batch([*jobs, *more], **defaults), "atomic": atomic} for more in ([], [APART])]
    ours, theirs = [(await api.post("/v1/jobs/batch", body)).json() for body in bodies]
    if not jobs:
        assert (ours["status"], ours["errors"][0]["pointer"]) == (422, "/jobs")
        return
    assert _faults(ours, len(jobs)) == _faults(theirs, len(jobs))


def _faults(reply: dict[str, Any], jobs: int) -> list[Any]:
    """Return what was wrong with the first jobs, or with all of it."""
    if "results" in reply:
        return [result.get("problem", {}).get("errors") for result in reply["results"][:jobs]]
    return [fault for fault in reply.get("errors", []) if not fault["pointer"].startswith(f"/jobs/{jobs}")]


async def test_a_unique_key_may_be_made_of_their_payloads(api: Api) -> None:
    body = batch(payloads(1, 2, 1), unique={"by": ["payload"], "on_conflict": "reject"})
    results = (await api.post("/v1/jobs/batch", body)).json()["results"]
    assert [result["status"] for result in results] == [201, 201, 409]


async def test_an_atomic_batch_of_them_has_the_same_bounds(api: Api) -> None:
    for options, most in (({}, 100), ({"tags": {"a": "b"}}, 50)):
        for count, status in ((most, 201), (most + 1, 422)):
            body = {**batch([{}] * count, **options), "atomic": True}
            assert (await api.post("/v1/jobs/batch", body)).status_code == status


async def test_g3_many_of_them_under_one_key(api: Api) -> None:
    """What was kept out the first time, a section and a half, is made the second time; the rest is what it was."""
    await api.http.put("/v1/queues/default", json={"max_depth": 150})
    body = batch(payloads(*range(300)))
    first = await api.post("/v1/jobs/batch", body, idempotency_key="k", prefer="return=minimal")
    told = first.json()
    assert [result["index"] for result in told["results"]] == [*range(150, 300)]
    assert {result["problem"]["code"] for result in told["results"]} == {"queue_full"}
    assert (told["ids"][150:], "" in told["ids"][:150]) == ([""] * 150, False)
    await api.http.put("/v1/queues/default", json={})
    again = (await api.post("/v1/jobs/batch", body, idempotency_key="k", prefer="return=minimal")).json()
    assert [result["index"] for result in again["results"]] == [*range(150)]
    assert again["ids"][:150] == told["ids"][:150]
    assert [job["payload"] for job in await api.lease(max=400)] == [*range(300)]


async def test_they_may_come_in_msgpack(api: Api) -> None:
    body = batch([{"payload": b"\x00"}, {"payload": {1: 2}}, {}])
    told = msgpack.unpackb((await api.post_msgpack("/v1/jobs/batch", body, prefer="return=minimal")).content)
    assert (told["state"], told["results"]) == ("ready", [])
    raw = [(await api.get(f"/v1/jobs/{job_id}/payload")).content for job_id in told["ids"]]
    assert raw == [b"\xc4\x01\x00", b"\x81\x01\x02", b"\xc0"]
    faulty = await api.post_msgpack("/v1/jobs/batch", batch([{"payload": 1}, {"payload": float("nan")}]))
    assert msgpack.unpackb(faulty.content)["results"][1]["problem"]["errors"][0]["pointer"] == "/jobs/1/payload"
