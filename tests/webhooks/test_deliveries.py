"""What receivers get: each event that was asked for, signed, and again when they fail, but for what is hopeless."""

from collections import Counter
from datetime import timedelta
from threading import Event

from headrace import Client, RetryPolicy, State, Webhook, WebhookPauseReason, WebhookState

from tests.support.receiver import Answer, Receiver
from tests.support.waiting import eventually

QUICK = RetryPolicy(max_attempts=3, initial_ms=50, max_ms=100, jitter=False)


def ended(client: Client, queue: str, task: str = "demo.add") -> str:
    """Return the id of a job that was leased and is done."""
    job_id = client.enqueue(task, queue=queue).id
    [job] = client.lease(queue).jobs
    client.ack(job.id, job.token, result=5)
    return job_id


def counts(client: Client, name: str) -> dict[State, int]:
    """Return how many deliveries of a webhook are in each state that has some."""
    return {state: count for state, count in client.webhook(name).counts.items() if count}


def test_the_end_of_a_job_is_told_and_signed(client: Client, receiver: Receiver, queue: str) -> None:
    made = client.put_webhook(queue, Webhook(url=receiver.url("/told?a=b"), queues=[queue]))
    assert made.secret is not None
    job_id = ended(client, queue)
    [message] = eventually(lambda: receiver.messages, what="the message")
    assert (message.path, message.kind, message.job_id) == ("/told?a=b", "job.succeeded", job_id)
    assert message.headers["content-type"] == "application/json"
    assert message.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert message.headers["user-agent"].startswith("headrace/")
    assert message.signed_by(made.secret)
    assert not message.signed_by("whsec_" + "A" * 32)
    told = message.document["data"]
    assert (told["queue"], told["task"], told["was"], told["attempt"]) == (queue, "demo.add", "leased", 1)
    delivery = client.wait(message.id, timeout=10)
    assert (delivery.queue, delivery.task) == (f"headrace.webhooks.{queue}", "webhook")
    assert delivery.result["status"] == 204


def test_each_webhook_is_told_what_it_asked_for_once(client: Client, receiver: Receiver, queue: str) -> None:
    only_b = {"queues": [queue, "elsewhere"], "tasks": ["b"]}
    client.put_webhook(f"{queue}.ends", Webhook(url=receiver.url("/ends"), queues=[queue]))
    client.put_webhook(f"{queue}.b", Webhook(url=receiver.url("/b"), events=["job.ready", "job.leased"], **only_b))
    first, second = ended(client, queue, "a"), ended(client, queue, "b")
    client.cancel(client.enqueue("c", queue=queue).id)
    ended(client, f"{queue}.other", "b")
    last = ended(client, queue, "b")  # what is told after all that was to be told
    eventually(lambda: last in {message.job_id for message in receiver.of("/ends")})
    eventually(lambda: len(receiver.of("/b")) >= 4)
    assert Counter((m.kind, m.job_id) for m in receiver.of("/b")) == dict.fromkeys(
        [("job.ready", second), ("job.leased", second), ("job.ready", last), ("job.leased", last)], 1
    )
    ends = Counter(message.kind for message in receiver.of("/ends"))
    assert ends == {"job.succeeded": 3, "job.cancelled": 1}
    assert {first, second, last} < {message.job_id for message in receiver.of("/ends")}
    assert len({message.id for message in receiver.messages}) == len(receiver.messages)


def test_deliveries_themselves_are_nothing_to_tell_of(client: Client, receiver: Receiver, queue: str) -> None:
    every = ["job.scheduled", "job.ready", "job.leased", "job.retrying", "job.succeeded", "job.dead", "job.gone"]
    client.put_webhook(queue, Webhook(url=receiver.url(), events=every))
    ended(client, queue)
    eventually(lambda: counts(client, queue) == {State.SUCCEEDED: 3})
    last = ended(client, queue)
    ends = {"job.ready", "job.leased", "job.succeeded"}  # in whatever order: attempts run side by side
    eventually(lambda: {message.kind for message in receiver.messages if message.job_id == last} == ends)
    assert len(receiver.messages) == 6
    assert {message.document["data"]["queue"] for message in receiver.messages} == {queue}


def test_a_message_that_was_not_taken_comes_again(client: Client, receiver: Receiver, queue: str) -> None:
    receiver.answer("/", Answer(500, body=b"x" * 200_000), Answer(cut=True), Answer(200))
    made = client.put_webhook(queue, Webhook(url=receiver.url(), queues=[queue], retry=QUICK))
    ended(client, queue)
    eventually(lambda: counts(client, queue) == {State.SUCCEEDED: 1})
    assert len(receiver.messages) == 3
    assert len({(message.id, message.body) for message in receiver.messages}) == 1
    assert all(message.signed_by(str(made.secret)) for message in receiver.messages)
    attempts = client.attempts(receiver.messages[0].id)
    assert [attempt.error.type for attempt in attempts if attempt.error] == ["http_500", "no_http"]


def test_what_was_given_up_is_a_dead_letter_and_can_be_sent_again(
    client: Client, receiver: Receiver, queue: str
) -> None:
    receiver.answer("/", Answer(503), Answer(503), Answer(503), Answer(204))
    client.put_webhook(queue, Webhook(url=receiver.url(), queues=[queue], retry=QUICK))
    ended(client, queue)
    eventually(lambda: counts(client, queue) == {State.DEAD: 1})
    [dead] = client.iter_jobs(queue=f"headrace.webhooks.{queue}", state="dead")
    assert dead.error is not None
    assert (dead.error.type, dead.attempt) == ("http_503", 3)
    client.retry(dead.id)
    eventually(lambda: counts(client, queue) == {State.SUCCEEDED: 1})
    assert [message.id for message in receiver.messages] == [dead.id] * 4


def test_a_redirect_is_not_followed(client: Client, receiver: Receiver, queue: str) -> None:
    receiver.answer("/", Answer(307, headers={"Location": receiver.url("/elsewhere")}))
    client.put_webhook(queue, Webhook(url=receiver.url(), queues=[queue], retry=QUICK))
    ended(client, queue)
    eventually(lambda: counts(client, queue) == {State.DEAD: 1})
    assert [message.path for message in receiver.messages] == ["/"] * 3


def test_a_receiver_that_wants_to_be_left_alone_is(client: Client, receiver: Receiver, queue: str) -> None:
    receiver.answer("/", Answer(429, headers={"Retry-After": "1800"}))
    client.put_webhook(queue, Webhook(url=receiver.url(), queues=[queue], retry=QUICK))
    ended(client, queue)
    eventually(lambda: counts(client, queue) == {State.RETRYING: 1})
    [waiting] = client.iter_jobs(queue=f"headrace.webhooks.{queue}", state="retrying")
    assert waiting.run_at is not None
    assert waiting.run_at - waiting.enqueued_at > timedelta(minutes=29)


def test_a_receiver_that_is_gone_is_told_nothing_more(client: Client, receiver: Receiver, queue: str) -> None:
    receiver.answer("/", Answer(410), Answer(204))
    client.put_webhook(queue, Webhook(url=receiver.url(), queues=[queue], retry=QUICK))
    ended(client, queue)
    eventually(lambda: client.webhook(queue).state is WebhookState.PAUSED)
    assert client.webhook(queue).paused_reason is WebhookPauseReason.GONE
    eventually(lambda: counts(client, queue) == {State.DEAD: 1})
    for _ in range(3):
        ended(client, queue)
    eventually(lambda: client.webhook(queue).missed == 3)
    assert len(receiver.messages) == 1
    client.resume_webhook(queue)
    eventually(lambda: len(receiver.messages) >= 2)
    last = ended(client, queue)
    eventually(lambda: len(receiver.messages) >= 3)
    [_, gap, told] = receiver.messages
    assert (gap.kind, gap.document["data"]) == ("webhook.gap", {"missed": 3})
    assert told.job_id == last
    assert client.webhook(queue).missed == 0


def test_a_slow_receiver_holds_up_nobody_else(client: Client, receiver: Receiver, queue: str) -> None:
    held = Event()
    receiver.answer("/slow", Answer(held=held))
    slow = Webhook(url=receiver.url("/slow"), queues=[queue], concurrency=2, timeout_ms=30_000)
    client.put_webhook(f"{queue}.slow", slow)
    client.put_webhook(f"{queue}.quick", Webhook(url=receiver.url("/quick"), queues=[queue]))
    jobs = [ended(client, queue) for _ in range(6)]
    eventually(lambda: sorted(message.job_id for message in receiver.of("/quick")) == sorted(jobs))
    assert len(receiver.of("/slow")) <= 2
    held.set()
    eventually(lambda: counts(client, f"{queue}.slow") == {State.SUCCEEDED: 6})


def test_what_does_not_answer_in_time_has_failed(client: Client, receiver: Receiver, queue: str) -> None:
    receiver.answer("/", Answer(held=Event()))
    once = RetryPolicy(max_attempts=1)
    client.put_webhook(queue, Webhook(url=receiver.url(), queues=[queue], timeout_ms=200, retry=once))
    ended(client, queue)
    eventually(lambda: counts(client, queue) == {State.DEAD: 1})
    [dead] = client.iter_jobs(queue=f"headrace.webhooks.{queue}", state="dead")
    assert dead.error is not None
    assert dead.error.type == "timeout"


def test_beyond_what_may_wait_a_gap_is_told(client: Client, receiver: Receiver, queue: str) -> None:
    held = Event()
    receiver.answer("/", Answer(held=held))
    client.put_webhook(
        queue, Webhook(url=receiver.url(), queues=[queue], concurrency=1, max_waiting=2, timeout_ms=30_000)
    )
    for _ in range(5):
        ended(client, queue)
    eventually(lambda: client.webhook(queue).missed == 3)
    held.set()
    eventually(lambda: [m.document["data"] for m in receiver.messages if m.kind == "webhook.gap"] == [{"missed": 3}])
    assert [message.kind for message in receiver.messages] == ["job.succeeded", "job.succeeded", "webhook.gap"]


def test_a_deleted_webhook_leaves_nothing_to_deliver(client: Client, receiver: Receiver, queue: str) -> None:
    receiver.answer("/", Answer(503, headers={"Retry-After": "600"}))
    client.put_webhook(queue, Webhook(url=receiver.url(), queues=[queue], retry=QUICK))
    ended(client, queue)
    eventually(lambda: counts(client, queue) == {State.RETRYING: 1})
    client.delete_webhook(queue)
    eventually(lambda: client.queue_stats(f"headrace.webhooks.{queue}").counts[State.RETRYING] == 0)
    ended(client, queue)
    assert list(client.iter_webhooks()) == []
    assert len(receiver.messages) == 1
