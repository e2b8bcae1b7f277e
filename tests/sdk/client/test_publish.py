"""The span of an application that uses Sentry around an enqueue: the parent of what the worker records."""

from collections.abc import Iterator

import pytest
import sentry_sdk
from headrace import NewJob
from headrace.tracing import trace_context

from tests.sdk.client.drive import ID, job, line, reply, told
from tests.support.sentry import DSN, Kept

SECRET = "geheim-4711"
GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.fixture
def kept() -> Iterator[Kept]:
    """The application's own Sentry, as it would be set up."""
    made = Kept()
    with sentry_sdk.isolation_scope():
        before = sentry_sdk.get_global_scope().client
        sentry_sdk.init(
            DSN, transport=made, traces_sample_rate=1.0, default_integrations=False, auto_enabling_integrations=False
        )
        yield made
        sentry_sdk.get_global_scope().set_client(before)


def test_an_enqueue_is_a_span_and_the_parent_of_the_job(kept: Kept) -> None:
    one, many = line(reply(job(), 201)), line(told(ID))
    with sentry_sdk.start_transaction(name="checkout"):
        one.run(one.verbs.enqueue("shop.mail", [SECRET], queue="mail"))
        many.run(many.verbs.enqueue_batch([NewJob(task="shop.many", payload=[SECRET])]))
    [transaction] = kept.events("transaction")
    spans = {span["description"]: span for span in transaction["spans"]}
    assert set(spans) == {"shop.mail", "shop.many"}
    for name, sent, queue in (("shop.mail", one, "mail"), ("shop.many", many, "default")):
        span = spans[name]
        assert span["op"] == "queue.publish"
        assert span["data"]["messaging.destination.name"] == queue
        assert sent.request.headers["traceparent"] == f"00-{span['trace_id']}-{span['span_id']}-01"
        assert f"sentry-trace_id={span['trace_id']}" in sent.request.headers["baggage"]
    assert not any(SECRET.encode() in envelope for envelope in kept.wire)


def test_without_a_span_or_with_a_trace_of_its_own_a_call_makes_none(kept: Kept) -> None:
    plain = line(reply(job(), 201))
    plain.run(plain.verbs.enqueue("t"))
    assert "traceparent" not in plain.request.headers
    given = line(reply(job(), 201))
    with sentry_sdk.start_transaction(name="checkout"), trace_context({"traceparent": GIVEN}):
        given.run(given.verbs.enqueue("t"))
    assert given.request.headers["traceparent"] == GIVEN
    assert kept.events("transaction")[0]["spans"] == []
