"""Messages of webhooks: their signatures, and the secrets that make them."""

import base64

import pytest
from headrace_server.domain.events import Event
from headrace_server.domain.lifecycle import State
from headrace_server.domain.retry import RetryPolicy
from headrace_server.domain.webhooks import (
    EventType,
    Webhook,
    WebhookView,
    key_of,
    message_digest,
    secret_of,
    signatures,
)

# the example that standardwebhooks.com and its libraries have
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OLD = secret_of(b"0" * 24)


def test_the_example_of_the_specification() -> None:
    body = b'{"test": 2432232314}'
    assert signatures([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == SIGNED
    both = signatures([SECRET, OLD], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body).split(" ")
    assert (both[0], len(both)) == (SIGNED, 2)


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_!", "whsec_" + base64.b64encode(b"x" * 23).decode(), SECRET[6:], SECRET + "="]
)
def test_what_is_no_secret(text: str) -> None:
    assert key_of(text) is None


@pytest.mark.parametrize("size", [24, 64])
def test_a_secret_holds_its_key(size: int) -> None:
    assert key_of(secret_of(b"k" * size)) == b"k" * size
    assert key_of(secret_of(b"k" * 65)) is None


def view(**more: object) -> WebhookView:
    spec = Webhook(url="https://example.com", timeout_ms=1, concurrency=1, max_waiting=1, retry=RetryPolicy(), **more)  # type: ignore[arg-type]
    return WebhookView(
        name="w",
        webhook=spec,
        generation=1,
        paused=None,
        secret=SECRET,
        old_secret=OLD,
        old_until_ms=1_000,
        missed=0,
        created_at_ms=100,
        updated_at_ms=100,
        now_ms=100,
    )


def test_the_old_secret_signs_until_its_time_is_over_and_none_is_ever_shown() -> None:
    assert view().secrets(999) == [SECRET, OLD]
    assert view().secrets(1_000) == [SECRET]
    assert SECRET not in f"{view()} {view()!r}"


def event(state: State | None = State.DEAD, **more: object) -> Event:
    return Event(cursor="", rev=1, job_id=b"j" * 16, queue="q", task="t", state=state, at_ms=100, **more)  # type: ignore[arg-type]


def test_a_webhook_wants_what_it_asked_for() -> None:
    assert view().wants(event())
    assert not view().wants(event(State.READY))
    assert not view().wants(event(None))
    assert view(events=(EventType.GONE,)).wants(event(None))
    assert view(queues=("q",), tasks=("t",)).wants(event())
    assert not view(queues=("other",)).wants(event())
    assert not view(tasks=("other",)).wants(event())
    assert not view().wants(Event(cursor="", queue="q", task="t", state=State.DEAD, at_ms=99))


def test_the_digest_of_a_message_tells_its_parts_apart() -> None:
    assert message_digest("a", 1) == message_digest("a", 1)
    assert len({message_digest(*parts) for parts in (("a", 1), ("a", 11), ("a1",), ("a", b"1", "1"), ("b", 1))}) == 5
