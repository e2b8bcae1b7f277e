"""One task and many payloads: which requests they become, and what is said where one of these fails; no network."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from headrace import ConnectionFailed, Invalid, NotWritable, OutcomeUnknown, Patience, Raw, Receipt, State
from headrace._steps import Reply, Request

from tests.sdk.client.drive import CUT, ID, REFUSED, Line, body, keys, line, problem, reply, told

ONE_TRY = Patience(total_s=0)
KEY = "import-7"
REST = f"the same call with idempotency_key='{KEY}' does the rest, and nothing twice"


def made(request: Request) -> Reply:
    """Return an answer with an id for each job of a request, made of its payload."""
    return told(*[f"job-{job.get('payload')}" for job in body(request)["jobs"]])


def sent(wire: Line) -> list[int]:
    """Return how many jobs each request had."""
    return [len(body(step.request)["jobs"]) for step in wire.sent]


def test_payloads_are_sent_with_what_all_of_them_ask_for_said_once() -> None:
    wire = line(told(ID, ID, ID))
    payloads = iter([{"n": 1}, None, Raw(b"x", "image/png")])
    batch = wire.run(wire.verbs.enqueue_payloads("shop.mail", payloads, queue="mail", delay_ms=5))
    jobs = [{"payload": {"n": 1}}, {"payload": None}, {"payload_raw": "eA==", "payload_type": "image/png"}]
    shared = {"task": "shop.mail", "queue": "mail", "delay_ms": 5}
    assert body(wire.request) == {"defaults": shared, "jobs": jobs, "atomic": False}
    assert batch.jobs == (Receipt(id=ID, state=State.READY),) * 3
    assert wire.request.headers["Prefer"] == "return=minimal"


def test_no_payloads_are_no_request() -> None:
    wire = line()
    assert wire.run(wire.verbs.enqueue_payloads("t", [])).ids == ()


def test_many_payloads_are_several_requests_and_one_answer() -> None:
    wire = line(*[made] * 3)
    batch = wire.run(wire.verbs.enqueue_payloads("t", range(2100), idempotency_key=KEY))
    assert batch.ids == tuple(f"job-{n}" for n in range(2100))
    assert [step.request.headers["Idempotency-Key"] for step in wire.sent] == [KEY, f"{KEY}#1000", f"{KEY}#2000"]


@pytest.mark.parametrize("payloads", [[1], range(2100)], ids=["one request", "three"])
def test_a_key_that_leaves_no_room_for_places_is_refused_before_anything_is_sent(payloads: Iterable[int]) -> None:
    wire = line()
    with pytest.raises(ValueError, match=r"^idempotency_key: shorten it to 240 characters, it has 241; .* '#1000'$"):
        wire.run(wire.verbs.enqueue_payloads("t", payloads, idempotency_key="k" * 241))


def test_the_key_of_the_only_request_may_be_as_long_as_the_server_takes() -> None:
    wire = line(made)
    wire.run(wire.verbs.enqueue_payloads("t", [1], atomic=True, idempotency_key="k" * 255))
    assert keys(wire.sent) == {"k" * 255}


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (1000, [1000]), (1001, [1000, 1]), (2500, [1000, 1000, 500])])
def test_a_request_has_as_many_as_the_server_takes(count: int, sizes: list[int]) -> None:
    wire = line(*[made] * len(sizes))
    wire.run(wire.verbs.enqueue_payloads("t", iter(range(count))))
    assert sent(wire) == sizes


def test_all_or_none_is_one_request() -> None:
    wire = line(made)
    wire.run(wire.verbs.enqueue_payloads("t", range(300), atomic=True))
    assert body(wire.request)["atomic"] is True


def test_a_request_that_would_be_too_large_is_several() -> None:
    wire = line(*[made] * 3)
    batch = wire.run(wire.verbs.enqueue_payloads("t", [str(n) * 1_500_000 for n in range(5)]))
    assert sent(wire) == [2, 1, 2]
    assert [id[:5] for id in batch.ids] == [f"job-{n}" for n in range(5)]
    assert len(keys(wire.sent)) == len(wire.sent)


@pytest.mark.parametrize(
    ("options", "order"),
    [({}, ["made", "made", "told", "made", "told", "told"]), ({"ordering_key": "k"}, ["made", "told"] * 3)],
    ids=["any order", "in order"],
)
def test_a_request_is_made_while_the_one_before_is_answered_unless_their_order_counts(
    options: dict[str, Any], order: list[str]
) -> None:
    seen: list[str] = []
    wire = line(*[made] * 3, told=lambda: seen.append("told"))

    def payloads() -> Iterator[int]:
        for number in range(3000):
            if number % 1000 == 0:
                seen.append("made")
            yield number

    wire.run(wire.verbs.enqueue_payloads("t", payloads(), **options))
    assert seen == order


def test_a_refused_job_is_told_by_its_place_among_all() -> None:
    fault = {"pointer": "/jobs/3/payload", "detail": "too deep"}
    kept_out = {"index": 3, "status": 422, "problem": {"code": "invalid_request", "detail": "", "errors": [fault]}}
    wire = line(made, told(*["x", "x", "x", "", *["x"] * 6], results=[kept_out]))
    batch = wire.run(wire.verbs.enqueue_payloads("t", range(1010)))
    [error] = batch.errors
    assert batch.items[1003] is error
    assert [fault.pointer for fault in error.errors] == ["/jobs/1003/payload"]
    assert batch.ids[1003] == ""


def test_a_fault_of_an_option_is_one_of_the_call() -> None:
    wrong = problem("invalid_request", 422, errors=[{"pointer": "/defaults/priority", "detail": "too high"}])
    wire = line(wrong)
    with pytest.raises(Invalid) as caught:
        wire.run(wire.verbs.enqueue_payloads("t", [1], priority=999))
    assert [fault.pointer for fault in caught.value.errors] == ["/priority"]


def test_what_a_lost_request_leaves_open_is_told_with_the_key_that_mends_it() -> None:
    wire = line(made, CUT, made, retry=ONE_TRY)
    with pytest.raises(OutcomeUnknown) as caught:
        wire.run(wire.verbs.enqueue_payloads("t", range(5000), idempotency_key=KEY))
    assert caught.value.__notes__ == [f"payloads done: 0-999, 2000-2999; not known: 1000-1999; {REST}"]
    assert len(wire.sent) == 3, "what was on its way, and no more"


def test_the_error_of_the_only_request_says_it_all() -> None:
    wire = line(CUT, retry=ONE_TRY)
    with pytest.raises(OutcomeUnknown) as caught:
        wire.run(wire.verbs.enqueue_payloads("t", range(200)))
    assert not hasattr(caught.value, "__notes__")


def test_a_request_that_found_no_server_has_its_own_error() -> None:
    wire = line(made, REFUSED, made, retry=ONE_TRY)
    with pytest.raises(ConnectionFailed) as caught:
        wire.run(wire.verbs.enqueue_payloads("t", range(5000), idempotency_key=KEY))
    assert caught.value.__notes__ == [f"payloads done: 0-999, 2000-2999; {REST}"]


def test_each_request_is_repeated_by_itself_and_with_its_own_key() -> None:
    wire = line(made, CUT, REFUSED, made, made)
    batch = wire.run(wire.verbs.enqueue_payloads("t", range(3000)))
    assert batch.ids == tuple(f"job-{n}" for n in range(3000))
    assert len(keys(wire.sent)) == 3


def _wrong(number: int) -> Any:
    return {"when": datetime(2026, 1, 2, tzinfo=UTC)} if number == 1004 else number


def _breaks(number: int) -> Any:
    if number == 1004:
        raise LookupError("the table is gone")
    return number


@pytest.mark.parametrize(
    ("payload", "error", "text"),
    [(_wrong, NotWritable, r"payloads\[1004\]\['when'\]: json cannot write"), (_breaks, LookupError, "the table")],
    ids=["what cannot be written", "an iterable that raises"],
)
def test_what_ends_the_payloads_is_raised_when_the_requests_before_are_answered(
    payload: Callable[[int], Any], error: type[Exception], text: str
) -> None:
    wire = line(made)
    with pytest.raises(error, match=text) as caught:
        wire.run(wire.verbs.enqueue_payloads("t", (payload(n) for n in range(2400)), idempotency_key=KEY))
    assert caught.value.__notes__ == [f"payloads done: 0-999; {REST}"]


def test_a_wrong_payload_of_the_only_request_is_a_plain_error_and_nothing_is_sent() -> None:
    wire = line()
    with pytest.raises(NotWritable, match=r"^payloads\[1\]: json cannot write this set") as caught:
        wire.run(wire.verbs.enqueue_payloads("t", [1, {2}]))
    assert not hasattr(caught.value, "__notes__")


def test_an_option_that_cannot_be_written_is_named() -> None:
    with pytest.raises(NotWritable, match=r"^meta\['of'\]: json cannot write this set"):
        line().run(line().verbs.enqueue_payloads("t", [1], meta={"of": {2}}))


def test_an_answer_of_the_wrong_length_is_no_answer() -> None:
    wire = line(made, reply({"ids": [ID], "state": "ready", "results": []}), retry=ONE_TRY)
    with pytest.raises(OutcomeUnknown) as caught:
        wire.run(wire.verbs.enqueue_payloads("t", range(1500), idempotency_key=KEY))
    assert caught.value.__notes__ == [f"payloads done: 0-999; not known: 1000-1499; {REST}"]
