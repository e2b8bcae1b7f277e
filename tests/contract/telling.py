"""The answers about webhooks, as `stories.py` has them of jobs; what they lead to listens to nobody."""

import httpx

from tests.contract.world import Story, World

Replies = list[httpx.Response]
NOBODY = "http://127.0.0.1:9/"
SECRETS = [f"whsec_{letter * 32}" for letter in "ABC"]


def put(world: World, name: str, **said: object) -> httpx.Response:
    """Return the reply to a webhook that is told nothing yet."""
    return world.http.put(f"/v1/webhooks/{name}", json={"url": NOBODY, "paused": True, **said})


def put_webhook(world: World, queue: str) -> Replies:
    said = {
        "events": ["job.dead"],
        "queues": [queue],
        "tasks": ["a"],
        "retry": {"max_attempts": 2},
        "description": "why",
    }
    made = put(world, queue, **said)
    shown = made.json()
    assert made.headers["location"] == f"/v1/webhooks/{queue}"
    assert shown["secret"].startswith("whsec_")
    assert (shown["state"], shown["paused_reason"], shown["missed"]) == ("paused", "asked", 0)
    assert {name: shown[name] for name in said if name != "retry"} == {n: v for n, v in said.items() if n != "retry"}
    assert (shown["retry"]["max_attempts"], shown["retry"]["initial_ms"]) == (2, 5_000)
    again = put(world, queue, **said)
    assert again.json()["updated_at"] == shown["updated_at"]
    assert "secret" not in again.json()
    other = put(world, queue, secret=SECRETS[0])
    assert "old_secret_until" in other.json()
    assert put(world, queue, secret=SECRETS[0]).json()["updated_at"] == other.json()["updated_at"]
    brought = put(world, f"{queue}.own", secret=SECRETS[1])
    assert "secret" not in brought.json()
    short = put(world, queue, secret="whsec_AAAA")
    assert [fault["pointer"] for fault in short.json()["errors"]] == ["/secret"]
    for url in ("https://10.0.0.1/", "http://receiver.example:0/", "ftp://receiver.example/"):
        assert [fault["pointer"] for fault in put(world, queue, url=url).json()["errors"]] == ["/url"]
    return [made, again, other, brought, full(world)]


def full(world: World) -> httpx.Response:
    """Return the refusal of one webhook too many: the store is told that the others were there."""
    key, names = "hr:{0}:hook:names", [f"filler-{number}" for number in range(50)]
    world.store.call("ZADD", key, *(word for name in names for word in ("0", name)))
    try:
        return put(world, "one-too-many")
    finally:
        world.store.call("ZREM", key, *names)


def list_webhooks(world: World, queue: str) -> Replies:
    names = [f"{queue}.{letter}" for letter in "abc"]
    for name in names:
        put(world, name)
    page = world.http.get("/v1/webhooks", params={"after": queue, "limit": 2})
    assert [each["name"] for each in page.json()["webhooks"]] == names[:2]
    following = world.http.get(page.links["next"]["url"])
    assert following.json()["webhooks"][0]["name"] == names[2]
    return [page, following, world.http.get("/v1/webhooks", params={"after": "~"})]


def get_webhook(world: World, queue: str) -> Replies:
    put(world, queue)
    read = world.http.get(f"/v1/webhooks/{queue}")
    assert (read.json()["queue"], read.json()["counts"]["dead"]) == (f"headrace.webhooks.{queue}", 0)
    assert "secret" not in read.json()
    return [read, world.http.get("/v1/webhooks/nobody")]


def delete_webhook(world: World, queue: str) -> Replies:
    put(world, queue)
    return [world.http.delete(f"/v1/webhooks/{queue}") for _ in range(2)]


def turn(verb: str, state: str) -> Story:
    """Return the story of a verb that brings a webhook into a state."""

    def story(world: World, queue: str) -> Replies:
        put(world, queue)
        turned = [world.http.post(f"/v1/webhooks/{queue}/{verb}") for _ in range(2)]
        assert [reply.json()["state"] for reply in turned] == [state] * 2
        world.http.delete(f"/v1/webhooks/{queue}")
        return [*turned, world.http.post(f"/v1/webhooks/nobody/{verb}")]

    return story


def rotate_webhook(world: World, queue: str) -> Replies:
    first = put(world, queue).json()["secret"]
    made_up = world.http.post(f"/v1/webhooks/{queue}/rotate")
    assert made_up.json()["secret"] not in (first, None)
    brought = world.http.post(f"/v1/webhooks/{queue}/rotate", json={"secret": SECRETS[2]})
    assert "secret" not in brought.json()
    assert brought.json()["old_secret_until"] > brought.json()["server_time"]
    return [made_up, brought, world.http.post("/v1/webhooks/nobody/rotate")]


def ping_webhook(world: World, queue: str) -> Replies:
    path = f"/v1/webhooks/{queue}/test"
    put(world, queue)
    paused = world.http.post(path)
    put(world, queue, paused=False)
    sent = world.http.post(path)
    ended = world.http.get(sent.headers["location"], headers={"Prefer": "wait=20"}).json()
    assert (ended["state"], ended["error"]["type"]) == ("dead", "connection_failed")
    refused = [world.http.post(path)]
    world.http.put(f"/v1/queues/headrace.webhooks.{queue}", json={"max_bytes": 1})
    refused.append(world.http.post(path))
    world.http.post(f"/v1/queues/headrace.webhooks.{queue}/drain")
    refused.append(world.http.post(path))
    assert [reply.status_code for reply in refused] == [202, 429, 409]
    world.http.delete(f"/v1/webhooks/{queue}")
    return [paused, sent, *refused, world.http.post("/v1/webhooks/nobody/test")]


TELLING: dict[str, tuple[set[int], Story]] = {
    "listWebhooks": ({200}, list_webhooks),
    "getWebhook": ({200, 404}, get_webhook),
    "putWebhook": ({200, 201, 409}, put_webhook),
    "deleteWebhook": ({204, 404}, delete_webhook),
    "pauseWebhook": ({200, 404}, turn("pause", "paused")),
    "resumeWebhook": ({200, 404}, turn("resume", "active")),
    "rotateWebhook": ({200, 404}, rotate_webhook),
    "pingWebhook": ({202, 404, 409, 429}, ping_webhook),
}


def paused(world: World, queue: str) -> httpx.Response:
    """Return the refusal to try out a webhook that is paused."""
    put(world, queue)
    return world.http.post(f"/v1/webhooks/{queue}/test")


def drained(world: World, queue: str) -> httpx.Response:
    """Return the refusal to try out a webhook whose queue takes nothing."""
    put(world, queue, paused=False)
    world.http.post(f"/v1/queues/headrace.webhooks.{queue}/drain")
    return world.http.post(f"/v1/webhooks/{queue}/test")


def crowded(world: World, queue: str) -> httpx.Response:
    """Return the refusal to try out a webhook whose queue is full."""
    put(world, queue, paused=False)
    world.http.put(f"/v1/queues/headrace.webhooks.{queue}", json={"max_bytes": 1})
    return world.http.post(f"/v1/webhooks/{queue}/test")
