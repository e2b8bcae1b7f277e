"""Documents into models: every example of the contract can be read, and what is newer than this client does no harm."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from headrace import (
    ABSENT,
    AttemptOutcome,
    Backoff,
    OperationState,
    QueueSettings,
    Rate,
    ReasonCode,
    RetryPolicy,
    Settled,
    State,
    Status,
)
from headrace._grants import read_grant, read_leased
from headrace._read import read, read_instant, read_job, write_instant
from headrace._steps import Reply
from headrace._verbs import Verbs
from headrace.leases import Leased
from headrace.words import OpenEnum

from tests.sdk.client.calls import CALLS
from tests.sdk.client.drive import ID, NOW, TOKEN, job, line, reply
from tests.support.contract import document

OPENAPI = document()
RESPONSES = OPENAPI["components"]["responses"]
SCHEMAS = OPENAPI["components"]["schemas"]


def _operations() -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: {"method": method, "path": path, **operation}
        for path, methods in OPENAPI["paths"].items()
        if path.startswith("/v1")
        for method, operation in methods.items()
        if isinstance(operation, dict) and "operationId" in operation
    }


def _shown() -> list[Any]:
    found = []
    for name, operation in _operations().items():
        for status, pointer in operation["responses"].items():
            content = RESPONSES[pointer["$ref"].rsplit("/", 1)[1]].get("content", {})
            examples = content.get("application/json", {}).get("examples", {})
            found += [
                pytest.param(name, int(status), shown["value"], id=f"{name}-{status}-{title}")
                for title, shown in examples.items()
                if status.startswith("2") and (name != "enqueueJobs" or "ids" in shown["value"])  # asks for receipts
            ]
    return found


def test_every_operation_of_the_contract_has_a_verb() -> None:
    assert set(CALLS) == set(_operations())
    assert all(callable(getattr(Verbs, verb)) for verb, _, _ in CALLS.values())


@pytest.mark.parametrize(("operation", "status", "document"), _shown())
def test_every_answer_that_the_contract_shows_can_be_read(operation: str, status: int, document: Any) -> None:
    verb, args, kwargs = CALLS[operation]
    wire = line(reply(document, status))
    if operation == "advanceClock" and not document["done"]:  # it goes on until it is there
        wire.answers.append(reply({**document, "done": True}, status))
    answer = wire.run(getattr(wire.verbs, verb)(*args, **kwargs))
    assert answer is not None


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("JobState", State),
        ("EventState", State),
        ("OutcomeStatus", Status),
        ("SettleStatus", Status),
        ("LeaseStatus", Status),
        ("AttemptOutcome", AttemptOutcome),
        ("ReasonCode", ReasonCode),
        ("OperationState", OperationState),
        ("Backoff", Backoff),
    ],
)
def test_the_words_of_the_contract_are_known(schema: str, words: type[OpenEnum]) -> None:
    assert set(SCHEMAS[schema]["enum"]) <= {member.value for member in words}


def test_the_final_states_are_known() -> None:
    assert {state for state in State if state.is_final} == {State.SUCCEEDED, State.DEAD, State.CANCELLED, State.GONE}


def test_a_word_of_tomorrow_is_a_member_made_on_the_spot() -> None:
    state = State("paused")
    assert (state, state.value, state.name) == ("paused", "paused", "PAUSED")
    assert state == State("paused")
    assert {state: 1}[State("paused")] == 1
    assert not state.is_final
    assert state not in list(State)


def test_fields_of_tomorrow_and_nulls_are_passed_over() -> None:
    read_back = read_job(job(colour="red", result=None, meta=None))
    assert read_back.result is None
    assert read_back.meta == {}


@pytest.mark.parametrize("broken", [{"id": 5}, {"attempt": "1"}, {"enqueued_at": "2026-01-02T03:04:05"}, {"meta": []}])
def test_a_document_that_does_not_fit_is_not_taken(broken: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        read_job(job(**broken))


def test_a_payload_is_a_value_whichever_way_it_travelled() -> None:
    document = {**job(), "token": TOKEN, "deadline": NOW, "fence": 1}
    del document["payload"]
    leased = read_leased({**document, "payload_raw": "kwEC", "payload_type": "application/msgpack"})
    assert type(leased.payload).__name__ == "Raw", "an array that is cut short cannot be read, and is still delivered"
    leased = read_leased({**document, "payload_raw": b"\x92\x01\x02", "payload_type": "application/msgpack"})
    assert leased.payload == [1, 2]


LEASED = {**job(), "token": TOKEN, "deadline": NOW, "fence": 1}


def test_a_leased_job_is_read_as_any_model_is() -> None:
    full = {**LEASED, "checkpoint": [1], "schedule": {"name": "s", "slot": NOW}, "max_runtime_ms": 5, "colour": "red"}
    for told in (full, {**LEASED, "meta": None, "checkpoint": None, "enqueued_at": None}):
        leased = read_leased(told)
        assert leased == read(Leased, told)
        assert asdict(leased) == asdict(read(Leased, told))


@pytest.mark.parametrize("broken", [{"id": 5}, {"fence": "1"}, {"deadline": "soon"}, {"token": None}, {"trace": []}])
def test_a_leased_job_that_does_not_fit_is_not_taken(broken: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        read_leased({**LEASED, **broken})


def test_a_leased_job_without_a_task_is_like_the_one_before_it() -> None:
    first = {**LEASED, "max_runtime_ms": 5, "meta": {"k": 1}, "payload": [1], "attempt": 2}
    other = {**LEASED, "id": "b", "task": "other"}
    [one, alike, third, same] = read_grant(
        [first, {"id": "c", "token": "t"}, other, {**LEASED, "id": "b", "task": "other"}]
    )
    assert one == read_leased(first)
    assert alike == replace(one, id="c", token="t", payload=None, meta={})
    assert (third, third.max_runtime_ms) == (same, None)
    [_, alike] = read_grant([other, {"id": "c", "token": "t", "trace": {"traceparent": "x"}, "checkpoint": 0}])
    assert alike == replace(third, id="c", token="t", payload=None, trace={"traceparent": "x"}, checkpoint=0)


@pytest.mark.parametrize(
    "broken", [[{"id": "c", "token": "t"}], [LEASED, {"id": "c"}], [LEASED, {"token": "t", "id": 1}]]
)
def test_a_job_that_is_like_none_is_not_taken(broken: list[dict[str, Any]]) -> None:
    with pytest.raises((TypeError, ValueError)):
        read_grant(broken)


def test_instants_come_and_go_in_utc_with_milliseconds() -> None:
    assert read_instant("2026-01-02T04:04:05.678+01:00") == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert write_instant("x", datetime(2026, 1, 2, 3, 4, 5, 999001, tzinfo=UTC)) == "2026-01-02T03:04:06.000Z"
    assert write_instant("x", datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00.000Z"


def test_a_token_is_never_shown() -> None:
    leased = read_leased({**job(), "token": TOKEN, "deadline": NOW, "fence": 1})
    assert TOKEN not in repr(leased)


def test_absent_says_so() -> None:
    assert repr(ABSENT) == "ABSENT"


def test_an_item_whose_id_was_no_text_still_has_its_status() -> None:
    assert read(Settled, {"status": "invalid"}).job_id == ""


def test_a_result_without_a_known_type_is_handed_out_as_it_is() -> None:
    wire = line(Reply(status=200, headers={"content-type": "text/plain"}, content=b"x"))
    answer = wire.run(wire.verbs.result(ID))
    assert (answer.data, answer.media_type) == (b"x", "text/plain")


def test_settings_come_back_as_the_models_they_were_made_of() -> None:
    document = {"lease_ms": 5, "retry": {"backoff": "linear", "factor": 2, "non_retryable": ["A", "B"]}}
    settings = read(QueueSettings, {**document, "rate": {"count": 1, "per_ms": 2, "burst": 3}, "colour": "red"})
    assert settings == QueueSettings(
        lease_ms=5,
        retry=RetryPolicy(backoff=Backoff.LINEAR, factor=2.0, non_retryable=("A", "B")),
        rate=Rate(count=1, per_ms=2, burst=3),
    )
