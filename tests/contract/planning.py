"""The answers about schedules, as `stories.py` has them of jobs."""

import httpx

from tests.contract.world import Story, World

Replies = list[httpx.Response]


def put(world: World, name: str, **said: object) -> httpx.Response:
    """Return the reply to a schedule that comes once a year."""
    body = {"cron": "@yearly", "timezone": "Asia/Tokyo", "job": {"task": "a", "queue": name}, **said}
    return world.http.put(f"/v1/schedules/{name}", json=body)


def put_schedule(world: World, queue: str) -> Replies:
    job = {"task": "a", "queue": queue, "payload": {"n": 5}, "meta": {"k": "v"}, "tags": {"tenant": "acme"}}
    made = put(world, queue, job=job, owner="me", overlap="skip", description="why")
    shown = made.json()
    assert (shown["job"], shown["state"], shown["overlap"], shown["fired"]) == (job, "active", "skip", 0)
    again = put(world, queue, job=job, owner="me", overlap="skip", description="why")
    assert (again.json()["updated_at"], again.json()["next_at"]) == (shown["updated_at"], shown["next_at"])
    paused = put(world, queue, job={**job, "payload": None}, paused=True)
    assert (paused.json()["state"], paused.json()["next_at"]) == ("paused", shown["next_at"])
    raw = put(world, queue, job={"task": "a", "payload_raw": "AAE=", "payload_type": "a/b"})
    assert (raw.json()["job"]["payload_raw"], raw.json()["state"]) == ("AAE=", "paused")
    assert [put(world, queue, cron=cron).status_code for cron in ("nonsense", "0 0 31 2 *")] == [422, 422]
    nowhere = put(world, queue, timezone="Mars/Olympus")
    assert [fault["pointer"] for fault in nowhere.json()["errors"]] == ["/timezone"]
    return [made, again, paused, raw, full(world)]


def full(world: World) -> httpx.Response:
    """Return the refusal of one schedule too many: the store is told that the others were there."""
    key, names = "hr:{0}:beat:names", [f"filler-{number}" for number in range(10_000)]
    world.store.call("ZADD", key, *(word for name in names for word in ("0", name)))
    try:
        return put(world, "one-too-many")
    finally:
        world.store.call("ZREM", key, *names)


def list_schedules(world: World, queue: str) -> Replies:
    names = [f"{queue}.{letter}" for letter in "abc"]
    for name in names:
        put(world, name, owner=queue)
    page = world.http.get("/v1/schedules", params={"after": queue, "limit": 2, "owner": queue})
    assert [each["name"] for each in page.json()["schedules"]] == names[:2]
    following = world.http.get(page.links["next"]["url"])
    assert following.json()["schedules"][0]["name"] == names[2]
    other = world.http.get("/v1/schedules", params={"owner": "nobody"})
    assert other.json()["schedules"] == []
    return [page, following, other]


def get_schedule(world: World, queue: str) -> Replies:
    put(world, queue, cron="* * * * * *", timezone="UTC", starts_at="2026-01-01T00:00:00Z")
    read = world.http.get(f"/v1/schedules/{queue}")
    assert read.json()["cron"] == "* * * * * *"
    body = {"at": "2036-01-01T00:00:00Z", "job": {"task": "a"}}
    once = world.http.put(f"/v1/schedules/{queue}", json=body)
    assert (once.json()["at"], once.json()["next_at"]) == ("2036-01-01T00:00:00.000Z", "2036-01-01T00:00:00.000Z")
    return [read, once, world.http.get("/v1/schedules/nobody")]


def delete_schedule(world: World, queue: str) -> Replies:
    put(world, queue)
    return [world.http.delete(f"/v1/schedules/{queue}") for _ in range(2)]


def turn(verb: str, state: str) -> Story:
    """Return the story of a verb that brings a schedule into a state."""

    def story(world: World, queue: str) -> Replies:
        put(world, queue, paused=state == "active")
        replies = [world.http.post(f"/v1/schedules/{queue}/{verb}") for _ in range(2)]
        assert [reply.json()["state"] for reply in replies] == [state, state]
        return [*replies, world.http.post(f"/v1/schedules/nobody/{verb}")]

    return story


def trigger_schedule(world: World, queue: str) -> Replies:
    put(world, queue, paused=True)
    told = world.http.post(f"/v1/schedules/{queue}/trigger")
    [job] = world.http.post("/v1/leases", json={"queues": [queue]}).json()["jobs"]
    assert (told.json()["outcome"], told.json()["job_id"]) == ("enqueued", job["id"])
    world.http.post(f"/v1/jobs/{job['id']}/ack", json={"token": job["token"]})
    [run] = world.http.get(f"/v1/schedules/{queue}").json()["runs"]
    assert (run["manual"], run["outcome"], run["job_id"]) == (True, "succeeded", job["id"])
    assert run["duration_ms"] >= 0
    world.http.post(f"/v1/queues/{queue}/drain")
    refused = world.http.post(f"/v1/schedules/{queue}/trigger")
    assert (refused.json()["outcome"], "job_id" in refused.json()) == ("refused", False)
    return [told, refused, world.http.post("/v1/schedules/nobody/trigger")]


def preview_schedule(world: World, queue: str) -> Replies:
    put(world, queue)
    found = world.http.get(f"/v1/schedules/{queue}/preview", params={"n": 2})
    assert [slot[4:] for slot in found.json()["slots"]] == ["-12-31T15:00:00.000Z"] * 2
    return [found, world.http.get("/v1/schedules/nobody/preview")]


def preview_timing(world: World, queue: str) -> Replies:
    body = {"every_ms": 86_400_000, "starts_at": "2036-01-01T06:00:00Z", "ends_at": "2036-01-02T06:00:00Z"}
    found = world.http.post("/v1/schedules/preview", json=body)
    assert found.json()["slots"] == ["2036-01-01T06:00:00.000Z", "2036-01-02T06:00:00.000Z"]
    return [found]


PLANNING: dict[str, tuple[set[int], Story]] = {
    "listSchedules": ({200}, list_schedules),
    "getSchedule": ({200, 404}, get_schedule),
    "putSchedule": ({200, 409}, put_schedule),
    "deleteSchedule": ({204, 404}, delete_schedule),
    "pauseSchedule": ({200, 404}, turn("pause", "paused")),
    "resumeSchedule": ({200, 404}, turn("resume", "active")),
    "triggerSchedule": ({200, 404}, trigger_schedule),
    "previewSchedule": ({200, 404}, preview_schedule),
    "previewTiming": ({200}, preview_timing),
}
