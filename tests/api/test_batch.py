"""POST /v1/jobs/batch."""

from typing import Any

import msgpack
import pytest

from tests.api.conftest import Api

pytestmark = pytest.mark.anyio


async def _states(api: Api) -> dict[str, int]:
    page = (await api.get("/v1/queues")).json()["queues"]
    return {queue["queue"]: queue["backlog"] for queue in page}


async def test_an_atomic_batch_makes_all_jobs_in_order(api: Api) -> None:
    reply = await api.post("/v1/jobs/batch", {"jobs": [{"task": "t", "payload": n} for n in range(5)]})
    assert reply.status_code == 201
    assert [job["payload"] for job in reply.json()["jobs"]] == [0, 1, 2, 3, 4]
    assert [job["payload"] for job in await api.lease(max=10)] == [0, 1, 2, 3, 4]


async def test_one_fault_refuses_an_atomic_batch_and_all_faults_are_listed(api: Api) -> None:
    jobs = [{"task": "t"}, {"task": "t", "priority": -1}, {}, 3]
    reply = await api.post("/v1/jobs/batch", {"jobs": jobs})
    assert reply.status_code == 422
    assert [fault["pointer"] for fault in reply.json()["errors"]] == ["/jobs/1/priority", "/jobs/2/task", "/jobs/3"]
    assert await _states(api) == {}


async def test_defaults_lie_below_each_job(api: Api) -> None:
    defaults = {"task": "t", "queue": "mail", "delay_ms": 60_000, "retry": {"max_attempts": 9, "jitter": False}}
    jobs: list[dict[str, Any]] = [
        {},
        {"task": "own", "run_at": "2099-01-01T00:00:00Z", "retry": {"max_attempts": 2}},
    ]
    reply = await api.post("/v1/jobs/batch", {"defaults": defaults, "jobs": jobs})
    first, second = reply.json()["jobs"]
    assert (first["task"], first["queue"], first["max_attempts"]) == ("t", "mail", 9)
    assert first["run_at"] != "2099-01-01T00:00:00.000Z"
    # the job's own instant takes the place of the default delay, its retry that of the whole default
    assert (second["task"], second["queue"], second["max_attempts"]) == ("own", "mail", 2)
    assert second["run_at"] == "2099-01-01T00:00:00.000Z"


async def test_bytes_of_a_job_take_the_place_of_the_default_payload(api: Api) -> None:
    jobs: list[dict[str, Any]] = [{}, {"payload_raw": "AA==", "payload_type": "a/b"}]
    reply = await api.post("/v1/jobs/batch", {"defaults": {"task": "t", "payload": 7}, "jobs": jobs})
    first, second = reply.json()["jobs"]
    assert (first["payload"], "payload_raw" in first) == (7, False)
    assert (second["payload_raw"], "payload" in second) == ("AA==", False)


async def test_faults_of_the_defaults_have_their_own_pointers(api: Api) -> None:
    body = {"defaults": {"idempotency_key": "k", "priority": "high", "payload_raw": ""}, "jobs": [{"task": "t"}]}
    reply = await api.post("/v1/jobs/batch", body)
    pointers = {fault["pointer"] for fault in reply.json()["errors"]}
    assert pointers == {"/defaults/idempotency_key", "/defaults/priority", "/defaults/payload_raw"}


async def test_an_atomic_batch_stays_in_one_group_of_queues(api: Api) -> None:
    jobs = [{"task": "t", "queue": queue} for queue in ("mail.high", "mail", "web", "mail.low", "bulk")]
    reply = await api.post("/v1/jobs/batch", {"jobs": jobs})
    assert (reply.status_code, reply.json()["code"]) == (422, "other_group")
    assert [fault["pointer"] for fault in reply.json()["errors"]] == ["/jobs/2/queue", "/jobs/4/queue"]
    assert (await api.post("/v1/jobs/batch", {"jobs": jobs[:2]})).status_code == 201


@pytest.mark.parametrize(("count", "status"), [(100, 201), (101, 422)])
async def test_an_atomic_batch_has_at_most_100_jobs(api: Api, count: int, status: int) -> None:
    assert (await api.post("/v1/jobs/batch", {"jobs": [{"task": "t"}] * count})).status_code == status


async def test_a_job_that_is_dear_counts_two(api: Api) -> None:
    options = [{"limits": ["a"]}, {"fairness_key": "a"}, {"ordering_key": "a"}, {"tags": {"a": "b"}}, {"tags": {}}]
    jobs = [{"task": "t", **options[n % 5]} for n in range(56)]
    assert (await api.post("/v1/jobs/batch", {"jobs": jobs[:55]})).status_code == 201
    reply = await api.post("/v1/jobs/batch", {"jobs": jobs})
    assert reply.status_code == 422
    assert "counts 101" in reply.json()["errors"][0]["detail"]
    unique = [{"task": "t", "unique": {"key": f"k{n}"}} for n in range(51)]
    assert (await api.post("/v1/jobs/batch", {"jobs": unique})).status_code == 422
    assert (await api.post("/v1/jobs/batch", {"jobs": unique[:50]})).status_code == 201


@pytest.mark.parametrize(("count", "status"), [(0, 422), (1000, 200), (1001, 422)])
async def test_a_batch_has_1_to_1000_jobs(api: Api, count: int, status: int) -> None:
    reply = await api.post("/v1/jobs/batch", {"jobs": [{"task": "t"}] * count, "atomic": False})
    assert reply.status_code == status
    if status == 422:
        assert reply.json()["errors"][0]["pointer"] == "/jobs"


async def test_each_job_of_a_plain_batch_has_its_own_fate(api: Api) -> None:
    jobs = [
        {"task": "t", "queue": "web", "payload": 1},
        {"task": "not a name"},
        {"task": "t", "expires_at": "2001-01-01T00:00:00Z"},
        {"task": "t", "queue": "mail", "payload": 2},
    ]
    reply = await api.post("/v1/jobs/batch", {"jobs": jobs, "atomic": False})
    assert reply.status_code == 200
    results = reply.json()["results"]
    assert [result["status"] for result in results] == [201, 422, 422, 201]
    assert results[1]["problem"]["errors"][0]["pointer"] == "/jobs/1/task"
    assert results[2]["problem"]["code"] == "already_expired"
    assert results[2]["problem"]["errors"][0]["pointer"] == "/jobs/2/expires_at"
    assert (results[0]["job"]["payload"], results[3]["job"]["payload"]) == (1, 2)
    assert await _states(api) == {"web": 1, "mail": 1}


async def test_a_plain_batch_of_faults_only_touches_nothing(api: Api) -> None:
    reply = await api.post("/v1/jobs/batch", {"jobs": [{}, {}], "atomic": False})
    assert [result["status"] for result in reply.json()["results"]] == [422, 422]


async def test_g3_an_atomic_batch_repeated_with_its_key_is_replayed(api: Api) -> None:
    body = {"jobs": [{"task": "t"}, {"task": "t"}]}
    first = await api.post("/v1/jobs/batch", body, idempotency_key="k")
    again = await api.post("/v1/jobs/batch", body, idempotency_key="k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["idempotency-replayed"] == "true"
    assert [job["id"] for job in again.json()["jobs"]] == [job["id"] for job in first.json()["jobs"]]
    assert all(job["deduplicated"] for job in again.json()["jobs"])


async def test_g3_a_plain_batch_repeated_with_its_key_is_replayed_job_by_job(api: Api) -> None:
    body = {"jobs": [{"task": "t"}, {"task": "bad name"}, {"task": "t"}], "atomic": False}
    first = (await api.post("/v1/jobs/batch", body, idempotency_key="k")).json()["results"]
    again = (await api.post("/v1/jobs/batch", body, idempotency_key="k")).json()["results"]
    assert [result["status"] for result in first] == [201, 422, 201]
    assert [result["status"] for result in again] == [200, 422, 200]
    assert again[0]["job"]["id"] == first[0]["job"]["id"] != again[2]["job"]["id"]
    assert await _states(api) == {"default": 2}


async def test_g3_what_was_kept_out_of_a_plain_batch_is_tried_again(api: Api) -> None:
    await api.http.put("/v1/queues/small", json={"max_depth": 1})
    body = {"jobs": [{"task": "t", "queue": "small"}, {"task": "t", "queue": "small"}], "atomic": False}
    first = (await api.post("/v1/jobs/batch", body, idempotency_key="k")).json()["results"]
    assert [result["status"] for result in first] == [201, 429]
    await api.http.put("/v1/queues/small", json={"max_depth": 2})
    again = (await api.post("/v1/jobs/batch", body, idempotency_key="k")).json()["results"]
    assert [result["status"] for result in again] == [200, 201]
    assert again[0]["job"]["id"] == first[0]["job"]["id"]


async def test_g3_another_plain_batch_with_the_key_is_refused(api: Api) -> None:
    body = {"jobs": [{"task": "t"}] * 150, "atomic": False}
    await api.post("/v1/jobs/batch", body, idempotency_key="k")
    other = await api.post("/v1/jobs/batch", {**body, "jobs": [{"task": "u"}] * 150}, idempotency_key="k")
    assert {result["problem"]["code"] for result in other.json()["results"]} == {"idempotency_mismatch"}
    assert await _states(api) == {"default": 150}


async def test_g3_a_jobs_own_key_is_the_same_alone_and_in_a_batch(api: Api) -> None:
    job = {"task": "t", "payload": [1], "idempotency_key": "k"}
    first = await api.post("/v1/jobs", job)
    again = await api.post("/v1/jobs/batch", {"jobs": [job], "atomic": False})
    [result] = again.json()["results"]
    assert (result["status"], result["job"]["id"]) == (200, first.json()["id"])
    other = await api.post("/v1/jobs/batch", {"jobs": [{**job, "payload": [2]}], "atomic": False})
    assert other.json()["results"][0]["problem"]["code"] == "idempotency_mismatch"


async def test_keys_given_twice_or_in_the_wrong_place_are_faults(api: Api) -> None:
    job = {"task": "t", "idempotency_key": "k"}
    twice = await api.post("/v1/jobs/batch", {"jobs": [job], "atomic": False}, idempotency_key="h")
    inside = await api.post("/v1/jobs/batch", {"jobs": [job]})
    for reply in (twice, inside):
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["pointer"] == "/jobs/0/idempotency_key"


async def test_msgpack_batches(api: Api) -> None:
    body = {"jobs": [{"task": "t", "payload": b"\x00"}, {"task": 1}], "atomic": False}
    reply = await api.post_msgpack("/v1/jobs/batch", body)
    made, refused = msgpack.unpackb(reply.content)["results"]
    assert (made["status"], made["job"]["payload"]) == (201, b"\x00")
    assert refused["problem"]["errors"][0]["pointer"] == "/jobs/1/task"
